"""Which accounts may pay for a request, in which order, and how far: trial credit first, then bought credit.

The rules of the trial (C70) stand here: it is for trying, so one request, two at a time and all trials of a day are
bounded, and it has no overdraft. It decides nothing about who gets a trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gammainfra.billing.budgets import trial_cap
from gammainfra.domain.ledger import Source, user_account
from gammainfra.domain.money import NANO_PER_USD

TRIAL_GRANT_NANO: Final = 3 * NANO_PER_USD
OVERDRAFT_NANO: Final = NANO_PER_USD // 4


@dataclass(frozen=True, slots=True)
class TrialRules:
    """``day_nano`` None: all trials together are not bounded; 0 switches trials off."""

    request_nano: int = NANO_PER_USD // 2
    at_a_time: int = 2
    day_nano: int | None = None


def credit_purse(user_id: str, rules: TrialRules, at: float, *, overdraft: bool) -> tuple[Source, ...]:
    """For a provider asked with our key. ``overdraft``: an answer is on its way, and may end rather than break off."""
    return (
        Source(
            user_account(user_id, "trial"),
            most_nano=rules.request_nano,
            most_holds=rules.at_a_time,
            caps=(trial_cap(rules.day_nano, at),),
        ),
        Source(user_account(user_id, "managed"), overdraft_nano=OVERDRAFT_NANO if overdraft else 0),
    )


def byok_purse(user_id: str) -> tuple[Source, ...]:
    """For a provider asked with the caller's own key: the fee's balance, never another one (C62)."""
    return (Source(user_account(user_id, "byok")),)
