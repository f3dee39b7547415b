"""Anthropic's Messages API, spoken to clients (``CLIENT``) and to providers (``PROVIDER``).

It decides how requests and answers of this dialect are read and written; no host, key or version is known here.
"""

from __future__ import annotations

from typing import Final

from gammainfra.wire.anthropic.client import MessagesClient
from gammainfra.wire.anthropic.pause import continue_request
from gammainfra.wire.anthropic.provider import PROVIDER
from gammainfra.wire.dialect import ClientDialect

__all__ = ["CLIENT", "PROVIDER", "continue_request"]

CLIENT: Final[ClientDialect] = MessagesClient()
