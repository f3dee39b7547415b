"""Why a request could not be paid for, in words for the one who asked: what is missing, by how much, and the remedy.

It decides code and status (C62); which account or budget is short, the ledger decided.
"""

from __future__ import annotations

from typing import Final, assert_never

from gammainfra.domain.failure import Cause, Failure, Refused
from gammainfra.domain.ledger import Short
from gammainfra.domain.money import show_usd

TOP_UP_PATH: Final = "/billing"
STORE_SLOW: Final = Refused(
    503, "store_slow", "The books cannot be written in time, so nothing was asked. Try again.", retry=True,
    retry_after_s=2.0,
)  # fmt: skip
SLOW: Final = Failure(Cause.STORE_SLOW, "the books could not be written in time")
_TOP_UP: Final = f"Top up at {TOP_UP_PATH}, or allow a shorter answer (max_tokens)"


def no_credit(short: Short) -> Failure:
    """The failure of a candidate that was not asked."""
    return Failure(Cause.NO_CREDIT, unaffordable(short).message, short=short)


def unaffordable(short: Short) -> Refused:
    """The error when nobody could be paid."""
    missing = f"${show_usd(short.shortfall_nano)} more is needed"
    known = {
        "shortfall_usd": show_usd(short.shortfall_nano),
        "available_usd": show_usd(short.free_nano),
        "top_up_url": TOP_UP_PATH,
    }
    match short.of:
        case "credit" | "trial" | "settled":
            message = f"The credit does not cover this request: {missing}. {_TOP_UP}."
            return Refused(402, "insufficient_credits", message, retry=False, metadata=known)
        case "trial_day":
            message = f"Today's budget for trials is used up: ask again tomorrow, or top up at {TOP_UP_PATH}."
            return Refused(402, "insufficient_credits", message, retry=False, metadata=known)
        case "byok":
            message = f"The BYOK balance does not cover the fee: {missing}. Top it up at {TOP_UP_PATH}."
            return Refused(402, "byok_balance_empty", message, retry=False, metadata=known)
        case "key_day" | "key_month":
            span = "day" if short.of == "key_day" else "month"
            message = f"This key may not spend that much in one {span}: {missing}. Its owner can raise the limit."
            return Refused(402, "key_limit_reached", message, retry=False, metadata=known)
        case "session":
            message = (
                f"This task may not cost that much: {missing}. Raise X-GammaInfra-Max-Session-USD or the key's limit, "
                "or begin a new task."
            )
            return Refused(402, "session_budget_reached", message, retry=False, metadata=known)
        case "trial_busy":
            message = "Trial credit serves two requests at a time: wait for one to end, or top up."
            return Refused(429, "rate_limit_exceeded", message, retry=True, retry_after_s=5.0)
        case _:
            assert_never(short.of)
