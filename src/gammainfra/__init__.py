"""GammaInfra, an LLM gateway for agent loops. This module names the version and imports nothing, so that
asking for the version never starts the gateway.
"""

from __future__ import annotations

__version__ = "0.1.0"
