"""xAI: Chat Completions with ``reasoning_content``, which its token counts hold beside the completion, not inside.

Reasoning models refuse ``stop`` and penalties; the catalog says so of each (https://docs.x.ai/docs/api-reference).
"""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="xai",
    title="xAI",
    dialect=openai_chat.PROVIDER,
    base_url="https://api.x.ai/v1",
    docs="https://docs.x.ai/docs/api-reference",
    renames={"max_completion_tokens": "max_tokens"},
    drop=frozenset({"logit_bias", "store"}),
    accepts=frozenset({"search_parameters", "deferred"}),
    reasoning_field="reasoning_content",
    efforts={"minimal": "low", "xhigh": "high", "max": "high"},
)
