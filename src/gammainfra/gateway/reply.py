"""What a reader gets of a Turn, as an iterator: a Head, pieces of the body, the end. The web layer reads it, no more.

A Reply belongs to one socket. It holds what the socket has not taken yet and never reaches back into the Turn but for
one word: ``leave``. While the answer is silent it says the dialect's keep-alive, which no upstream timer ever hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Self

from gammainfra.domain import limits


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers, as they leave."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the body; ``last`` when nothing follows."""

    body: bytes
    last: bool


class Reply:
    """One reader's view of one answer. ``left`` is called once, when the reader hangs up before the end."""

    def __init__(self, left: Callable[[Reply], None], keepalive: bytes) -> None:
        self._left = left
        self._keepalive = keepalive
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._over = False
        self._gone = False
        self._has_head = False
        self._news: asyncio.Future[None] | None = None
        self._taken: asyncio.Future[None] | None = None
        self._silent_since = 0.0  # the loop's time
        self._watch: asyncio.TimerHandle | None = None
        self.unsent_bytes = 0
        self.hang_up: Callable[[], None] = _nothing  # closes the socket of a reader that takes nothing
        self._beside: tuple[tuple[bytes, bytes], ...] = ()

    def say_beside(self, headers: Mapping[str, str]) -> Self:
        """Further headers for this reader only: the head itself may be another reader's too."""
        self._beside = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())
        return self

    # ---- the Turn's side --------------------------------------------------------------------------------------------
    def put_head(self, head: Head) -> None:
        """The head may leave. Only the first one counts."""
        if not self._has_head:
            self._head, self._has_head = head, True
            self._wake()

    def put(self, body: bytes) -> None:
        """A piece of the body may leave."""
        if body and not self._gone:
            self._pieces.append(body)
            self.unsent_bytes += len(body)
            self._wake()

    def end(self) -> None:
        """Nothing follows."""
        self._over = True
        self._stop_watch()
        self._wake()

    async def room(self) -> bool:
        """Wait until the reader has taken enough; False when it did not in limits.SLOW_READER_S."""
        if self.unsent_bytes <= limits.JOURNAL_BYTES or self._gone:
            return True
        self._taken = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._taken, limits.SLOW_READER_S)
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # ---- the reader's side ------------------------------------------------------------------------------------------
    def leave(self) -> None:
        """The reader hung up. After the end, or said twice, it changes nothing."""
        if self._gone or (self._over and not self._pieces):
            return
        self._gone = True
        self._stop_watch()
        self._pieces.clear()
        self.unsent_bytes = 0
        self._note_taken()
        self._wake()
        self._left(self)

    async def __aiter__(self) -> AsyncIterator[Head | Piece]:
        """The parts in order; everything that waits leaves in one piece."""
        while not self._gone:
            if self._head is not None:
                head, self._head = self._head, None
                yield Head(head.status, (*head.headers, *self._beside)) if self._beside else head
            elif self._pieces or self._over:
                body = b"".join(self._pieces)
                self._pieces.clear()
                self.unsent_bytes = 0
                self._note_taken()
                last = self._over
                yield Piece(body, last)
                if last:
                    return
            elif await self._silence():
                yield Piece(self._keepalive, last=False)

    async def _silence(self) -> bool:
        """Wait for news; True when a keep-alive is due instead: never before the head, never without need."""
        loop = asyncio.get_running_loop()
        self._silent_since = loop.time()
        if self._watch is None:
            self._watch = loop.call_later(limits.KEEPALIVE_EVERY_S, self._look)
        self._news = loop.create_future()
        await self._news
        return self._has_head and not (self._pieces or self._over or self._gone or self._head)

    def _look(self) -> None:
        """One timer per reply, moved lazily: one per piece would cost more than rendering it."""
        loop = asyncio.get_running_loop()
        due = self._silent_since + limits.KEEPALIVE_EVERY_S
        if loop.time() < due:
            self._watch = loop.call_at(due, self._look)
        else:
            self._watch = None
            self._wake()

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _note_taken(self) -> None:
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)


def _nothing() -> None:
    """There is no socket."""
