"""OpenAI: the owner of the Chat Completions dialect, and of Responses."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat, openai_responses

PROVIDER = Provider(
    name="openai",
    title="OpenAI",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.openai.com/v1",
    docs="https://platform.openai.com/docs/api-reference/chat",
    owns_dialect=True,
    further_dialects=(openai_responses.PROVIDER,),
)
