"""gate-ledger: made-up histories of the books keep every promise on every engine, and each broken design is noticed.

The histories are those of tests/billing/histories.py; durability under a kill is the matter of another gate, so the
database here does not wait for the disk.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from gammainfra.domain.ports import Books
from gammainfra.store.database import Sqlite, open_writer
from gammainfra.store.engine import Connection
from gammainfra.store.ledger import StoredBooks
from gammainfra.store.postgres import Postgres
from tests import postgres
from tests.billing.histories import BROKEN, play

FULL = (100_000, 2_000, 2_000)
REDUCED = (2_000, 100, 100)
BROKEN_SEEDS = 300
TABLES = ("ledger_entries", "ledger_txns", "ledger_balances", "ledger_holds", "ledger_meters")


class SqliteFile:
    """A database of its own for each history, copied from one that has the schema; opened anew after each crash."""

    def __init__(self, folder: Path) -> None:
        self._empty, self._path = folder / "empty.sqlite3", folder / "books.sqlite3"
        self._open: list[sqlite3.Connection] = []
        connection = open_writer(self._empty)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()

    def fresh(self) -> Callable[[], Books]:
        """Forget the last history."""
        self._close()
        shutil.copyfile(self._empty, self._path)
        return self._books

    def _books(self) -> Books:
        self._close()
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = OFF")
        self._open.append(connection)
        return StoredBooks(Sqlite(self._path), lambda: connection)

    def _close(self) -> None:
        while self._open:
            self._open.pop().close()


class PostgresTables:
    """A server's tables, emptied for each history; a new connection after each crash."""

    def __init__(self, url: str) -> None:
        self._engine = Postgres(url)
        self._engine.open_writer().close()
        self._open: Connection | None = None

    def fresh(self) -> Callable[[], Books]:
        """Forget the last history."""
        connection = self._engine.open_writer()
        connection.execute(f"TRUNCATE {', '.join(TABLES)}", {})
        connection.close()
        return self._books

    def _books(self) -> Books:
        self.close()
        connection = self._open = self._engine.open_writer()
        connection.execute("SET synchronous_commit = off", {})
        return StoredBooks(self._engine, lambda: connection)

    def close(self) -> None:
        """End the connection, as a crash does."""
        if self._open is not None:
            self._open.close()
            self._open = None


def wrong(engine: str, seeds: Iterable[int], fresh: Callable[[], Callable[[], Books] | None]) -> int:
    """Play the histories and return how many break a promise; the first few are printed."""
    bad = 0
    for seed in seeds:
        found = play(seed, fresh())
        bad += bool(found)
        if found and bad <= 5:
            print(f"{engine} seed {seed}: {found[:3]}")
    print(f"{engine:8} violations={bad}")
    return bad


def main() -> int:
    """The status is 0 when nothing is broken, everything was played, and every broken design was noticed."""
    parser = argparse.ArgumentParser(prog="gate-ledger")
    parser.add_argument("--reduced", action="store_true", help="fewer histories")
    parser.add_argument("--seeds", type=int, nargs=3, metavar=("MEMORY", "SQLITE", "PG"), help="how many histories")
    arguments = parser.parse_args()
    memory, sqlite, pg = REDUCED if arguments.reduced else FULL
    if arguments.seeds:
        memory, sqlite, pg = arguments.seeds
    bad = wrong("memory", range(memory), lambda: None)
    with tempfile.TemporaryDirectory() as folder:
        bad += wrong("sqlite", range(sqlite), SqliteFile(Path(folder)).fresh)
    skipped = ""
    try:
        with postgres.running(durable=False) as server:
            tables = PostgresTables(server.make_database("books"))
            bad += wrong("postgres", range(pg), tables.fresh)
            tables.close()
    except postgres.Missing as missing:
        print(f"postgres not played: {missing}")
        pg, skipped = 0, " skipped=pg"
    caught = 0
    for variant in BROKEN:
        noticed = sum(bool(play(seed, variant=variant)) for seed in range(BROKEN_SEEDS))
        print(f"broken   {variant:20} noticed in {noticed} of {BROKEN_SEEDS}")
        caught += noticed > 0
    passed = not skipped and bad == 0 and caught == len(BROKEN)
    print(
        f"gate ledger: {'PASS' if passed else 'FAIL'} seeds_memory={memory} seeds_sqlite={sqlite} seeds_pg={pg} "
        f"violations={bad} broken_caught={caught}{skipped}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
