"""The books in memory: the reference engine. What it says is what every other engine must say.

It decides nothing but which rows there are; it keeps nothing over a restart. Budgets use it where billing is off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from gammainfra.billing.book import Book
from gammainfra.domain.ledger import (
    Account,
    Balance,
    Cause,
    Entry,
    Hold,
    LedgerCheck,
    Meter,
    Order,
    Outcome,
    Txn,
    is_user_account,
)


class MemoryBooks:
    """Implements ``domain.ports.Books``: one Book that holds every row."""

    def __init__(self) -> None:
        self.book = Book()

    def post(self, orders: Sequence[Order]) -> Sequence[Outcome]:
        """Apply them."""
        outcomes = [self.book.apply(order) for order in orders]
        self.book.changes()
        return outcomes

    def balances(self, accounts: Collection[Account]) -> Sequence[Balance]:
        """As they are."""
        return [self.book.balances.get(account) or Balance(account) for account in accounts]

    def meters(self, names: Collection[str]) -> Sequence[Meter]:
        """As they are."""
        return [self.book.meters.get(name) or Meter(name) for name in names]

    def txns(self, causes: Collection[Cause]) -> Sequence[Txn]:
        """Those that are there."""
        return [self.book.txns[cause] for cause in causes if cause in self.book.txns]

    def statement(self, account: Account, *, before: float, most: int) -> Sequence[Txn]:
        """Newest first."""
        found = [txn for txn in self.book.txns.values() if txn.at < before and _names(txn, account)]
        return found[::-1][:most]

    def orphans(self, *, node: str, now: float, most: int) -> Sequence[Hold]:
        """Oldest first."""
        open_holds = self.book.holds.values()
        found = [hold for hold in open_holds if hold.expires_at <= now or (node and hold.node != node)]
        return sorted(found, key=lambda hold: hold.expires_at)[:most]

    def check(self, *, now: float) -> LedgerCheck:
        """Add everything up again."""
        book = self.book
        return check(book.balances.values(), book.holds.values(), book.meters.values(), book.txns.values(), now=now)


def check(
    balances: Iterable[Balance], holds: Iterable[Hold], meters: Iterable[Meter], txns: Iterable[Txn], *, now: float
) -> LedgerCheck:
    """Compare cached figures with the rows they are made of, as sums over all of them."""
    balances, holds, meters, txns = list(balances), list(holds), list(meters), list(txns)
    sums: dict[Account, int] = {}
    for txn in txns:
        for entry in txn.entries:
            sums[entry.account] = sums.get(entry.account, 0) + entry.amount_nano
    held: dict[Account, tuple[int, int]] = {}
    metered: dict[str, int] = {}
    for hold in holds:
        for leg in hold.legs:
            nano, n = held.get(leg.account, (0, 0))
            held[leg.account] = (nano + leg.amount_nano, n + 1)
        for kept in hold.meters:
            metered[kept.meter] = metered.get(kept.meter, 0) + kept.held_nano
    posted = {one.account: one.posted_nano for one in balances}
    cached = {one.account: (one.held_nano, one.holds) for one in balances}
    kept_by = {one.name: one.held_nano for one in meters}
    users = {account for account in sums if is_user_account(account)}
    return LedgerCheck(
        txns=len(txns),
        unbalanced=tuple(txn.cause for txn in txns if sum(entry.amount_nano for entry in txn.entries)),
        wrong_balances=tuple(sorted(a for a in users | set(posted) if posted.get(a, 0) != sums.get(a, 0))),
        wrong_holds=tuple(sorted(a for a in set(cached) | set(held) if cached.get(a, (0, 0)) != held.get(a, (0, 0)))),
        wrong_meters=tuple(sorted(m for m in set(kept_by) | set(metered) if kept_by.get(m, 0) != metered.get(m, 0))),
        overdue=tuple(sorted(hold.request_id for hold in holds if hold.expires_at <= now)),
        sums=_by_pot(sums),
    )


def _by_pot(sums: dict[Account, int]) -> tuple[Entry, ...]:
    """Users' accounts as one per pot: a report, not a list of users."""
    grouped: dict[Account, int] = {}
    for account, nano in sums.items():
        name = Account(f"u:*:{account.rpartition(':')[2]}") if is_user_account(account) else account
        grouped[name] = grouped.get(name, 0) + nano
    return tuple(Entry(account, grouped[account]) for account in sorted(grouped))


def _names(txn: Txn, account: Account) -> bool:
    return any(entry.account == account for entry in txn.entries)
