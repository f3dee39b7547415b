"""Reads records back: plain functions on read-only connections of their own, to be called from a thread.

It decides which index answers a question and where a page ends; it never writes, and no list is counted or aggregated
from raw requests. Every question names the account whose rows it may see; only what a start rebuilds is of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Literal, TypeVar

from gammainfra.domain import limits
from gammainfra.domain.attempt import Ending
from gammainfra.domain.failure import Refused
from gammainfra.domain.ledger import POTS, Balance, Meter, user_account
from gammainfra.store import rows
from gammainfra.store.address import engine_at
from gammainfra.store.engine import Connection, Engine
from gammainfra.store.ledger import StoredBooks
from gammainfra.store.statements import Statement, Statements, statements_of

Row = TypeVar("Row")
Dimension = Literal["time", "key", "model", "provider", "client"]
Grain = Literal["hour", "day"]
DIMENSIONS: Final[tuple[Dimension, ...]] = ("time", "key", "model", "provider", "client")

_BY_TIME: Final[tuple[Dimension, ...]] = ("time",)
END_MS: Final = 2**62  # later than anything
_END_ID: Final = "\U0010ffff"  # sorts after every id


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests of an account: None is any. Times are epoch seconds of arrival, ``until`` excluded."""

    account_id: str
    key_id: str | None = None
    session_id: str | None = None
    since: float = 0.0
    until: float = math.inf
    model: str | None = None
    provider: str | None = None
    client: str | None = None
    ending: Ending | None = None
    rescued: bool | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """A user's balances; ``put_in_nano`` is what was ever put into the first two, less what was taken back."""

    trial: Balance
    managed: Balance
    byok: Balance
    put_in_nano: int


class Reader:
    """A few read-only connections, lent to one thread at a time. Every call may raise StoreUnusable."""

    def __init__(self, where: Engine | str | Path, connections: int = limits.STORE_READERS) -> None:
        self.engine = engine_at(where) if isinstance(where, str | Path) else where
        self._say = statements_of(self.engine.dialect)
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for _ in range(connections):
            self._free.put(self.engine.open_reader())

    def close(self) -> None:
        """Close every connection; no call may be running."""
        while not self._free.empty():
            self._free.get().close()

    def generation(self, account_id: str, generation_id: str) -> rows.RequestDetail | None:
        """Everything stored of one answer (C7)."""
        with self._connection() as connection:
            row = self._say["generation"].row(connection, account_id=account_id, id=generation_id)
            if row is None:
                return None
            attempts = self._say["attempts_of"].rows(connection, at_ms=row["at_ms"], seq=row["seq"])
            pairs = self._say["call_ids_of"].rows(connection, seq=row["seq"])
            return rows.RequestDetail(
                request=rows.request_row(row),
                attempts=tuple(map(rows.attempt_row, attempts)),
                plan=row["plan"],
                call_ids=tuple((pair["shown"], pair["native"]) for pair in pairs),
            )

    def served_to_idempotency_key(self, account_id: str, digest: str, since: float) -> rows.IdempotentRow | None:
        """The answer to an ``Idempotency-Key`` by the key's digest, not before epoch seconds ``since``."""
        with self._connection() as connection:
            found = self._say["served_to_idempotency_key"].row(
                connection,
                account_id=account_id,
                from_digest=f"{digest}.",
                to_digest=f"{digest}/",
                from_ms=epoch_ms(since),
            )
        return None if found is None else rows.idempotent_row(found)

    def requests(self, wanted: RequestFilter, cursor: str | None = None, limit: int = 50) -> rows.Page[rows.RequestRow]:
        """The request log, newest arrival first (C7b). Refused 400 for a cursor that is none of ours."""
        cursor_ms, cursor_seq = read_cursor(cursor, int, END_MS)
        limit = min(limit, limits.PAGE_ROWS)
        with self._connection() as connection:
            found = _statement_for(self._say, wanted).rows(
                connection,
                account_id=wanted.account_id,
                key_id=wanted.key_id,
                session_id=wanted.session_id,
                from_ms=epoch_ms(wanted.since),
                to_ms=epoch_ms(wanted.until),
                cursor_ms=cursor_ms,
                cursor_seq=cursor_seq,
                model=wanted.model,
                provider=wanted.provider,
                client=wanted.client,
                ending=wanted.ending,
                rescued=wanted.rescued,
                limit=limit + 1,
            )
            return page_of([rows.request_row(row) for row in found], limit, request_cursor)

    def sessions(
        self,
        account_id: str,
        cursor: str | None = None,
        limit: int = 50,
        *,
        since: float = 0.0,
        until: float = math.inf,
    ) -> rows.Page[rows.SessionRow]:
        """Agent tasks by their last activity, newest first (C8). Refused 400 for a cursor that is none of ours."""
        cursor_ms, cursor_id = read_cursor(cursor, str, _END_ID)
        limit = min(limit, limits.PAGE_ROWS)
        with self._connection() as connection:
            found = self._say["sessions_of_account"].rows(
                connection,
                account_id=account_id,
                from_ms=epoch_ms(since),
                to_ms=epoch_ms(until),
                cursor_ms=cursor_ms,
                cursor_id=cursor_id,
                limit=limit + 1,
            )
            return page_of([rows.session_row(row) for row in found], limit, _session_cursor)

    def session(self, account_id: str, session_id: str, limit: int = 200) -> rows.SessionDetail | None:
        """One agent task and its last ``limit`` requests."""
        with self._connection() as connection:
            row = self._say["session"].row(connection, account_id=account_id, session_id=session_id)
        if row is None:
            return None
        steps = self.requests(RequestFilter(account_id, session_id=session_id), limit=limit)
        return rows.SessionDetail(rows.session_row(row), steps)

    def usage(
        self,
        account_id: str,
        since: float,
        until: float,
        group_by: Collection[Dimension] = _BY_TIME,
        grain: Grain = "day",
    ) -> tuple[rows.UsageRow, ...]:
        """Sums from the roll-ups (C9) of the hours or days that start in [since, until)."""
        query = self._say["usage_daily"] if grain == "day" else self._say["usage_hourly"]
        flags = {f"by_{dimension}": dimension in group_by for dimension in DIMENSIONS}
        with self._connection() as connection:
            found = query.rows(
                connection, account_id=account_id, from_s=math.ceil(since), to_s=_seconds(until), **flags
            )
            return tuple(rows.usage_row(row, by_time=flags["by_time"]) for row in found)

    def recent_sessions(self, since: float) -> tuple[rows.SessionRow, ...]:
        """Tasks of all accounts active at ``since`` or later, newest first, as many as the board holds."""
        with self._connection() as connection:
            found = self._say["recent_sessions"].rows(connection, from_ms=epoch_ms(since), limit=limits.SESSIONS)
            return tuple(map(rows.session_row, found))

    def recent_call_ids(self, since: float) -> tuple[rows.CallIdRow, ...]:
        """Call ids of all accounts given out at ``since`` or later, newest first, as many as the index holds."""
        with self._connection() as connection:
            found = self._say["recent_call_ids"].rows(
                connection, from_ms=epoch_ms(since), limit=limits.SESSION_CALL_IDS
            )
            return tuple(map(rows.call_id_row, found))

    def sum_cost_nano(self, *, since: float = 0.0, after_id: str | None = None) -> rows.CostSum:
        """For gates: what requests since a time, or written after ``after_id``, cost. LookupError: no such id."""
        with self._connection() as connection:
            if after_id is None:
                return rows.cost_sum(self._say["sum_cost_since"].rows(connection, from_ms=epoch_ms(since)))
            seq = self._say["seq_of"].row(connection, id=after_id)
            if seq is None:
                raise LookupError(f"no request {after_id}")
            return rows.cost_sum(self._say["sum_cost_after"].rows(connection, seq=seq["seq"]))

    def find_damage(self) -> str | None:
        """What the engine's own check says, None when all is sound or it has no such check. Reads everything."""
        with self._connection() as connection:
            return self.engine.find_damage(connection)

    def credit(self, user_id: str) -> Credit:
        """What a user has, as the books say at one moment."""
        with self._connection() as connection, self.engine.snapshot(connection):
            books = StoredBooks(self.engine, lambda: connection)
            trial, managed, byok = books.balances([user_account(user_id, pot) for pot in POTS])
            return Credit(trial, managed, byok, books.put_in(trial.account) + books.put_in(managed.account))

    def meters(self, names: Collection[str]) -> Sequence[Meter]:
        """What is counted under budgets, in the order asked for."""
        with self._connection() as connection:
            return StoredBooks(self.engine, lambda: connection).meters(names)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        connection = self._free.get()
        try:
            if not self.engine.alive(connection):
                connection.close()
                connection = self.engine.open_reader()
            yield connection
        except self.engine.errors as error:
            raise self.engine.unusable(error) from error
        finally:
            self._free.put(connection)


def _statement_for(say: Statements, wanted: RequestFilter) -> Statement:
    """The one whose index leaves the fewest rows to look at."""
    if wanted.session_id is not None:
        return say["requests_of_session"]
    if wanted.key_id is not None:
        return say["requests_of_key"]
    return say["requests_of_account"]


def page_of(found: Sequence[Row], limit: int, cursor_of: Callable[[Row], str]) -> rows.Page[Row]:
    """The first ``limit`` rows; with a cursor when more were found."""
    shown = tuple(found[:limit])
    more = len(found) > limit and bool(shown)
    return rows.Page(shown, cursor_of(shown[-1]) if more else None)


def request_cursor(row: rows.RequestRow) -> str:
    """Where the page after this row begins."""
    return f"{epoch_ms(row.at)}.{row.seq}"


def _session_cursor(row: rows.SessionRow) -> str:
    return f"{epoch_ms(row.last_at)}.{row.id}"


Last = TypeVar("Last", int, str)


def read_cursor(cursor: str | None, read: Callable[[str], Last], end: Last) -> tuple[int, Last]:
    """The two parts of a cursor, the end of time when there is none; Refused 400."""
    if cursor is None:
        return END_MS, end
    at_ms, _, last = cursor.partition(".")
    try:
        return int(at_ms), read(last)
    except ValueError:
        raise Refused(
            400, "invalid_request", "cursor is not one that an earlier page gave: leave it out to start anew", "cursor"
        ) from None


def epoch_ms(at: float) -> int:
    """Epoch seconds as the database keeps them; infinity is later than anything."""
    return END_MS if math.isinf(at) else round(at * 1000)


def _seconds(at: float) -> int:
    return END_MS if math.isinf(at) else math.ceil(at)
