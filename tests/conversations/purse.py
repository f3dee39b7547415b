"""The books of a conversation: the reference engine behind a desk that is as slow as a script wants."""

from __future__ import annotations

import asyncio

from gammainfra.billing import posting
from gammainfra.billing.memory import MemoryBooks
from gammainfra.billing.purse import TrialRules
from gammainfra.domain.ledger import (
    LOSS,
    Account,
    Entry,
    LedgerCheck,
    Order,
    Outcome,
    Post,
    provider_account,
    user_account,
)
from gammainfra.domain.ports import LedgerDown
from gammainfra.gateway.billing import Billing
from tests.conversations.virtual import EPOCH_S

USER = "account of key"
MANAGED = user_account(USER, "managed")
TRIAL = user_account(USER, "trial")


class Till:
    """Implements domain.ports.Ledger: ``delay_s`` before a hold, ``settle_delay_s`` before a post is durable."""

    def __init__(self, delay_s: float = 0.0, settle_delay_s: float = 0.0) -> None:
        self.books = MemoryBooks()
        self.delay_s = delay_s
        self.settle_delay_s = settle_delay_s
        self.is_down = False
        self.orders: list[Order] = []

    def put(self, order: Order) -> asyncio.Future[Outcome]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self.orders.append(order)
        delay_s = self.settle_delay_s if isinstance(order, Post) else self.delay_s

        def carry_out() -> None:
            if self.is_down:
                future.set_exception(LedgerDown("the disk is full"))
                return
            (outcome,) = self.books.post((order,))
            if not future.done():
                future.set_result(outcome)

        loop.call_later(delay_s, carry_out)
        return future

    def has(self, *, managed_nano: int = 0, trial_nano: int = 0) -> Till:
        """Give the only user this much."""
        at = EPOCH_S
        self.books.post(
            (
                posting.top_up("evt", USER, "managed", managed_nano, 0, at=at),
                posting.grant("grant", USER, trial_nano, at=at),
            )
        )
        return self

    def left_nano(self, account: Account = MANAGED) -> int:
        """What the account has."""
        (balance,) = self.books.balances([account])
        return balance.posted_nano

    def sum_of(self, account: Account) -> int:
        """All entries of an account."""
        found = self.check().sums
        return sum(entry.amount_nano for entry in found if entry.account == account)

    def check(self) -> LedgerCheck:
        """The books are right, and nothing is held."""
        found = self.books.check(now=EPOCH_S)
        assert found.ok, found
        assert self.books.book.holds == {}
        return found

    def billing(self, rules: TrialRules | None = None) -> Billing:
        return Billing(self, "this boot", trial=rules or TrialRules())


def owed(provider: str, nano: int) -> Entry:
    return Entry(provider_account(provider), nano)


def lost(nano: int) -> Entry:
    return Entry(LOSS, -nano)
