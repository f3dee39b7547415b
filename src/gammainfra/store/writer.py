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
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from gammainfra.domain import limits
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import RequestRecord
from gammainfra.store import roll_up
from gammainfra.store.columns import Columns, attempt_columns, call_id_columns, request_columns
from gammainfra.store.database import StoreUnusable, open_writer, transaction
from gammainfra.store.statements import SQLITE

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)
# What a record with a wrong value in it can raise on its way into a row: it is tried alone, then given up.
_UNWRITABLE: Final = (sqlite3.Error, TypeError, ValueError, OverflowError, AttributeError)


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

    ``show_plan`` writes a Plan as compact JSON; it runs in the writer's thread and must be pure. Raises StoreUnusable.
    """

    def __init__(
        self, path: Path, *, show_plan: Callable[[Plan], str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.path = path
        self.written = 0
        self._connection = open_writer(path)
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
    def connection(self) -> sqlite3.Connection:
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
            _log.error("lost a record of %s: %s", self.path, "the store is closed" if self._closed else "too many wait")
            return False
        self._queue.put(record)
        if waiting + 1 == limits.RECORD_BATCH:
            self._hurry()
        return True

    def hurry(self, job: Callable[[sqlite3.Connection], None], give_up: Callable[[], None]) -> None:
        """Run ``job`` on the writing connection before any record that waits; ``give_up`` instead once closed.

        What it raises is a defect and ends the writer.
        """
        if self._closed:
            give_up()
            return
        self._urgent.put(_Job(lambda: job(self._connection), give_up))
        self._queue.put(_Wake())
        self._due.set()

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run ``job`` on the writing connection, after everything queued before; StoreUnusable once closed.

        An sqlite3.Error or ValueError of the job is the future's; anything else is a defect and ends the writer.
        """
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(job(self._connection))
            except (sqlite3.Error, ValueError) as error:
                future.set_exception(error)

        def give_up() -> None:
            future.set_exception(StoreUnusable(f"the writer of {self.path} is closed"))

        if self._closed:
            give_up()
            return future
        self._queue.put(_Job(run, give_up))
        self._hurry()
        return future

    async def flush(self) -> None:
        """Wait until everything queued so far is durable or counted as lost."""
        await asyncio.wrap_future(self.submit(_nothing))

    def flush_blocking(self, timeout_s: float | None = None) -> None:
        """As ``flush``, for a thread that is not the loop's; TimeoutError."""
        self.submit(_nothing).result(timeout_s)

    def rebuild_day(self, day: roll_up.Day) -> Future[None]:
        """Make the roll-ups of a UTC day, and the sums of the sessions active on it, again from the requests."""
        return self.submit(lambda connection: roll_up.rebuild_day(connection, day))

    def verify_day(self, day: roll_up.Day) -> Future[roll_up.DayCheck]:
        """Compare the sums of a UTC day with what a rebuild would give; changes nothing."""
        return self.submit(lambda connection: roll_up.verify_day(connection, day))

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
        first = self._queue.get()
        self._do_urgent()
        if isinstance(first, _Wake):
            return True
        if isinstance(first, RequestRecord):
            self._wait_for_more()
        records, then = self._take(first)
        self._do_urgent()
        if records:
            self._write(records)
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

    def _write(self, records: Sequence[RequestRecord]) -> None:
        """Try until it is written; a batch that fails for another reason than the disk is tried record by record."""
        error: Exception | None = None
        for number in range(limits.RECORD_TRIES):
            try:
                self._write_batch(records)
            except sqlite3.OperationalError as busy_or_disk:
                error = busy_or_disk
                _log.warning("writing %d records failed, try %d: %s", len(records), number + 1, error)
                if number + 1 < limits.RECORD_TRIES:
                    self._sleep(limits.RECORD_RETRY_S * 2**number)
            except _UNWRITABLE as wrong_value:
                error = wrong_value
                break
            else:
                return
        if len(records) > 1 and not isinstance(error, sqlite3.OperationalError):
            for record in records:
                self._write((record,))
            return
        self._failed += len(records)
        _log.error("lost %d records of %s: %s", len(records), self.path, error)

    def _write_batch(self, records: Sequence[RequestRecord]) -> None:
        connection = self._connection
        with transaction(connection):
            ids = json.dumps([record.id for record in records])
            known = {row["id"] for row in SQLITE["known_ids"].rows(connection, ids=ids)}
            unique = {record.id: record for record in records if record.id not in known}
            last_seq = SQLITE["last_seq"].number(connection)
            numbered = list(enumerate(unique.values(), start=last_seq + 1))
            self._insert(numbered)
            roll_up.add_up(connection, upto=last_seq + len(numbered))
        self.written += len(numbered)

    def _insert(self, numbered: Sequence[tuple[int, RequestRecord]]) -> None:
        connection = self._connection
        SQLITE["insert_requests"].run_many(connection, [request_columns(record, seq) for seq, record in numbered])
        plans: list[Columns] = [{"seq": seq, "plan": self._show_plan(record.plan)} for seq, record in numbered]
        SQLITE["insert_plans"].run_many(connection, plans)
        attempts = [
            attempt_columns(attempt, seq, ordinal)
            for seq, record in numbered
            for ordinal, attempt in enumerate(record.attempts)
        ]
        SQLITE["insert_attempts"].run_many(connection, attempts)
        pairs = [
            call_id_columns(pair, seq, ordinal)
            for seq, record in numbered
            for ordinal, pair in enumerate(record.call_ids)
        ]
        SQLITE["insert_call_ids"].run_many(connection, pairs)
        self._trim_call_ids(len(pairs))

    def _trim_call_ids(self, added: int) -> None:
        """Hold ``call_ids`` to its bound, every tenth of it: finding the oldest pair to keep walks the table."""
        self._call_ids_since_trim += added
        if self._call_ids_since_trim * 10 >= limits.SESSION_CALL_IDS:
            SQLITE["forget_call_ids"].run(self._connection, keep=limits.SESSION_CALL_IDS - 1)
            self._call_ids_since_trim = 0


def _nothing(_connection: sqlite3.Connection) -> None:
    """A job that only waits its turn."""
