"""Keeps the books in the database: loads what orders touch, lets billing's Book decide, writes what changed.

It decides how rows are laid out and nothing about money. Each batch is one transaction on a writing connection; other
writers of the same database are kept out meanwhile, because what was loaded must still hold when it is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import cast

from gammainfra.billing.book import Book, Changes, named, touched
from gammainfra.domain.ledger import (
    Account,
    Balance,
    Cause,
    CauseKind,
    Entry,
    HeldMeter,
    Hold,
    HoldLeg,
    LedgerCheck,
    Meter,
    Order,
    Outcome,
    Txn,
    TxnKind,
)
from gammainfra.domain.ports import LedgerDown
from gammainfra.store.engine import Connection, Engine, Row, StoreUnusable, Value
from gammainfra.store.statements import statements_of


class StoredBooks:
    """Implements ``domain.ports.Books``; ``connection`` gives the one to use now, and one thread at a time does.

    ``mend`` opens it again when it is gone, before every post.
    """

    def __init__(
        self, engine: Engine, connection: Callable[[], Connection], mend: Callable[[], None] = lambda: None
    ) -> None:
        self._engine = engine
        self._open = connection
        self._mend = mend
        self._say = statements_of(engine.dialect)

    @property
    def _connection(self) -> Connection:
        return self._open()

    def post(self, orders: Sequence[Order]) -> Sequence[Outcome]:
        """One transaction. Raises LedgerDown."""
        passing: tuple[type[Exception], ...] = (*self._engine.errors, StoreUnusable)
        try:
            self._mend()
            with self._engine.transaction(self._connection):
                self._engine.begin_writing(self._connection, ())
                book = self._load(orders)
                outcomes = [book.apply(order) for order in orders]
                self._write(book.changes())
        except passing as error:
            raise LedgerDown(f"the books cannot be written: {error}") from error
        return outcomes

    def balances(self, accounts: Collection[Account]) -> Sequence[Balance]:
        """In the order asked for."""
        found = self._balances(accounts)
        return [found.get(account) or Balance(account) for account in accounts]

    def meters(self, names: Collection[str]) -> Sequence[Meter]:
        """In the order asked for."""
        found = self._meters(names)
        return [found.get(name) or Meter(name) for name in names]

    def txns(self, causes: Collection[Cause]) -> Sequence[Txn]:
        """Those that are there."""
        keys = [(cause.by, cause.id, cause.kind, cause.ordinal) for cause in causes]
        return self._whole(self._say["ledger_txns_of"].rows(self._connection, causes=json.dumps(keys)))

    def statement(self, account: Account, *, before: float, most: int) -> Sequence[Txn]:
        """Newest first."""
        rows = self._say["ledger_statement"].rows(self._connection, account=account, before_ms=_ms(before), most=most)
        return self._whole(rows)

    def put_in(self, account: Account) -> int:
        """What was put into a user account, in nano-USD: everything in it that no request took or brought back."""
        return self._say["ledger_put_in"].number(self._connection, account=account)

    def orphans(self, *, node: str, now: float, most: int) -> Sequence[Hold]:
        """Oldest first."""
        rows = self._say["ledger_orphans"].rows(self._connection, node=node, now_ms=_ms(now), most=most)
        return [_hold(row) for row in rows]

    def forget_meters(self, now: float) -> None:
        """Delete budgets that are over. Writes."""
        self._say["ledger_forget_meters"].run(self._connection, now_ms=_ms(now))

    def check(self, *, now: float) -> LedgerCheck:
        """Add everything up again, in the database."""

        def names(statement: str, **parameters: Value) -> tuple[str, ...]:
            return tuple(str(row["name"]) for row in self._say[statement].rows(self._connection, **parameters))

        unbalanced = self._whole(self._say["ledger_unbalanced"].rows(self._connection))
        sums = self._say["ledger_sums"].rows(self._connection)
        return LedgerCheck(
            txns=self._say["ledger_count"].number(self._connection),
            unbalanced=tuple(txn.cause for txn in unbalanced),
            wrong_balances=tuple(map(Account, names("ledger_wrong_balances"))),
            wrong_holds=tuple(map(Account, names("ledger_wrong_holds"))),
            wrong_meters=names("ledger_wrong_meters"),
            overdue=tuple(sorted(names("ledger_overdue", now_ms=_ms(now)))),
            sums=tuple(Entry(Account(row["name"]), row["amount_nano"]) for row in sums),
        )

    # ---- loading ----------------------------------------------------------------------------------------------------
    def _load(self, orders: Sequence[Order]) -> Book:
        first = named(orders)
        rows = self._say["ledger_holds_of"].rows(self._connection, requests=json.dumps(sorted(first.requests)))
        holds = {row["request_id"]: _hold(row) for row in rows}
        txns = {txn.cause: txn for txn in self.txns(sorted(first.causes))}
        then = touched(orders, holds.values(), txns.values())
        return Book(self._balances(then.accounts), holds, self._meters(then.meters), txns)

    def _balances(self, accounts: Collection[Account]) -> dict[Account, Balance]:
        rows = self._say["ledger_balances_of"].rows(self._connection, accounts=json.dumps(list(accounts)))
        return {
            row["account"]: Balance(row["account"], row["posted_nano"], row["held_nano"], row["holds"]) for row in rows
        }

    def _meters(self, names: Collection[str]) -> dict[str, Meter]:
        rows = self._say["ledger_meters_of"].rows(self._connection, names=json.dumps(list(names)))
        return {
            row["name"]: Meter(row["name"], row["used_nano"], row["held_nano"], row["until_ms"] / 1000) for row in rows
        }

    def _whole(self, rows: Sequence[Row]) -> list[Txn]:
        entries: dict[int, list[Entry]] = {}
        ids = json.dumps([row["id"] for row in rows])
        for line in self._say["ledger_entries_of"].rows(self._connection, ids=ids) if rows else ():
            entries.setdefault(line["txn_id"], []).append(Entry(Account(line["account"]), line["amount_nano"]))
        return [_txn(row, entries.get(row["id"], ())) for row in rows]

    # ---- writing ----------------------------------------------------------------------------------------------------
    def _write(self, changes: Changes) -> None:
        connection = self._connection
        if changes.txns:
            last = self._say["ledger_last_txn"].number(connection)
            numbered = list(enumerate(changes.txns, start=last + 1))
            self._say["ledger_insert_txns"].run_many(connection, [_txn_columns(txn, n) for n, txn in numbered])
            lines: list[dict[str, Value]] = [
                {"txn_id": n, "line": line, "account": entry.account, "amount_nano": entry.amount_nano}
                for n, txn in numbered
                for line, entry in enumerate(txn.entries)
            ]
            self._say["ledger_insert_entries"].run_many(connection, lines)
        self._say["ledger_keep_balances"].run_many(connection, [_balance_columns(one) for one in changes.balances])
        self._say["ledger_end_holds"].run_many(connection, [{"request_id": one} for one in changes.ended])
        self._say["ledger_keep_holds"].run_many(connection, [_hold_columns(one) for one in changes.holds])
        self._say["ledger_keep_meters"].run_many(connection, [_meter_columns(one) for one in changes.meters])


def _ms(at: float) -> int:
    return round(at * 1000)


def _txn_columns(txn: Txn, txn_id: int) -> dict[str, Value]:
    cause = txn.cause
    return {
        "id": txn_id,
        "cause_by": cause.by,
        "cause_id": cause.id,
        "kind": cause.kind,
        "ordinal": cause.ordinal,
        "at_ms": _ms(txn.at),
        "estimated": int(txn.estimated),
        "note": txn.note,
    }


def _balance_columns(one: Balance) -> dict[str, Value]:
    return {"account": one.account, "posted_nano": one.posted_nano, "held_nano": one.held_nano, "holds": one.holds}


def _hold_columns(one: Hold) -> dict[str, Value]:
    return {
        "request_id": one.request_id,
        "node": one.node,
        "at_ms": _ms(one.at),
        "expires_ms": _ms(one.expires_at),
        "legs": json.dumps([(leg.account, leg.cost_nano, leg.amount_nano) for leg in one.legs]),
        "meters": json.dumps([(kept.meter, kept.held_nano, kept.account) for kept in one.meters]),
    }


def _meter_columns(one: Meter) -> dict[str, Value]:
    return {
        "name": one.name,
        "used_nano": one.used_nano,
        "held_nano": one.held_nano,
        "until_ms": _ms(one.until),
    }


def _hold(row: Row) -> Hold:
    return Hold(
        request_id=row["request_id"],
        node=row["node"],
        at=row["at_ms"] / 1000,
        expires_at=row["expires_ms"] / 1000,
        legs=tuple(HoldLeg(Account(account), cost, amount) for account, cost, amount in json.loads(row["legs"])),
        meters=tuple(HeldMeter(meter, nano, Account(account)) for meter, nano, account in json.loads(row["meters"])),
    )


def _txn(row: Row, entries: Iterable[Entry]) -> Txn:
    cause = Cause(cast("CauseKind", row["cause_by"]), row["cause_id"], cast("TxnKind", row["kind"]), row["ordinal"])
    return Txn(cause, row["at_ms"] / 1000, tuple(entries), bool(row["estimated"]), row["note"])
