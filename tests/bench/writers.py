"""Two ways to write behind one port: a thread beside the loop, and a process of its own. Both gather what waits.

They decide when a batch is written (at once, with all that came meanwhile) and when records are: between two batches
of changes, a bounded number at a time, so that a hold never waits for more than one of them.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import msgspec

from tests.bench.gateway import ROOT, environment
from tests.bench.ledger_shapes import Change, Record, Shape, open_shape

_RECORDS_AT_ONCE: Final = 50
_LENGTH: Final = 4
_MOST: Final = 1 << 20


class Port(Protocol):
    """What the loop sees."""

    async def open(self) -> None:
        """Ready on return."""
        ...

    def submit(self, change: Change) -> asyncio.Future[None]:
        """Done when the change is durable."""
        ...

    def record(self, record: Record) -> None:
        """Written some time."""
        ...

    async def close(self) -> None:
        """Write all that waits."""
        ...


class Immediate:
    """The control: no database, only the way through a thread and back. What it shows is the loop's own delay."""

    def __init__(self, where: str) -> None:
        self._thread = Threaded(where, shape=_Nothing())
        self.open = self._thread.open
        self.submit = self._thread.submit
        self.record = self._thread.record
        self.close = self._thread.close


class _Nothing:
    def write_changes(self, changes: object) -> None:
        pass

    def write_records(self, records: object) -> None:
        pass

    def wrong(self) -> int:
        return 0


class Threaded:
    """A thread of this process."""

    def __init__(self, where: str, shape: Shape | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._shape = shape or open_shape(where)
        self._queue: SimpleQueue[tuple[Change, asyncio.Future[None]] | Record | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run)

    async def open(self) -> None:
        """Start it."""
        self._thread.start()

    def submit(self, change: Change) -> asyncio.Future[None]:
        """Queue it and wake the thread."""
        future = self._loop.create_future()
        self._queue.put((change, future))
        return future

    def record(self, record: Record) -> None:
        """Queue it."""
        self._queue.put(record)

    async def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        records: deque[Record] = deque()
        going = True
        while going or records:
            changes = []
            waits = not records
            while going:
                try:
                    item = self._queue.get(block=waits)
                except Empty:
                    break
                waits = False
                if item is None:
                    going = False
                elif len(item) == 2:
                    changes.append(item)
                else:
                    records.append(item)
            if changes:
                self._shape.write_changes([change for change, _ in changes])
                self._loop.call_soon_threadsafe(_wake, [future for _, future in changes])
            if records:
                self._shape.write_records([records.popleft() for _ in range(min(len(records), _RECORDS_AT_ONCE))])


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


class Apart(asyncio.Protocol):
    """A process of its own behind a socket."""

    def __init__(self, where: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._items: list[Change | Record] = []
        self._answer = b""
        self._where = where

    async def open(self) -> None:
        """Start the process and wait until its database is open."""
        ours, theirs = socket.socketpair()
        self._child = subprocess.Popen(  # noqa: ASYNC220 - once, before anything is measured
            [sys.executable, "-m", "tests.bench.writers", self._where, str(theirs.fileno())],
            cwd=ROOT, env=environment(), pass_fds=[theirs.fileno()],
        )  # fmt: skip
        theirs.close()
        ready = self._loop.create_future()
        self._waiting.append(ready)
        self._transport, _ = await self._loop.create_connection(lambda: self, sock=ours)
        await ready

    def submit(self, change: Change) -> asyncio.Future[None]:
        """Send it with everything else of this turn of the loop."""
        future = self._loop.create_future()
        self._waiting.append(future)
        self._add(change)
        return future

    def record(self, record: Record) -> None:
        """Send it, likewise."""
        self._add(record)

    async def close(self) -> None:
        """End the process."""
        await asyncio.sleep(0)
        self._transport.write_eof()
        status = await asyncio.to_thread(self._child.wait, 60)
        self._transport.close()
        if status:
            raise RuntimeError(f"the writing process ended with status {status}")

    def data_received(self, data: bytes) -> None:
        """Wake as many as it says."""
        *done, self._answer = (self._answer + data).split(b",")
        for count in map(int, done):
            for _ in range(count):
                self._waiting.popleft().set_result(None)

    def _add(self, item: Change | Record) -> None:
        if not self._items:
            self._loop.call_soon(self._send)
        self._items.append(item)

    def _send(self) -> None:
        body = msgspec.msgpack.encode(self._items)
        self._items = []
        self._transport.write(len(body).to_bytes(_LENGTH, "big") + body)


WAYS: Final[dict[str, Callable[[str], Port]]] = {"nothing": Immediate, "thread": Threaded, "process": Apart}


def main() -> None:
    """The other process."""
    connection = socket.socket(fileno=int(sys.argv[2]))
    shape = open_shape(sys.argv[1])
    parent = os.getppid()
    connection.sendall(b"1,")
    buffer = bytearray()
    records: deque[Record] = deque()
    going = True
    while (going or records) and os.getppid() == parent:
        if going and select.select([connection], [], [], 0 if records else 1)[0]:
            read = connection.recv(_MOST)
            going = bool(read)
            buffer += read
        changes: list[Change] = []
        while len(buffer) >= _LENGTH and len(buffer) >= _LENGTH + (size := int.from_bytes(buffer[:_LENGTH], "big")):
            for item in msgspec.msgpack.decode(bytes(buffer[_LENGTH : _LENGTH + size])):
                (changes if len(item) == 4 else records).append(tuple(item))
            del buffer[: _LENGTH + size]
        if changes:
            shape.write_changes(changes)
            connection.sendall(b"%d," % len(changes))
        if records:
            shape.write_records([records.popleft() for _ in range(min(len(records), _RECORDS_AT_ONCE))])


if __name__ == "__main__":
    main()
