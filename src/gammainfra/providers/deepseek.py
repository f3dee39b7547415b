"""DeepSeek: Chat Completions with thinking on by default.

A tool-call turn must come back with non-empty ``reasoning_content`` (https://api-docs.deepseek.com, thinking mode);
402 means that the account is out of money. Concurrency is limited by account, not by model.
"""

from __future__ import annotations

from gammainfra.domain.failure import Cause
from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="deepseek",
    title="DeepSeek",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.deepseek.com/v1",
    docs="https://api-docs.deepseek.com",
    renames={"max_completion_tokens": "max_tokens"},
    request_id_headers=("x-ds-trace-id",),
    drop=frozenset({"parallel_tool_calls", "seed", "user", "store", "service_tier"}),
    failures={402: Cause.BILLING},
    reasoning_required=True,
    reasoning_field="reasoning_content",
    limit_scope="key",
    efforts={"minimal": "low", "medium": "high", "xhigh": "high"},
    thinking_off={"thinking": {"type": "disabled"}},
)
