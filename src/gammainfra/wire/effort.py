"""How much a client wants a model to reason: three vendors' ways to say one thing. It decides nothing about targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gammainfra.wire.numbers import number, whole


def read_effort(body: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Reasoning effort and token budget from OpenAI's, OpenRouter's and Anthropic's way to say them."""
    effort, budget = _string(body.get("reasoning_effort")), None
    reasoning, thinking = body.get("reasoning"), body.get("thinking")
    if isinstance(reasoning, dict):
        effort = effort or _string(reasoning.get("effort"))
        budget = whole(number(reasoning, "max_tokens"))
        if reasoning.get("enabled") is False:
            effort = "none"
    if isinstance(thinking, dict):
        if thinking.get("type") == "disabled":
            effort = "none"
        else:
            budget = budget or whole(number(thinking, "budget_tokens"))
    return effort, budget if budget is not None and budget > 0 else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
