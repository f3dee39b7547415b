"""The ``anthropic-beta`` header of a request: what the client switched on, and what our own fields need.

It decides which of a client's betas are relayed: all that are well-formed, since a new one must not wait for a release
of the gateway, except those that belong to another way of paying. It is relayed to Anthropic itself only. Source:
https://platform.claude.com/docs/en/api/beta-headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.target import Target

HEADER: Final = "anthropic-beta"
PARAMETER: Final = "anthropic_beta"  # its name among the parameters that a repair leaves out

_BETA: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
# Subscription log-ins are not API keys, and fast mode has a price of its own.
_NOT_OURS: Final = ("oauth-", "fast-mode-")


def relayed(target: Target) -> tuple[str, ...]:
    """The client's betas that ``target`` gets, in the client's order, each once."""
    if not target.betas or not target.owns_dialect or PARAMETER in target.drop:
        return ()
    names = [name.strip() for name in target.betas.split(",")]
    wanted = dict.fromkeys(name for name in names if _BETA.match(name) and not name.startswith(_NOT_OURS))
    return tuple(wanted)[: limits.BETAS]


def is_lost(target: Target) -> bool:
    """Whether a repair left the client's betas out, which is worth a name in the answer."""
    return bool(target.betas) and target.owns_dialect and PARAMETER in target.drop


def header(target: Target, needed: Iterable[str]) -> Mapping[str, str]:
    """The header with the client's betas and those that our fields need; none when there is nothing to say.

    Betas that switch on the same thing differ in their date only: the client's own date is kept.
    """
    names = dict.fromkeys(relayed(target))
    families = {_family(name) for name in names}
    names |= dict.fromkeys(name for name in needed if _family(name) not in families)
    return {HEADER: ",".join(names)} if names else {}


def _family(name: str) -> str:
    return re.sub(r"-\d{4}-\d{2}-\d{2}\Z", "", name)
