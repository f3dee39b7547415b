"""The books in SQLite say what the books in memory say, and the desk answers whoever still waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gammainfra.billing import posting
from gammainfra.billing.fees import PLANS
from gammainfra.billing.memory import MemoryBooks
from gammainfra.domain.ledger import Order, Outcome, Posted, Reserve, Short, Source, user_account
from gammainfra.domain.ports import LedgerDown
from gammainfra.store.database import Sqlite, open_writer
from gammainfra.store.desk import Desk
from gammainfra.store.engine import Engine
from gammainfra.store.ledger import StoredBooks
from gammainfra.store.postgres import Postgres
from gammainfra.store.reader import Reader
from gammainfra.store.writer import Writer
from tests import postgres
from tests.billing.histories import play
from tests.gates.ledger import SqliteFile
from tests.store.making import writer_on

AT = 1_800_000_000.0
MANAGED = user_account("ann", "managed")


def top_up(event: str, nano: int = 100) -> Order:
    return posting.top_up(event, "ann", "managed", nano, 3, at=AT)


def desk_of(path: Path) -> tuple[Writer, Desk]:
    writer = Writer(path, show_plan=str)
    return writer, desk_at(writer)


def desk_at(writer: Writer) -> Desk:
    books = StoredBooks(writer.engine, lambda: writer.connection, writer.reopen_if_gone)
    return Desk(books, lambda job, give_up: writer.hurry(lambda _: job(), give_up), sleep=lambda _: None)


def test_histories_leave_sound_books(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path)
    assert [play(seed, file.fresh()) for seed in range(15)] == [[]] * 15


def test_a_damaged_sum_is_found(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "books.sqlite3")
    books = StoredBooks(Sqlite(tmp_path), lambda: connection)
    books.post([top_up("e1")])
    connection.execute("UPDATE ledger_balances SET posted_nano = 99, held_nano = 1")
    connection.execute("UPDATE ledger_entries SET amount_nano = 98 WHERE account = ?", [MANAGED])
    connection.execute("INSERT INTO ledger_meters VALUES ('m', 0, 5, 0)")
    found = books.check(now=AT)
    assert (found.wrong_balances, found.wrong_holds, found.wrong_meters) == ((MANAGED,), (MANAGED,), ("m",))
    assert [cause.id for cause in found.unbalanced] == ["e1"]
    connection.close()


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "books.sqlite3")
    connection.execute("PRAGMA query_only = ON")
    books = StoredBooks(Sqlite(tmp_path), lambda: connection)
    with pytest.raises(LedgerDown, match="readonly"):
        books.post([top_up("e1")])
    assert books.check(now=AT).txns == 0
    connection.close()


def test_orders_given_together_are_posted_on_the_writing_thread_and_refused_once_it_ended(tmp_path: Path) -> None:
    async def give() -> list[Outcome]:
        writer, desk = desk_of(tmp_path / "books.sqlite3")
        outcomes = await asyncio.gather(*(desk.put(top_up(f"e{n % 50}")) for n in range(51)))
        writer.close()
        with pytest.raises(LedgerDown, match="closed"):
            await desk.put(top_up("late"))
        return list(outcomes)

    outcomes = asyncio.run(give())
    assert [isinstance(one, Posted) and one.already for one in outcomes] == [False] * 50 + [True]


class Failing(MemoryBooks):
    """Books that fail some times."""

    fails = 0

    def post(self, orders: object) -> list[Outcome]:
        self.fails -= 1
        if self.fails >= 0:
            raise LedgerDown("made up")
        return list(super().post(orders))  # type: ignore[arg-type]


def test_a_settle_is_tried_again_and_a_hold_is_not() -> None:
    async def give() -> None:
        books = Failing()
        desk = Desk(books, lambda job, give_up: job(), sleep=lambda s: None)
        books.fails = 2
        assert isinstance(await desk.put(top_up("e1")), Posted)
        books.fails = 1
        with pytest.raises(LedgerDown):
            await desk.put(Reserve("r", (), (), 1, 1, AT, AT))
        books.fails = 99
        with pytest.raises(LedgerDown):
            await desk.put(top_up("e2"))

    asyncio.run(give())


def test_64_callers_with_20_requests_each_never_pass_what_one_account_has(tmp_path: Path) -> None:
    purse = (Source(MANAGED),)

    async def serve() -> int:
        writer, desk = desk_of(tmp_path / "books.sqlite3")
        await desk.put(top_up("e1", 2000))

        async def caller(name: int) -> int:
            served = 0
            for n in range(20):
                name_of = f"r{name}-{n}"
                if not isinstance(await desk.put(Reserve(name_of, purse, (), 120, 120, AT, AT + 9)), Short):
                    part = posting.Part("acme", 100, "credit", "served", purse)
                    await desk.put(posting.settle(name_of, [part], PLANS["launch"], at=AT, estimated=False))
                    served += 1
            return served

        served = sum(await asyncio.gather(*(caller(n) for n in range(64))))
        writer.close()
        return served

    served = asyncio.run(serve())
    connection = open_writer(tmp_path / "books.sqlite3")
    books = StoredBooks(Sqlite(tmp_path), lambda: connection)
    (balance,) = books.balances([MANAGED])
    assert (balance.posted_nano, balance.held_nano) == (2000 - 100 * served, 0)
    assert served == 19
    assert books.check(now=AT).ok
    connection.close()


def test_books_outlive_a_database_that_was_gone(tmp_path: Path) -> None:
    async def orders(server: postgres.Server) -> None:
        writer = Writer(Postgres(server.url), show_plan=str, journal=tmp_path / "journal")
        desk = desk_at(writer)
        assert isinstance(await desk.put(top_up("e1")), Posted)
        server.stop("QUIT")
        for _ in range(2):
            with pytest.raises(LedgerDown, match="the books cannot be written"):
                await desk.put(top_up("e2"))
        server.start()
        assert isinstance(await desk.put(top_up("e2")), Posted)
        writer.close()

    try:
        with postgres.running() as server:
            asyncio.run(orders(server))
    except postgres.Missing as missing:
        pytest.skip(str(missing))


def test_what_was_put_in_is_told_from_what_requests_took(place: Engine) -> None:
    purse = (Source(MANAGED),)
    part = posting.Part("openai", 30, "credit", "served", purse)
    with writer_on(place) as writer:
        books = StoredBooks(place, lambda: writer.connection)
        orders = (
            top_up("e1"),
            posting.grant("g1", "ann", 7, at=AT),
            posting.refund("r1", "ann", "managed", 20, at=AT, note="n"),
            Reserve("gen-1", purse, (), 50, 1, AT, AT),
            posting.settle("gen-1", (part,), PLANS["launch"], at=AT, estimated=False),
        )
        writer.submit(lambda _: books.post(orders)).result(30)
        reader = Reader(place, connections=1)
        found, nobody = reader.credit("ann"), reader.credit("bob")
        reader.close()
    assert (found.put_in_nano, found.managed.posted_nano, found.trial.posted_nano) == (87, 50, 7)
    assert (nobody.put_in_nano, nobody.managed.posted_nano) == (0, 0)


def test_sums_of_users_are_one_for_each_pot(place: Engine) -> None:
    with writer_on(place) as writer:
        books = StoredBooks(place, lambda: writer.connection)
        orders = (top_up("e1"), posting.grant("g1", "ann", 7, at=AT), posting.grant("g2", "bob", 8, at=AT))
        writer.submit(lambda _: books.post(orders)).result(30)
        connection = place.open_reader()
        with place.snapshot(connection):
            found = StoredBooks(place, lambda: connection).check(now=AT)
        connection.close()
    assert found.ok
    assert {entry.account: entry.amount_nano for entry in found.sums} == {
        "stripe:clearing": -103,
        "revenue:topup_fee": 3,
        "trial:expense": -15,
        "u:*:managed": 100,
        "u:*:trial": 15,
    }
