"""Fireworks AI: open models in Chat Completions, with ``reasoning_content`` (https://docs.fireworks.ai)."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="fireworks",
    title="Fireworks AI",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.fireworks.ai/inference/v1",
    docs="https://docs.fireworks.ai/api-reference/post-chatcompletions",
    renames={"max_completion_tokens": "max_tokens"},
    accepts=frozenset({"top_k", "min_p", "repetition_penalty"}),
    reasoning_field="reasoning_content",
)
