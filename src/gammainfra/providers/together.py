"""Together AI: open models in Chat Completions (https://docs.together.ai)."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="together",
    title="Together AI",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.together.xyz/v1",
    docs="https://docs.together.ai/docs/openai-api-compatibility",
    renames={"max_completion_tokens": "max_tokens"},
    accepts=frozenset({"top_k", "min_p", "repetition_penalty"}),
)
