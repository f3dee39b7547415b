"""Groq: Chat Completions that refuses several of OpenAI's parameters (https://console.groq.com/docs/openai).

A call that its model writes badly is answered with a 400 ``tool_use_failed``, also inside a stream; 498 means that the
flex tier is full.
"""

from __future__ import annotations

from gammainfra.domain.failure import Cause
from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="groq",
    title="Groq",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.groq.com/openai/v1",
    docs="https://console.groq.com/docs/openai",
    renames={"max_completion_tokens": "max_tokens"},
    drop=frozenset({"logit_bias", "logprobs", "top_logprobs", "n", "store"}),
    accepts=frozenset({"reasoning_format", "search_settings", "compound_custom"}),
    failures={498: Cause.OVERLOADED},
    strict_messages=True,
    reasoning_field="reasoning",
    efforts={"minimal": "low", "xhigh": "high", "max": "high"},
    on_disconnect="drain",
)
