"""OpenRouter: many hosts behind one address; reasoning comes and returns as ``reasoning_details``, verbatim.

It sends comments while a host is silent, errors as chunks, and what an answer cost inside its usage
(https://openrouter.ai/docs/api-reference). A 402 means that the credits are used up.
"""

from __future__ import annotations

from gammainfra.domain.failure import Cause
from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

PROVIDER = Provider(
    name="openrouter",
    title="OpenRouter",
    dialect=openai_chat.PROVIDER,
    base_url="https://openrouter.ai/api/v1",
    docs="https://openrouter.ai/docs/api-reference/overview",
    headers={"x-title": "GammaInfra"},
    renames={"max_completion_tokens": "max_tokens"},
    accepts=frozenset(
        {"top_k", "top_a", "min_p", "repetition_penalty", "reasoning", "verbosity", "prediction", "cache_control"}
    ),
    failures={402: Cause.BILLING},
    automatic_cache_marks=False,
    reasoning_field="reasoning_details",
)
