"""Moonshot (Kimi): Chat Completions with ``reasoning_content`` (https://platform.moonshot.ai/docs)."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="moonshot",
    title="Moonshot",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.moonshot.ai/v1",
    docs="https://platform.moonshot.ai/docs",
    renames={"max_completion_tokens": "max_tokens"},
    drop=frozenset({"logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls"}),
    reasoning_field="reasoning_content",
    thinking_off={"thinking": {"type": "disabled"}},
)
