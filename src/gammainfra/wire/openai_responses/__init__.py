"""OpenAI's Responses, spoken to clients (``CLIENT``), stateless: every request brings its whole conversation.

Source: OpenAI's API reference and SDK types, and what Codex sends and reads. It shares OpenAI's words (errors, lenient
JSON, usage) with ``wire.openai_chat``. Providers are never asked in this dialect: the hub lies between.
"""

from __future__ import annotations

from typing import Final

from gammainfra.wire.dialect import ClientDialect
from gammainfra.wire.openai_responses.client import ResponsesClient

__all__ = ["CLIENT"]

CLIENT: Final[ClientDialect] = ResponsesClient()
