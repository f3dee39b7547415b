"""Z.ai (GLM): Chat Completions under ``/v4``, with ``reasoning_content`` (https://docs.z.ai)."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="zai",
    title="Z.ai",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.z.ai/api/paas/v4",
    docs="https://docs.z.ai/api-reference/llm/chat-completion",
    renames={"max_completion_tokens": "max_tokens"},
    drop=frozenset({"logit_bias", "logprobs", "top_logprobs", "n", "seed"}),
    reasoning_field="reasoning_content",
    thinking_off={"thinking": {"type": "disabled"}},
)
