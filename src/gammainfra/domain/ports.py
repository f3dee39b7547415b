"""What the gateway needs from the world, as protocols: adapters implement them, tests replace them.

A port is narrow and synchronous where the answer is in memory; whatever may wait is a coroutine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from typing import Protocol

from gammainfra.domain.ledger import Account, Balance, Cause, Hold, LedgerCheck, Meter, Order, Outcome, Txn
from gammainfra.domain.record import ApiKey, Caller, RequestRecord, StoredKey


class Clock(Protocol):
    """Time, injected: nothing below the edge reads a clock."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def wall(self) -> float:
        """Epoch seconds (UTC)."""
        ...


class Random(Protocol):
    """Randomness, injected."""

    def bytes(self, n: int) -> bytes:
        """``n`` unpredictable bytes."""
        ...

    def uniform(self) -> float:
        """A float in [0, 1)."""
        ...


class Accounts(Protocol):
    """Who may call."""

    def authenticate(self, credential: str | None) -> Caller:
        """The caller of a credential; Refused 401 ``invalid_api_key`` when it is missing, malformed or unknown."""
        ...


class Records(Protocol):
    """Where finished Turns go: one bounded queue, written in batches by one writer."""

    def add(self, record: RequestRecord) -> bool:
        """Queue a record; False when the queue is full and it was counted as lost. Never waits."""
        ...


class KeyStore(Protocol):
    """Where API keys are kept. Every call may wait for the disk: none of them is made while a request is served."""

    def all_keys(self) -> tuple[StoredKey, ...]:
        """Every key that was ever made, revoked ones included, oldest first."""
        ...

    def insert_key(self, stored: StoredKey) -> None:
        """Keep a new key; durable on return."""
        ...

    def update_key(self, key: ApiKey) -> bool:
        """Keep its name and terms as they are now; False when there is none that is not revoked."""
        ...

    def revoke_key(self, key_id: str, at: float) -> bool:
        """Mark a key revoked at epoch seconds ``at``; False when there is none that is not revoked already."""
        ...


class Ledger(Protocol):
    """The books as a request sees them: orders are queued at once and answered when they are durable."""

    def put(self, order: Order) -> Awaitable[Outcome]:
        """Give an order; orders of one caller are carried out in the order they were given.

        Called on the loop, returns at once. Many orders share one transaction; the answer comes after it. A waiter may
        go away: the order is carried out all the same. Raises LedgerDown when it is known not to have been.
        """
        ...


class LedgerDown(Exception):
    """The books cannot be written now: the order was not carried out. The text names the cause."""


class Books(Protocol):
    """An engine that keeps the books. Calls wait for the disk and come from one thread at a time.

    What an order does is decided by ``billing.book``: an engine locks and loads the rows that the orders touch, lets a
    Book apply them one after the other, and writes what changed.
    """

    def post(self, orders: Sequence[Order]) -> Sequence[Outcome]:
        """Carry out all orders in one transaction, in this order, durable on return; one outcome for each.

        Raises LedgerDown when nothing of it was done. The same orders may be given again when it is not known.
        """
        ...

    def balances(self, accounts: Collection[Account]) -> Sequence[Balance]:
        """The balances of user accounts, zero for one that has no entry, in the order asked for."""
        ...

    def meters(self, names: Collection[str]) -> Sequence[Meter]:
        """What is counted under budgets, zero for one that nobody wrote, in the order asked for."""
        ...

    def txns(self, causes: Collection[Cause]) -> Sequence[Txn]:
        """Those of these transactions that are in the books."""
        ...

    def statement(self, account: Account, *, before: float, most: int) -> Sequence[Txn]:
        """Up to ``most`` transactions with an entry of ``account``, at epoch seconds < ``before``, newest first."""
        ...

    def orphans(self, *, node: str, now: float, most: int) -> Sequence[Hold]:
        """Up to ``most`` open holds that nobody will settle: their time is over, or ``node`` is not "" and another

        boot of the only process made them.
        """
        ...

    def check(self, *, now: float) -> LedgerCheck:
        """Walk through all the books. Slow: for an operator, a nightly job and tests."""
        ...
