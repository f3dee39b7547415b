"""Alibaba Cloud (Qwen): the compatible mode of DashScope (https://www.alibabacloud.com/help/en/model-studio)."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="alibaba",
    title="Alibaba Cloud",
    dialect=openai_chat.PROVIDER,
    base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    docs="https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
    renames={"max_completion_tokens": "max_tokens"},
    accepts=frozenset({"top_k", "repetition_penalty", "enable_thinking", "thinking_budget", "enable_search"}),
    thinking_off={"enable_thinking": False},
)
