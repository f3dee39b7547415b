"""The ledger's words: accounts, transactions that sum to zero, holds, meters, and the orders that change them.

Values only. billing.book decides what an order does, an engine (the port ``Books``) keeps the rows, and nobody else
writes them. Money is nano-USD; an amount is seen from the account: what it pays is negative. Every order may be given
again, by a retry or after a crash, and then changes nothing more: a hold is named by its request, a transaction by its
cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NewType

Account = NewType("Account", str)
Pot = Literal["trial", "managed", "byok"]
POTS: Final[tuple[Pot, ...]] = ("trial", "managed", "byok")

LOSS: Final = Account("platform:loss")
STRIPE: Final = Account("stripe:clearing")
TRIAL_EXPENSE: Final = Account("trial:expense")
TOP_UP_FEES: Final = Account("revenue:topup_fee")
BYOK_FEES: Final = Account("revenue:byok_fee")

FULL_SHARE_BP: Final = 10_000  # basis points: the account pays the whole cost


def user_account(user_id: str, pot: Pot) -> Account:
    """One of a user's own accounts, ``u:<user>:<pot>``: the only ones with a cached balance."""
    return Account(f"u:{user_id}:{pot}")


def provider_account(provider: str) -> Account:
    """What we owe a provider."""
    return Account(f"provider:{provider}")


def is_user_account(account: Account) -> bool:
    """Whether it belongs to a user: it has a balance, holds, and an end."""
    return account.startswith("u:")


# ---- what is kept ---------------------------------------------------------------------------------------------------
TxnKind = Literal["settle", "adjust", "expire", "topup", "grant", "refund", "chargeback"]
CauseKind = Literal["request", "event", "order"]  # an answer; a payment provider's event; an operator's command


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """Why a transaction is in the books: unique, so nothing is ever posted twice.

    ``ordinal`` is 0, and 1..n for the corrections (``adjust``) of one cause.
    """

    by: CauseKind
    id: str
    kind: TxnKind
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transaction: what ``account`` gets (negative: pays)."""

    account: Account
    amount_nano: int


@dataclass(frozen=True, slots=True)
class Txn:
    """Entries that sum to 0, posted once and never changed. ``at`` is epoch seconds.

    ``estimated``: the token counts were not the provider's; an ``adjust`` may follow. ``note`` says who and why when
    a person ordered it (the audit entry).
    """

    cause: Cause
    at: float
    entries: tuple[Entry, ...]
    estimated: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """A user account: the sum of its entries, what open holds keep of it, and how many holds those are."""

    account: Account
    posted_nano: int = 0
    held_nano: int = 0
    holds: int = 0

    @property
    def free_nano(self) -> int:
        """What nobody holds; negative while an overdraft is used."""
        return self.posted_nano - self.held_nano


@dataclass(frozen=True, slots=True)
class Meter:
    """What was spent, and is held, under one budget: a key's day or month, a session, the trial's day.

    ``until`` is epoch seconds after which nobody asks for it any more.
    """

    name: str
    used_nano: int = 0
    held_nano: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class HoldLeg:
    """What one account keeps ready for a request: ``amount_nano`` of its money, good for ``cost_nano`` of cost.

    The two differ when the account pays a share only (a fee on a BYOK request).
    """

    account: Account
    cost_nano: int
    amount_nano: int


@dataclass(frozen=True, slots=True)
class HeldMeter:
    """What a request keeps of a budget. ``account``: the budget counts what this account pays; "" counts the cost."""

    meter: str
    held_nano: int
    account: Account = Account("")


@dataclass(frozen=True, slots=True)
class Hold:
    """What one request keeps, until it is settled or expired. Times are epoch seconds; ``node`` the process's boot."""

    request_id: str
    node: str
    at: float
    expires_at: float
    legs: tuple[HoldLeg, ...] = ()
    meters: tuple[HeldMeter, ...] = ()


# ---- orders ---------------------------------------------------------------------------------------------------------
CapKind = Literal["key_day", "key_month", "session", "trial_day"]
ShortOf = Literal["credit", "byok", "trial", "trial_busy", "trial_day", "key_day", "key_month", "session", "settled"]


@dataclass(frozen=True, slots=True)
class Cap:
    """One budget of a request. ``most_nano`` None: counted, not limited.

    ``before_nano`` is what was spent before anybody counted: the start of a meter that does not exist yet.
    """

    kind: CapKind
    meter: str
    most_nano: int | None
    until: float
    before_nano: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """An account that may pay for a request, and how far.

    ``overdraft_nano`` may be used only while the posted balance is above 0. ``most_nano`` bounds what one request may
    hold of it, ``most_holds`` how many requests hold of it at a time; ``caps`` count what this account pays.
    """

    account: Account
    overdraft_nano: int = 0
    most_nano: int | None = None
    most_holds: int | None = None
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True, slots=True)
class Reserve:
    """Raise what the request holds of this purse to ``want_nano`` of cost, or at least to ``least_nano``, or leave it.

    Opens the hold, extends it, or adds a leg of another purse: the same order. ``purse`` is in the order of payment;
    an empty one pays nothing and only ``caps`` decide. ``share_bp``: the part of the cost that the purse pays. Several
    purses of one request are alternatives: its budgets hold the dearest of them, not their sum.
    """

    request_id: str
    purse: tuple[Source, ...]
    caps: tuple[Cap, ...]
    want_nano: int
    least_nano: int
    at: float
    expires_at: float
    node: str = ""
    share_bp: int = FULL_SHARE_BP


@dataclass(frozen=True, slots=True)
class Move:
    """``nano`` from the first payer that has it (or several, in order) to ``payee``. Accounts that are nobody's pay

    whatever they are asked for.
    """

    payers: tuple[Source, ...]
    payee: Account
    nano: int


Rest = Literal["loss", "owe", "refuse", "leave"]


@dataclass(frozen=True, slots=True)
class Post:
    """Write one transaction, once for its cause.

    ``rest``: what users cannot pay of it is ``platform:loss``, or owed (a negative balance), or nothing of it is
    posted, or only what they can pay. ``release``: the request whose hold ends with it ("" for none); its meters then
    count ``metered_nano``.
    """

    cause: Cause
    moves: tuple[Move, ...]
    at: float
    rest: Rest = "owe"
    release: str = ""
    metered_nano: int = 0
    estimated: bool = False
    note: str = ""


Order = Reserve | Post


# ---- outcomes -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Reserved:
    """Held: good for ``cost_nano`` of cost, from ``least_nano`` to ``want_nano``."""

    cost_nano: int


@dataclass(frozen=True, slots=True)
class Short:
    """Not held, or not posted; nothing changed. ``of`` is what was too small, ``shortfall_nano`` by how much at least.

    ``free_nano`` is what it could still have given.
    """

    of: ShortOf
    shortfall_nano: int
    free_nano: int = 0


@dataclass(frozen=True, slots=True)
class Posted:
    """In the books. ``already``: it was there before, ``txn`` is the one that is.

    ``balances`` are those of the user accounts in it, afterwards. ``forgiven_nano`` is what ``platform:loss`` bore
    because users could not.
    """

    txn: Txn
    balances: tuple[Balance, ...] = ()
    already: bool = False
    forgiven_nano: int = 0

    def paid_nano(self, *accounts: Account) -> int:
        """What these accounts paid, all lines together."""
        return -sum(entry.amount_nano for entry in self.txn.entries if entry.account in accounts)


Outcome = Reserved | Short | Posted


# ---- what can be asked ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What a walk through all the books found; every field but the sums is empty when they are right.

    ``unbalanced`` are causes of transactions that do not sum to 0; ``wrong_balances`` and ``wrong_holds`` accounts
    whose cached figures are not what entries and open holds say; ``wrong_meters`` names whose held sum is wrong;
    ``overdue`` requests whose hold should have ended. ``sums`` holds every account's entries, users' as one per pot.
    """

    txns: int = 0
    unbalanced: tuple[Cause, ...] = ()
    wrong_balances: tuple[Account, ...] = ()
    wrong_holds: tuple[Account, ...] = ()
    wrong_meters: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    sums: tuple[Entry, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        wrong = (self.unbalanced, self.wrong_balances, self.wrong_holds, self.wrong_meters, self.overdue)
        return not any(wrong) and sum(entry.amount_nano for entry in self.sums) == 0
