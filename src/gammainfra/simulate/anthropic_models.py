"""What the simulated Anthropic models accept, where the models differ. Facts from the vendor's migration and
thinking guides; a name that is not listed is treated as an older model.
"""

from __future__ import annotations

import re

MODELS = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-4-8",
    "claude-opus-4-7",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
)

_KNOWN = re.compile(r"(claude-|sim-)[^/]*$")
_FIFTH = re.compile(r"claude-(opus|sonnet|haiku|fable|mythos)-5(-|$)")
_ADAPTIVE_ONLY = re.compile(r"claude-(opus-4-[78]|(opus|sonnet|haiku|fable|mythos)-5)(-|$)")
_ADAPTIVE = re.compile(r"claude-((opus|sonnet)-4-[678]|(opus|sonnet|haiku|fable|mythos)-5)(-|$)")


def is_known(model: str) -> bool:
    """Whether the vendor would serve a model of this name."""
    return bool(_KNOWN.match(model))


def takes_sampling(model: str) -> bool:
    """Whether temperature other than 1, top_p and top_k are accepted (not from Opus 4.7 on)."""
    return not _ADAPTIVE_ONLY.match(model)


def takes_budget(model: str) -> bool:
    """Whether ``thinking: {type: enabled, budget_tokens}`` is accepted (not from Opus 4.7 on)."""
    return not _ADAPTIVE_ONLY.match(model)


def takes_adaptive(model: str) -> bool:
    """Whether ``thinking: {type: adaptive}`` is accepted (from 4.6 on)."""
    return bool(_ADAPTIVE.match(model)) or model.startswith("sim-")


def takes_prefill(model: str) -> bool:
    """Whether the conversation may end with an assistant message (not from 4.6 on)."""
    return not _ADAPTIVE.match(model)


def takes_system_role(model: str) -> bool:
    """Whether a message in the middle may have the role ``system`` (the fifth generation)."""
    return bool(_FIFTH.match(model))
