"""OpenAI's Chat Completions, spoken to clients (``CLIENT``) and to providers (``PROVIDER``).

Source: OpenAI's API reference and SDK types; OpenRouter's documentation for ``provider``, ``reasoning_details`` and
the cost fields; recorded traffic for what hosts do beside that. No vendor is treated by its name: what differs
between hosts arrives in Target.
"""

from __future__ import annotations

from typing import Final

from gammainfra.wire.dialect import ClientDialect, ProviderDialect
from gammainfra.wire.openai_chat.client import ChatClient
from gammainfra.wire.openai_chat.provider import ChatProvider

__all__ = ["CLIENT", "PROVIDER"]

CLIENT: Final[ClientDialect] = ChatClient()
PROVIDER: Final[ProviderDialect] = ChatProvider()
