"""The shape of the durable path on both engines: T1 (holds, settles, entries, balances) and T2 (records, sums).

It decides tables and statements that cost what the product's cost, so that the way of writing can be measured apart
from the gateway. Every change is checked after a run: balances are the sums of their entries, each record counted once.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import psycopg

Change = tuple[str, int, str, int]  # "hold" or "settle", number of the request, account, nano-USD
Record = tuple[int, str, int]  # number of the request, account, nano-USD
CREDIT_NANO: Final = 10**15
_WIDE: Final = tuple(f"c{n}" for n in range(24))  # text and numbers as a request's row has them
_WIDTH: Final = ", ".join(_WIDE)
_FILL: Final = tuple("anthropic/claude-sonnet" if n % 3 else n * 1000 for n in range(24))
_LITERALS: Final = ", ".join(f"'{one}'::text" if isinstance(one, str) else f"{one}::bigint" for one in _FILL)

_TABLES: Final = f"""
CREATE TABLE balance (account TEXT PRIMARY KEY, posted BIGINT NOT NULL, held BIGINT NOT NULL CHECK (held >= 0));
CREATE TABLE hold (request BIGINT PRIMARY KEY, account TEXT NOT NULL, nano BIGINT NOT NULL);
CREATE TABLE settle (
    request BIGINT PRIMARY KEY, account TEXT NOT NULL, nano BIGINT NOT NULL,
    {", ".join(f"{name} {'TEXT' if n % 3 else 'BIGINT'} NOT NULL" for n, name in enumerate(_WIDE))}
);
CREATE TABLE entry (
    request BIGINT NOT NULL, line INT NOT NULL, account TEXT NOT NULL, nano BIGINT NOT NULL, PRIMARY KEY (request, line)
);
CREATE TABLE record (
    request BIGINT PRIMARY KEY, account TEXT NOT NULL, at BIGINT NOT NULL, nano BIGINT NOT NULL,
    {", ".join(f"{name} {'TEXT' if n % 3 else 'BIGINT'} NOT NULL" for n, name in enumerate(_WIDE))}
);
CREATE INDEX record_by_account ON record (account, at);
CREATE INDEX record_by_time ON record (at);
CREATE TABLE hourly (
    account TEXT NOT NULL, hour BIGINT NOT NULL, requests BIGINT NOT NULL, nano BIGINT NOT NULL,
    PRIMARY KEY (account, hour)
);
"""
_SUMS: Final = """
INSERT INTO hourly (account, hour, requests, nano)
SELECT account, at / 3600, count(*), sum(nano) FROM record WHERE request {one_of} GROUP BY 1, 2
ON CONFLICT (account, hour) DO UPDATE SET requests = hourly.requests + excluded.requests,
    nano = hourly.nano + excluded.nano
"""
_WRONG: Final = """
SELECT (SELECT count(*) FROM balance AS b WHERE held <> 0 OR posted <> :credit + coalesce(
        (SELECT sum(nano) FROM entry AS e WHERE e.account = b.account), 0))
    + abs((SELECT coalesce(sum(nano), 0) FROM entry))
    + abs((SELECT count(*) FROM record) - (SELECT coalesce(sum(requests), 0) FROM hourly))
    + abs((SELECT coalesce(sum(nano), 0) FROM record) - (SELECT coalesce(sum(nano), 0) FROM hourly))
    + (SELECT count(*) FROM hold)
"""


class Shape(Protocol):
    """One engine, one connection."""

    def write_changes(self, changes: Sequence[Change]) -> None:
        """T1, durable on return."""
        ...

    def write_records(self, records: Sequence[Record]) -> None:
        """T2: not synced by itself, the next T1 does it; what is lost can be made again from the settles."""
        ...

    def wrong(self) -> int:
        """How many books are wrong; 0 when all is well. Nothing may be held any more."""
        ...


def open_shape(where: str) -> Shape:
    """``postgresql://...`` or the path of an SQLite file."""
    return PostgresShape(where) if where.startswith("postgresql:") else SqliteShape(Path(where))


def prepare(where: str, accounts: int) -> None:
    """Empty tables and ``accounts`` balances."""
    balances = [(f"u:{number}", CREDIT_NANO) for number in range(accounts)]
    if where.startswith("postgresql:"):
        with psycopg.connect(where) as connection:
            for table in ("balance", "hold", "settle", "entry", "record", "hourly"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(_TABLES)
            connection.cursor().executemany("INSERT INTO balance VALUES (%s, %s, 0)", balances)
        return
    for file in Path(where).parent.glob(Path(where).name + "*"):
        file.unlink()
    file_connection = sqlite3.connect(where)
    file_connection.execute("PRAGMA journal_mode = WAL")
    file_connection.executescript(_TABLES)
    file_connection.executemany("INSERT INTO balance VALUES (?, ?, 0)", balances)
    file_connection.commit()
    file_connection.close()


class SqliteShape:
    """WAL, ``synchronous=FULL``, ``executemany`` for each table."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def write_changes(self, changes: Sequence[Change]) -> None:
        """T1."""
        run = self._connection
        holds, settles, moves = _sorted_out(changes)
        run.execute("BEGIN IMMEDIATE")
        run.executemany("INSERT INTO hold VALUES (?, ?, ?)", holds)
        marks = ", ".join("?" * (3 + len(_FILL)))
        run.executemany(f"INSERT INTO settle VALUES ({marks})", [(*settle, *_FILL) for settle in settles])
        run.executemany("DELETE FROM hold WHERE request = ?", [(request,) for request, _, _ in settles])
        run.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", _entries(settles))
        run.executemany("UPDATE balance SET posted = posted + ?, held = held + ? WHERE account = ?", moves)
        run.execute("COMMIT")

    def write_records(self, records: Sequence[Record]) -> None:
        """T2."""
        run = self._connection
        marks = ", ".join("?" * (4 + len(_FILL)))
        run.execute("PRAGMA synchronous = NORMAL")
        run.execute("BEGIN IMMEDIATE")
        run.executemany(f"INSERT INTO record VALUES ({marks})", _record_rows(records))
        numbers = ", ".join(str(request) for request, _, _ in records)
        run.execute(_SUMS.format(one_of=f"IN ({numbers})"))
        run.execute("COMMIT")
        run.execute("PRAGMA synchronous = FULL")

    def wrong(self) -> int:
        """Every book that is wrong."""
        (count,) = self._connection.execute(_WRONG, {"credit": CREDIT_NANO}).fetchone()
        return int(count)


# One statement is one round trip: each more would make the thread wait for the interpreter once more. It is its own
# transaction. Rows are locked in the order of their accounts.
_CHANGES: Final = f"""
WITH held AS (
    INSERT INTO hold SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[])
), settled AS (
    INSERT INTO settle (request, account, nano, {_WIDTH})
    SELECT *, {_LITERALS} FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) RETURNING request
), ended AS (
    DELETE FROM hold WHERE request IN (SELECT request FROM settled)
), entered AS (
    INSERT INTO entry SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[])
), moves AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS m (posted, held, account)
), locked AS (
    SELECT account FROM balance WHERE account IN (SELECT account FROM moves) ORDER BY account FOR UPDATE
)
UPDATE balance AS b SET posted = b.posted + m.posted, held = b.held + m.held
FROM moves AS m JOIN locked USING (account) WHERE b.account = m.account
"""


class PostgresShape:
    """One statement with ``unnest`` for all changes, COPY for records; prepared from the first use."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)

    def write_changes(self, changes: Sequence[Change]) -> None:
        """T1."""
        holds, settles, moves = _sorted_out(changes)
        columns = [*_columns(holds), *_columns(settles), *_columns(_entries(settles), 4), *_columns(moves)]
        self._connection.execute(_CHANGES, columns)

    def write_records(self, records: Sequence[Record]) -> None:
        """T2."""
        run = self._connection
        with run.transaction():
            run.execute("SET LOCAL synchronous_commit = off")
            with run.cursor().copy("COPY record FROM STDIN") as copy:
                for row in _record_rows(records):
                    copy.write_row(row)
            run.execute(_SUMS.format(one_of="= ANY(%s)"), [[request for request, _, _ in records]])

    def wrong(self) -> int:
        """Every book that is wrong."""
        found = self._connection.execute(_WRONG.replace(":credit", "%(credit)s"), {"credit": CREDIT_NANO}).fetchone()
        return int(found[0]) if found else 1


def _sorted_out(
    changes: Sequence[Change],
) -> tuple[list[tuple[int, str, int]], list[tuple[int, str, int]], list[tuple[int, int, str]]]:
    """Holds, settles, and what each account's balance moves by; a hold is always twice its settle."""
    posted: Counter[str] = Counter()
    held: Counter[str] = Counter()
    holds = []
    settles = []
    for kind, request, account, nano in changes:
        if kind == "hold":
            holds.append((request, account, 2 * nano))
            held[account] += 2 * nano
        else:
            settles.append((request, account, nano))
            posted[account] -= nano
            held[account] -= 2 * nano
    return holds, settles, [(posted[account], held[account], account) for account in sorted(held)]


def _entries(settles: Sequence[tuple[int, str, int]]) -> list[tuple[int, int, str, int]]:
    debits = [(request, 0, account, -nano) for request, account, nano in settles]
    return debits + [(request, 1, "provider:anthropic", nano) for request, _, nano in settles]


def _record_rows(records: Sequence[Record]) -> list[tuple[object, ...]]:
    return [(request, account, request // 100, nano, *_FILL) for request, account, nano in records]


def _columns(rows: Sequence[tuple[object, ...]], width: int = 3) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
