"""Cerebras: open models in Chat Completions; reasoning comes and returns as ``reasoning``."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="cerebras",
    title="Cerebras",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.cerebras.ai/v1",
    docs="https://inference-docs.cerebras.ai/api-reference/chat-completions",
    renames={"max_completion_tokens": "max_tokens"},
    drop=frozenset({"frequency_penalty", "presence_penalty", "logit_bias"}),
    reasoning_field="reasoning",
    efforts={"minimal": "low", "xhigh": "high", "max": "high"},
)
