"""The one thread that writes: records wait in a bounded queue and leave it in batches, each in one transaction.

It decides when a batch is written and what becomes of one that cannot be; the books' transactions go before it. It
never makes a request wait and never loses a record unseen: what is not written is counted in ``lost`` and logged.
Requests, attempts, roll-ups, session sums and the watermark move together (one transaction for each batch), so each
request is counted exactly once and every sum can be made again from the requests.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from gammainfra.domain import limits
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import RequestRecord
from gammainfra.store import retention, roll_up
from gammainfra.store.address import engine_at
from gammainfra.store.columns import Laid, lay_out
from gammainfra.store.engine import Columns, Connection, Engine, StoreUnusable
from gammainfra.store.journal import Journal
from gammainfra.store.statements import statements_of

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)
# What a record with a wrong value in it can raise on its way into a row: it is given up, the others are not.
_UNWRITABLE: Final = (TypeError, ValueError, OverflowError, AttributeError)


@dataclass(frozen=True, slots=True)
class _Job:
    """Something else for the writing connection, done after every record that was queued before it."""

    run: Callable[[], None]
    give_up: Callable[[], None]


class _Stop:
    """The last thing in the queue."""


class _Wake:
    """Something urgent was asked for."""


_Queued = RequestRecord | _Job | _Stop | _Wake


class Writer:
    """Implements ``domain.ports.Records``. Opening it opens the database and starts the thread.

    ``show_plan`` writes a Plan as compact JSON; it runs in the writer's thread and must be pure. ``journal`` is the
    file where records wait while a remote database is gone. Raises StoreUnusable.
    """

    def __init__(
        self,
        where: Engine | str | Path,
        *,
        show_plan: Callable[[Plan], str],
        sleep: Callable[[float], None] = time.sleep,
        journal: Path | None = None,
    ) -> None:
        self.engine = engine_at(where) if isinstance(where, str | Path) else where
        self.written = 0
        self._errors: tuple[type[Exception], ...] = (*self.engine.errors, StoreUnusable, ValueError)
        self._wrong: tuple[type[Exception], ...] = (*self.engine.errors, *_UNWRITABLE)
        self._say = statements_of(self.engine.dialect)
        self._passing: tuple[type[Exception], ...] = (*self.engine.passing, StoreUnusable)
        self._journal = Journal(journal) if journal is not None and self.engine.remote else None
        self._connection = self.engine.open_writer()
        self._show_plan = show_plan
        self._sleep = sleep
        self._queue: SimpleQueue[_Queued] = SimpleQueue()
        self._urgent: SimpleQueue[_Job] = SimpleQueue()
        self._due = threading.Event()  # somebody waits, or a batch is full: do not wait for more
        self._write_now = False  # not only something urgent
        self._closed = False
        self._refused = 0  # counted by the callers' thread
        self._failed = 0  # counted by the writer's thread
        self._call_ids_since_trim = limits.SESSION_CALL_IDS
        self._thread = threading.Thread(target=self._run, name="gammainfra-writer", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Records that were not written and never will be: the queue was full, or every try failed."""
        return self._refused + self._failed

    @property
    def connection(self) -> Connection:
        """The writing connection, for what is built on it to be used in jobs only."""
        return self._connection

    @property
    def waiting(self) -> int:
        """How many records are queued (jobs included)."""
        return self._queue.qsize()

    def add(self, record: RequestRecord) -> bool:
        """Queue a record for the next batch; False when it was counted as lost. Never waits.

        Called from one thread, the loop's: the count of lost records has no lock.
        """
        waiting = self._queue.qsize()
        if self._closed or waiting >= limits.RECORD_QUEUE:
            self._refused += 1
            _log.error(
                "lost a record of %s: %s", self.engine.name, "the store is closed" if self._closed else "too many wait"
            )
            return False
        self._queue.put(record)
        if waiting + 1 == limits.RECORD_BATCH:
            self._hurry()
        return True

    def hurry(self, job: Callable[[Connection], None], give_up: Callable[[], None]) -> None:
        """Run ``job`` on the writing connection before any record that waits; ``give_up`` instead once closed.

        It sees for itself that the connection lives (``reopen_if_gone``). What it raises is a defect and ends the
        writer.
        """
        if self._closed:
            give_up()
            return
        self._urgent.put(_Job(lambda: job(self._connection), give_up))
        self._queue.put(_Wake())
        self._due.set()

    def submit(self, job: Callable[[Connection], T]) -> Future[T]:
        """Run ``job`` on the writing connection, after everything queued before; StoreUnusable once closed.

        An error of the engine or ValueError of the job is the future's; anything else is a defect and ends the writer.
        """

        def run() -> T:
            self.reopen_if_gone()
            return job(self._connection)

        return self._in_turn(run)

    async def flush(self) -> None:
        """Wait until everything queued so far is durable (in the journal, while the database is gone) or lost."""
        await asyncio.wrap_future(self._in_turn(_nothing))

    def flush_blocking(self, timeout_s: float | None = None) -> None:
        """As ``flush``, for a thread that is not the loop's; TimeoutError."""
        self._in_turn(_nothing).result(timeout_s)

    def rebuild_day(self, day: roll_up.Day) -> Future[None]:
        """Make the roll-ups of a UTC day, and the sums of the sessions active on it, again from the requests."""
        return self.submit(lambda connection: roll_up.rebuild_day(self.engine, connection, day))

    def verify_day(self, day: roll_up.Day) -> Future[roll_up.DayCheck]:
        """Compare the sums of a UTC day with what a rebuild would give; changes nothing."""
        return self.submit(lambda connection: roll_up.verify_day(self.engine, connection, day))

    def forget(self, before: float) -> Future[int]:
        """Delete a bounded number of rows older than epoch seconds ``before``; how many: 0 when none is left."""
        return self.submit(lambda connection: retention.forget(self.engine, connection, round(before * 1000)))

    def _in_turn(self, job: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(job())
            except self._errors as error:
                future.set_exception(error)

        def give_up() -> None:
            future.set_exception(StoreUnusable(f"the writer of {self.engine.name} is closed"))

        if self._closed:
            give_up()
            return future
        self._queue.put(_Job(run, give_up))
        self._hurry()
        return future

    def close(self) -> None:
        """Write what is queued, end the thread and close the file. Waits for the disk; calling it again is harmless."""
        if not self._closed:
            self._closed = True
            self._queue.put(_Stop())
            self._hurry()
        self._thread.join()

    def _hurry(self) -> None:
        self._write_now = True
        self._due.set()

    # ------------------------------------------------------------------------- the writer's thread

    def _run(self) -> None:
        try:
            while self._write_next_batch():
                pass
        finally:
            self._closed = True
            self._abandon_queue()
            self._connection.close()

    def _write_next_batch(self) -> bool:
        waits = self._journal is not None and self._journal.size > 0
        try:
            first = self._queue.get(timeout=limits.RECORD_JOURNAL_RETRY_S if waits else None)
        except Empty:
            self._replay()
            return True
        self._do_urgent()
        if isinstance(first, _Wake):
            return True
        if isinstance(first, RequestRecord):
            self._wait_for_more()
        records, then = self._take(first)
        self._do_urgent()
        if records:
            self._write(list(self._lay_out(records)))
        if isinstance(then, _Job):
            then.run()
        return not isinstance(then, _Stop)

    def _wait_for_more(self) -> None:
        """Let a batch of records grow. Something urgent is done in between and does not end the wait."""
        until = time.monotonic() + limits.RECORD_FLUSH_S
        while not self._write_now and self._queue.qsize() < limits.RECORD_BATCH - 1:
            if not self._due.wait(max(until - time.monotonic(), 0.0)):
                break
            self._due.clear()
            self._do_urgent()
        self._write_now = False

    def _do_urgent(self) -> None:
        while not self._urgent.empty():
            self._urgent.get().run()

    def _take(self, item: _Queued | None) -> tuple[list[RequestRecord], _Job | _Stop | None]:
        records: list[RequestRecord] = []
        while isinstance(item, RequestRecord | _Wake):
            if isinstance(item, RequestRecord):
                records.append(item)
            item = self._next_or_none() if len(records) < limits.RECORD_BATCH else None
        return records, item

    def _next_or_none(self) -> _Queued | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def _abandon_queue(self) -> None:
        while not self._urgent.empty():
            self._urgent.get().give_up()
        while (item := self._next_or_none()) is not None:
            if isinstance(item, RequestRecord):
                self._failed += 1
            elif isinstance(item, _Job):
                item.give_up()

    def _lay_out(self, records: Sequence[RequestRecord]) -> Iterator[Laid]:
        for record in records:
            try:
                yield lay_out(record, self._show_plan(record.plan))
            except _UNWRITABLE as wrong_value:
                self._lose(1, wrong_value)

    def _write(self, rows: Sequence[Laid]) -> None:
        """Try until it is written; a batch that fails for another reason than the disk is tried record by record."""
        error = self._try(rows)
        if error is None:
            if self._journal is not None and self._journal.size:
                self._replay()
        elif isinstance(error, self._passing):
            if not self._keep_for_later(rows):
                self._lose(len(rows), error)
        elif len(rows) > 1:
            for one in rows:
                self._write((one,))
        else:
            self._lose(1, error)

    def _try(self, rows: Sequence[Laid]) -> Exception | None:
        """Write, several times if need be; the last error. What is known to be gone is tried once."""
        error: Exception | None = None
        tries = 1 if self._journal is not None and self._journal.size else limits.RECORD_TRIES
        for number in range(tries if rows else 0):
            try:
                self.reopen_if_gone()
                self._write_batch(rows)
            except self._passing as busy_or_gone:
                error = busy_or_gone
                _log.warning("writing %d records failed, try %d: %s", len(rows), number + 1, error)
                if number + 1 < tries:
                    self._sleep(limits.RECORD_RETRY_S * 2**number)
            except self._wrong as wrong_value:
                return wrong_value
            else:
                return None
        return error

    def _keep_for_later(self, rows: Sequence[Laid]) -> bool:
        """Put rows into the journal; False when there is none, or no room in it."""
        try:
            return self._journal is not None and self._journal.append(rows)
        except OSError as error:
            _log.warning("the journal %s cannot be written: %s", self._journal and self._journal.path, error)
            return False

    def _replay(self) -> None:
        """Write what the journal holds; what had been written before counts once."""
        if self._journal is None:
            return
        for rows in self._journal.batches():
            error = self._try(rows)
            if isinstance(error, self._passing):
                return
            if error is not None:
                for one in rows:
                    alone = self._try((one,))
                    if isinstance(alone, self._passing):
                        return
                    if alone is not None:
                        self._lose(1, alone)
        self._journal.clear()

    def reopen_if_gone(self) -> None:
        """Open the connection again when the database ended it. For jobs, in their thread; raises StoreUnusable."""
        if not self.engine.alive(self._connection):
            self._connection.close()
            self._connection = self.engine.open_writer()

    def _lose(self, count: int, error: Exception | None) -> None:
        self._failed += count
        _log.error("lost %d records of %s: %s", count, self.engine.name, error)

    def _write_batch(self, rows: Sequence[Laid]) -> None:
        connection = self._connection
        with self.engine.transaction(connection):
            self.engine.begin_writing(connection, sorted({one.at_ms for one in rows}))
            ids = json.dumps([one.id for one in rows])
            known = {row["id"] for row in self._say["known_ids"].rows(connection, ids=ids)}
            unique = {one.id: one for one in rows if one.id not in known}
            last_seq = self._say["last_seq"].number(connection)
            numbered = list(enumerate(unique.values(), start=last_seq + 1))
            self._insert(numbered)
            roll_up.add_up(self.engine, connection, upto=last_seq + len(numbered))
        self.written += len(numbered)

    def _insert(self, numbered: Sequence[tuple[int, Laid]]) -> None:
        def insert(statement: str, rows: list[Columns]) -> None:
            self.engine.insert(self._connection, statement, rows)

        insert("insert_requests", [{**one.request, "seq": seq} for seq, one in numbered])
        insert("insert_plans", [{**one.plan, "seq": seq} for seq, one in numbered])
        insert("insert_attempts", [{**row, "seq": seq} for seq, one in numbered for row in one.attempts])
        pairs: list[Columns] = [{**row, "seq": seq} for seq, one in numbered for row in one.call_ids]
        insert("insert_call_ids", pairs)
        self._trim_call_ids(len(pairs))

    def _trim_call_ids(self, added: int) -> None:
        """Hold ``call_ids`` to its bound, every tenth of it: finding the oldest pair to keep walks the table."""
        self._call_ids_since_trim += added
        if self._call_ids_since_trim * 10 >= limits.SESSION_CALL_IDS:
            self._say["forget_call_ids"].run(self._connection, keep=limits.SESSION_CALL_IDS - 1)
            self._call_ids_since_trim = 0


def _nothing() -> None:
    """A job that only waits its turn."""
