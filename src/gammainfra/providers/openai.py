"""OpenAI: the owner of the Chat Completions dialect."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="openai",
    title="OpenAI",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.openai.com/v1",
    docs="https://platform.openai.com/docs/api-reference/chat",
    owns_dialect=True,
)
