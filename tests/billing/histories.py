"""Made-up histories of the books, each from one seed: requests, retries, hang-ups, webhooks, crashes, the reaper.

Two nodes share the books. A step of a request may be the last one before a crash, and a crash may come before or after
an order is durable. At the end everything that can be told twice is told again, orphans are ended, and ``violations``
says what is wrong. A ``Variant`` breaks one rule of the design; the same histories must notice each of them.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gammainfra.billing import posting
from gammainfra.billing.budgets import key_caps
from gammainfra.billing.fees import PLANS
from gammainfra.billing.memory import MemoryBooks
from gammainfra.billing.purse import OVERDRAFT_NANO, TrialRules, credit_purse
from gammainfra.domain.ledger import Hold, Order, Outcome, Post, Posted, Reserve, Reserved, user_account
from gammainfra.domain.ports import Books
from gammainfra.domain.record import KeyLimits

Variant = Literal[
    "none",
    "no_settle_key",
    "hold_in_memory",
    "client_tied",
    "webhook_without_key",
    "no_watermark",
    "tail_before_settle",
]
BROKEN: tuple[Variant, ...] = (
    "no_settle_key", "hold_in_memory", "client_tied", "webhook_without_key", "no_watermark", "tail_before_settle",
)  # fmt: skip
AT = 1_800_000_000.0
CENT = 10_000_000
RULES = TrialRules(request_nano=50 * CENT, at_a_time=2, day_nano=200 * CENT)
FEES = PLANS["launch"]


class Crash(Exception):
    """The process ends here."""


@dataclass(slots=True)
class Told:
    """What the world outside knows of one request."""

    cost_nano: int = 0
    held_nano: int = 0
    answered: bool = False  # the provider has billed it, and the process lived on to settle it
    acknowledged: bool = False  # its client has read the bill


@dataclass
class History:
    """One run. ``open_books`` opens the engine, again after every crash."""

    seed: int
    open_books: Callable[[], Books]
    variant: Variant = "none"
    told: dict[str, Told] = field(default_factory=dict)
    bought: dict[str, tuple[str, int]] = field(default_factory=dict)
    forgiven: dict[str, int] = field(default_factory=dict)
    crashes: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.books = self.open_books()
        self.users = [f"s{self.seed}-{n}" for n in range(self.dice.randint(1, 2))]
        self.limits = KeyLimits(day_nano=self.dice.choice((None, 30 * CENT, 300 * CENT)))
        self.deliveries = 0
        self.local: dict[int, MemoryBooks] = {}
        self.summed_nano = self.watermark = 0
        self.settled: list[int] = []  # what each settle took, in order: what the roll-up adds

    # ---- the world --------------------------------------------------------------------------------------------------
    def run(self) -> list[str]:
        """Play it and say what is wrong with the books."""
        for user in self.users:
            nano = self.dice.randint(0, 60) * CENT
            self.bought[f"evt-{user}"] = (user, nano)
            self.books.post([posting.grant(f"trial-{user}", user, self.dice.randint(0, 40) * CENT, at=AT)])
        lives: list[Generator[None, None, None]] = [self._request(n) for n in range(self.dice.randint(5, 25))]
        lives += [self._webhook(event) for event in self.bought for _ in range(self.dice.randint(1, 2))]
        lives.append(self._roll_up())
        while lives:
            life = self.dice.choice(lives)
            try:
                next(life)
            except StopIteration:
                lives.remove(life)
            except Crash:
                lives = self._restart(lives)
        self._recover()
        return self.violations()

    def _restart(self, lives: Sequence[Generator[None, None, None]]) -> list[Generator[None, None, None]]:
        """All that was in memory is gone; who was told nothing tells it again."""
        self.crashes += 1
        self.local.clear()
        self.books = self.open_books()
        return [*(one for one in lives if inspect.getgeneratorstate(one) == inspect.GEN_CREATED), self._roll_up()]

    def _recover(self) -> None:
        """The next boot: webhooks are delivered once more, orphans end, the roll-up catches up."""
        crashes, self.crashes = self.crashes, 99
        self.books = self.open_books()
        for event in self.bought:
            for _ in self._webhook(event):
                pass
        for hold in self.books.orphans(node="after", now=AT, most=10_000):
            self.books.post([posting.expire(hold, at=AT)])
        for _ in self._roll_up():
            pass
        self.crashes = crashes

    def _order(self, order: Order) -> Outcome:
        """Give an order, perhaps twice, perhaps as the last thing before or after it is durable."""
        may_crash = self.crashes < 2
        if may_crash and self.dice.random() < 0.004:
            raise Crash
        (outcome,) = self.books.post([order])
        if isinstance(outcome, Posted) and not outcome.already and outcome.txn.cause.kind == "settle":
            self.settled.append(-sum(entry.amount_nano for entry in outcome.txn.entries if entry.account[:2] == "u:"))
            self.forgiven[order.release if isinstance(order, Post) else ""] = outcome.forgiven_nano
        if may_crash and self.dice.random() < 0.004:
            raise Crash
        return outcome

    # ---- what happens -----------------------------------------------------------------------------------------------
    def _webhook(self, event: str) -> Generator[None, None, None]:
        user, nano = self.bought[event]
        yield
        self.deliveries += 1
        name = f"{event}-{self.deliveries}" if self.variant == "webhook_without_key" else event
        self._order(posting.top_up(name, user, "managed", nano, nano * 3 // 100, at=AT))
        yield

    def _request(self, number: int) -> Generator[None, None, None]:
        dice = self.dice
        user, node = dice.choice(self.users), dice.randint(0, 1)
        request_id = f"{user}-{number}"
        told = self.told[request_id] = Told()
        want_nano = dice.randint(1, 20) * CENT
        yield
        reserve = self._reserve(request_id, user, node, want_nano)
        held = self._hold(reserve, node)
        if isinstance(held, Reserved) and dice.random() < 0.2:
            yield
            more = self._hold(replace(reserve, want_nano=want_nano * 2, least_nano=held.cost_nano + 1), node)
            held = more if isinstance(more, Reserved) else held
        if not isinstance(held, Reserved):
            return
        yield  # asked
        told.held_nano = held.cost_nano
        told.cost_nano = dice.randint(0, held.cost_nano)
        case: Literal["served", "hung_up"] = "hung_up" if dice.random() < 0.3 else "served"
        yield  # answered
        told.answered = True
        if case == "hung_up" and self.variant == "client_tied":
            return
        if self.variant == "tail_before_settle":
            told.acknowledged = case == "served"
            yield
        purse = credit_purse(user, RULES, AT, overdraft=True)
        lost = posting.Part("acme", dice.randint(0, 2) * CENT, "credit", "absorbed", purse)
        parts = [lost, posting.Part("acme", told.cost_nano, "credit", case, purse)]
        settle = posting.settle(request_id, parts, FEES, at=AT, estimated=case == "hung_up")
        for again in range(dice.choice((1, 1, 1, 2))):
            if self.variant == "no_settle_key" and again:
                settle = replace(settle, cause=replace(settle.cause, ordinal=again))
            try:
                self._order(settle)
            except Crash:
                told.answered = False
                raise
            yield
        told.acknowledged = case == "served"

    def _reserve(self, request_id: str, user: str, node: int, want_nano: int) -> Reserve:
        return Reserve(
            request_id, credit_purse(user, RULES, AT, overdraft=False), key_caps(f"key of {user}", self.limits, AT),
            want_nano, min(want_nano, 5 * CENT), AT, AT + 7200, node=f"node {node}-{self.crashes}",
        )  # fmt: skip

    def _hold(self, order: Reserve, node: int) -> Outcome:
        if self.variant != "hold_in_memory":
            return self._order(order)
        local = self.local.setdefault(node, MemoryBooks())
        for source in order.purse:
            (balance,) = self.books.balances([source.account])
            (own,) = local.balances([source.account])
            local.book.balances[source.account] = replace(own, posted_nano=balance.posted_nano)
        return local.post([order])[0]

    def _roll_up(self) -> Generator[None, None, None]:
        """Add what was settled above the watermark: sum and watermark move together, or it counts twice."""
        for _ in range(3):
            yield
            upto = len(self.settled)
            self.summed_nano += sum(self.settled[self.watermark : upto])
            if self.variant == "no_watermark":
                yield
                if self.crashes < 2 and self.dice.random() < 0.2:
                    raise Crash
            self.watermark = upto

    # ---- what is wrong ----------------------------------------------------------------------------------------------
    def violations(self) -> list[str]:
        """Everything that the design promises and this history broke."""
        check = self.books.check(now=AT)
        found = [] if check.ok else [f"the books do not add up: {check}"]
        found += [f"stuck hold {hold.request_id}" for hold in self._open_holds()]
        for event, (user, nano) in self.bought.items():
            found += self._of_user(event, user, nano)
        for request_id, told in self.told.items():
            found += self._of_request(request_id, told)
        if self.summed_nano != sum(self.settled):
            found.append("a roll-up counts something twice or not at all")
        if self.limits.day_nano is not None:
            caps = [key_caps(f"key of {user}", self.limits, AT)[0] for user in self.users]
            meters = self.books.meters([cap.meter for cap in caps])
            found += [f"budget passed {one.name}" for one in meters if one.used_nano > self.limits.day_nano]
        return found

    def _open_holds(self) -> Sequence[Hold]:
        mine = self.books.orphans(node="", now=AT * 2, most=100_000)
        return [hold for hold in mine if hold.request_id.startswith(f"s{self.seed}-")]

    def _of_user(self, event: str, user: str, nano: int) -> list[str]:
        managed = user_account(user, "managed")
        lines = self.books.statement(managed, before=AT + 1, most=100_000)
        credit = sum(e.amount_nano for txn in lines for e in txn.entries if e.account == managed and e.amount_nano > 0)
        found = [] if credit == nano else [f"{event} was credited {credit} instead of {nano}"]
        for account, floor in ((managed, -OVERDRAFT_NANO), (user_account(user, "trial"), 0)):
            (balance,) = self.books.balances([account])
            if balance.posted_nano < floor:
                found.append(f"overdrawn: {balance}")
        return found

    def _of_request(self, request_id: str, told: Told) -> list[str]:
        user = request_id.rpartition("-")[0]
        accounts = (user_account(user, "trial"), user_account(user, "managed"))
        causes = [posting.settle(request_id, (), FEES, at=AT, estimated=False).cause]
        causes.append(replace(causes[0], ordinal=1))
        txns = self.books.txns(causes)
        paid = sum(Posted(txn).paid_nano(*accounts) for txn in txns)
        if (told.acknowledged or told.answered) and not txns:
            return [f"lost: {request_id} was answered and never settled"]
        if paid > told.cost_nano:
            return [f"overcharged: {request_id} paid {paid} of {told.cost_nano}"]
        if self.forgiven.get(request_id, 0) and told.cost_nano <= told.held_nano:
            return [f"lost: {request_id} could not pay what was held for it"]
        if (told.acknowledged or told.answered) and paid != told.cost_nano:
            return [f"lost: {request_id} paid {paid} of {told.cost_nano}"]
        return []


def play(seed: int, open_books: Callable[[], Books] | None = None, variant: Variant = "none") -> list[str]:
    """What is wrong after one history; nothing, if the design and the engine are right."""
    books = MemoryBooks()
    return History(seed, open_books or (lambda: books), variant).run()
