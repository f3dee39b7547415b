"""Who pays for an attempt, as a table: by whose key the provider was asked, and by how the attempt ended (C74).

It decides nobody's price. What a provider bills for an attempt is its usage; here is only who bears it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from gammainfra.domain.attempt import Absorbed, Cancelled, Ending, Outcome, Served
from gammainfra.domain.failure import Cause

Mode = Literal["credit", "byok", "off"]
Case = Literal["served", "failed", "absorbed", "empty", "cut", "hedge_lost", "hung_up"]
Payer = Literal["caller", "platform", "owner"]  # owner: the provider bills whoever owns the key; nothing is posted

_CREDIT: Final[Mapping[Case, Payer]] = {
    "served": "caller",
    "hung_up": "caller",  # the exact input and the output seen: hanging up never makes an answer free
    "hedge_lost": "caller",  # the caller asked for both legs, and is shown the loser's part (C53)
    "failed": "platform",
    "absorbed": "platform",
    "empty": "platform",
    "cut": "platform",
}
# With the caller's own key the provider has billed its owner; the caller pays us the fee of what was served.
_BYOK: Final[Mapping[Case, Payer]] = {**dict.fromkeys(_CREDIT, "owner"), "served": "caller", "hung_up": "caller"}
TABLE: Final[Mapping[Mode, Mapping[Case, Payer]]] = {
    "credit": _CREDIT,
    "byok": _BYOK,
    "off": dict.fromkeys(_CREDIT, "owner"),
}


def payer_of(mode: Mode, case: Case) -> Payer:
    """Who bears an attempt."""
    return TABLE[mode][case]


def case_of(outcome: Outcome, *, winner: bool, ending: Ending, empty: bool) -> Case:
    """How an attempt ended, in the table's words. ``winner``: it was the one speaking when the Turn ended.

    ``empty``: it said nothing worth paying for.
    """
    if empty:
        return "empty"
    if winner and ending == "served":
        return "served"
    if winner and ending == "abandoned":
        return "hung_up"
    match outcome:
        case Cancelled("hedge"):
            return "hedge_lost"
        case Absorbed():
            return "absorbed"
        case Served() | Cancelled():
            return "failed"
        case _:
            return "cut" if outcome.failure.cause is Cause.CUT else "failed"
