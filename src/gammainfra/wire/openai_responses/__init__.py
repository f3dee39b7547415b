"""OpenAI's Responses, spoken to clients (``CLIENT``) and to OpenAI (``PROVIDER``), stateless: every request brings its

whole conversation. Source: OpenAI's API reference and SDK types, and what Codex sends and reads.
"""

from __future__ import annotations

from typing import Final

from gammainfra.wire.dialect import ClientDialect, ProviderDialect
from gammainfra.wire.openai_responses.client import ResponsesClient
from gammainfra.wire.openai_responses.provider import ResponsesProvider

__all__ = ["CLIENT", "PROVIDER"]

CLIENT: Final[ClientDialect] = ResponsesClient()
PROVIDER: Final[ProviderDialect] = ResponsesProvider()
