"""What is written into the books for each thing that happens to money: orders, each balanced by construction.

A transaction is made of moves from payers to a payee, so that it sums to 0 whatever is in it. Nothing is decided here
about whether money is there: the Book does, when the order is carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gammainfra.billing.fees import Fees, byok_fee_nano
from gammainfra.billing.who_pays import Case, Mode, payer_of
from gammainfra.domain.ledger import (
    BYOK_FEES,
    LOSS,
    STRIPE,
    TOP_UP_FEES,
    TRIAL_EXPENSE,
    Account,
    Cause,
    Hold,
    Move,
    Post,
    Pot,
    Source,
    provider_account,
    user_account,
)

EVERYTHING_NANO = 1 << 62


@dataclass(frozen=True, slots=True)
class Part:
    """One attempt of a request, to be settled. ``purse`` are the accounts of the one who asked, for this ``mode``."""

    provider: str
    cost_nano: int
    mode: Mode
    case: Case
    purse: tuple[Source, ...]


def settle(request_id: str, parts: Sequence[Part], fees: Fees, *, at: float, estimated: bool) -> Post:
    """The one settle of a request: what its caller and the platform pay, and the end of its hold."""
    moves: list[Move] = []
    metered_nano = 0
    for part in parts:
        payer = payer_of(part.mode, part.case)
        if payer == "platform":
            moves.append(Move((Source(LOSS),), provider_account(part.provider), part.cost_nano))
        elif payer == "caller":
            fee_nano = fee_of(part, fees)
            metered_nano += part.cost_nano + fee_nano
            payee, nano = (
                (BYOK_FEES, fee_nano) if part.mode == "byok" else (provider_account(part.provider), part.cost_nano)
            )
            moves.append(Move(part.purse, payee, nano))
    due = tuple(move for move in moves if move.nano)
    cause = Cause("request", request_id, "settle")
    return Post(cause, due, at, "loss", release=request_id, metered_nano=metered_nano, estimated=estimated)


def fee_of(part: Part, fees: Fees) -> int:
    """Our fee for one attempt: only a served one of the caller's own key has any (C41, C72)."""
    served = part.mode == "byok" and payer_of(part.mode, part.case) == "caller"
    return byok_fee_nano(part.cost_nano, fees) if served else 0


def adjust(request_id: str, ordinal: int, provider: str, account: Account, more_nano: int, *, at: float) -> Post:
    """Correct a settle whose token counts were estimated: ``more_nano`` is truth minus estimate.

    The caller gets back what the estimate took too much; what it took too little is our loss, never charged later.
    """
    payee = provider_account(provider)
    back = Move((Source(payee),), account, -more_nano)
    move = Move((Source(LOSS),), payee, more_nano) if more_nano > 0 else back
    return Post(Cause("request", request_id, "adjust", ordinal), (move,), at, note="usage by the provider")


def correct(order_id: str, account: Account, nano: int, *, at: float, note: str) -> Post:
    """An operator's correction of a user's account, in (> 0) or out (< 0) of it, against ``platform:loss``."""
    gift = nano > 0
    payer, payee = (LOSS, account) if gift else (account, LOSS)
    return Post(Cause("order", order_id, "adjust"), (Move((Source(payer),), payee, abs(nano)),), at, note=note)


def expire(hold: Hold, *, at: float) -> Post:
    """End the hold of a request that nobody will settle: its caller pays nothing. A late settle still can be posted."""
    cause = Cause("request", hold.request_id, "expire")
    return Post(cause, (), at, release=hold.request_id, note="nobody settled it in time")


def top_up(
    event_id: str, user_id: str, pot: Pot, credit_nano: int, fee_nano: int, *, at: float, note: str = ""
) -> Post:
    """Money came in; ``event_id`` is the payment provider's, so that hearing of it twice changes nothing."""
    paid = (Source(STRIPE),)
    moves = (Move(paid, user_account(user_id, pot), credit_nano), Move(paid, TOP_UP_FEES, fee_nano))
    return Post(Cause("event", event_id, "topup"), moves, at, note=note)


def grant(grant_id: str, user_id: str, nano: int, *, at: float, note: str = "") -> Post:
    """Trial credit (C70): once for each ``grant_id``."""
    moves = (Move((Source(TRIAL_EXPENSE),), user_account(user_id, "trial"), nano),)
    return Post(Cause("order", grant_id, "grant"), moves, at, note=note)


def expire_grant(grant_id: str, user_id: str, *, at: float) -> Post:
    """Take back what is left of trial credit and not held."""
    move = Move((Source(user_account(user_id, "trial")),), TRIAL_EXPENSE, EVERYTHING_NANO)
    return Post(Cause("order", grant_id, "expire"), (move,), at, "leave")


def refund(order_id: str, user_id: str, pot: Pot, nano: int, *, at: float, note: str) -> Post:
    """Money goes back to whoever paid it in; refused when it is not there or held."""
    move = Move((Source(user_account(user_id, pot)),), STRIPE, nano)
    return Post(Cause("order", order_id, "refund"), (move,), at, "refuse", note=note)


def chargeback(event_id: str, user_id: str, pot: Pot, nano: int, *, at: float, note: str = "") -> Post:
    """The bank took the money back: the account may owe it."""
    move = Move((Source(user_account(user_id, pot)),), STRIPE, nano)
    return Post(Cause("event", event_id, "chargeback"), (move,), at, "owe", note=note)
