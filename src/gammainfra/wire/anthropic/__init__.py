"""Anthropic's Messages API, provider side: hub to body, answer to events, errors to causes.

It decides how a request is said to hosts of this dialect and what they mean; no host, key or version is known here.
"""

from __future__ import annotations

from gammainfra.wire.anthropic.provider import PROVIDER

__all__ = ["PROVIDER"]
