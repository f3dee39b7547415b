"""Mistral: Chat Completions with rules of its own, each answered with a 400 or 422 when it is broken.

Ids are nine letters or digits, a tool's result is followed by the assistant, and no field is accepted that its pages
do not name (https://docs.mistral.ai/api). Reasoning travels as a part of the content; its effort is all or nothing.
"""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="mistral",
    title="Mistral",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.mistral.ai/v1",
    docs="https://docs.mistral.ai/api",
    renames={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
    drop=frozenset({"stream_options", "user", "logit_bias", "logprobs", "top_logprobs"}),
    accepts=frozenset({"safe_prompt", "prompt_mode", "prompt_cache_key", "prefix"}),
    id_rule="mistral",
    user_after_tool=False,
    strict_messages=True,
    reasoning_field="thinking_part",
    efforts={"minimal": "none", "low": "high", "medium": "high", "xhigh": "high", "max": "high"},
    on_disconnect="drain",
)
