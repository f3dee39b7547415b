"""Which top-level parameters a target gets, under which name: one place for the long and the short way.

It decides by what the caller passes (capabilities, the provider file's words) and by two lists: what OpenAI's own
endpoint is known not to know, and what every compatible host is known to take. Whatever is left out is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gammainfra.domain.target import Target

# Parameters of other vendors that OpenAI answers with "Unrecognized request argument".
_NOT_OPENAIS: Final = frozenset(
    {
        "top_k",
        "top_a",
        "min_p",
        "repetition_penalty",
        "reasoning",
        "thinking",
        "cache_control",
        "safe_prompt",
        "random_seed",
        "enable_thinking",
        "reasoning_format",
        "chat_template_kwargs",
    }
)

# What every host that calls itself OpenAI-compatible takes or ignores.
_COMPATIBLE: Final = frozenset(
    {
        "messages",
        "model",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_tokens",
        "temperature",
        "top_p",
        "n",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "response_format",
        "reasoning_effort",
        "user",
    }
)

# Prices are those of the standard tier, so no other tier is ever asked for.
_NEVER: Final = frozenset({"service_tier"})

STOPS: Final = 4  # OpenAI's limit on stop sequences
_EFFORT_BY_BUDGET: Final = ((2048, "low"), (8192, "medium"))


@dataclass(frozen=True, slots=True)
class Rules:
    """What one target takes. ``refuses`` and ``renames`` are the model's and the provider's together."""

    refuses: frozenset[str]
    renames: Mapping[str, str]
    owns_dialect: bool
    accepts: frozenset[str]

    def takes(self, name: str) -> bool:
        """Whether the parameter ``name`` may be sent."""
        if name in self.refuses or name in _NEVER:
            return False
        if self.owns_dialect:
            return name not in _NOT_OPENAIS or name in self.accepts
        return name in _COMPATIBLE or name in self.accepts


def rules_for(target: Target) -> Rules:
    """The rules of ``target``."""
    capabilities = target.capabilities
    refuses = capabilities.refuses | target.drop
    if capabilities.thinking == "none":
        refuses |= {"reasoning_effort"}
    accepts = target.accepts | target.thinking_off.keys()
    return Rules(refuses, {**capabilities.renames, **target.renames}, target.owns_dialect, accepts)


def effort_for(effort: str | None, budget: int | None) -> str | None:
    """The effort to ask for: the client's own, else the one that its token budget amounts to."""
    if effort is not None or budget is None:
        return effort
    for most, name in _EFFORT_BY_BUDGET:
        if budget <= most:
            return name
    return "high"


def effort_fields(effort: str | None, target: Target) -> dict[str, Any]:
    """What says ``effort`` to ``target``, in its words; nothing to a model that never thinks."""
    if effort is None or (effort == "none" and target.capabilities.thinking == "none"):
        return {}
    if effort == "none" and target.thinking_off:
        return dict(target.thinking_off)
    return {"reasoning_effort": target.efforts.get(effort, effort)}


def limited(max_tokens: int | None, target: Target) -> int | None:
    """The output limit to send: the client's, never above the target's clamp; None when there is neither."""
    clamp = target.clamp_max_tokens
    if max_tokens is None or clamp is None:
        return max_tokens or clamp
    return min(max_tokens, clamp)


def fit(body: dict[str, Any], rules: Rules) -> tuple[dict[str, Any], list[str]]:
    """``body`` with what the target takes, by its names there, and the names of what was left out, in order.

    A parameter that has another name at the target is judged by that name only.
    """
    fitting: dict[str, Any] = {}
    dropped: list[str] = []
    for name, value in body.items():
        sent = rules.renames.get(name, name)
        if sent not in rules.refuses if sent != name else rules.takes(name):
            fitting[sent] = value
        else:
            dropped.append(name)
    return fitting, dropped
