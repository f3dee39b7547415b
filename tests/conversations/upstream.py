"""Providers in this very program: they implement the ``exchange`` seam and say what a test makes them say."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gammainfra.domain.failure import Cause
from gammainfra.upstream.exchange import Admitted, ExchangeFailed

EVENT_STREAM = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers, which come before everything else; an answer without one begins with a stream's."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: EVENT_STREAM)


@dataclass(frozen=True, slots=True)
class Broken:
    """The connection breaks, or is never made."""

    cause: Cause = Cause.CUT


@dataclass(frozen=True, slots=True)
class EndOfBody:
    """The orderly end."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing more comes, and the connection stays."""


Saying = Head | bytes | Broken | EndOfBody | Silence


class Line:
    """One dispatch: what the provider was sent, and what it says; it implements upstream.exchange.Reading."""

    def __init__(self, ask: Admitted, at_s: float) -> None:
        self.ask = ask
        self.at_s = at_s
        self.closed_at_s: float | None = None
        self.status = 200
        self.headers: Mapping[str, str] = EVENT_STREAM
        self._says: deque[Saying] = deque()
        self._headed = self._over = False
        self._news = asyncio.Event()

    def say(self, *says: Saying) -> None:
        self._says.extend(says)
        self._news.set()

    async def _next(self) -> Saying:
        while not self._says or isinstance(self._says[0], Silence):
            self._news.clear()
            await self._news.wait()
        return self._says.popleft()

    async def head(self) -> None:
        """Wait for the head."""
        match said := await self._next():
            case Head(status, headers):
                self.status, self.headers = status, headers
            case Broken(cause):
                raise ExchangeFailed(cause, "made up")
            case _:
                self._says.appendleft(said)

    async def read(self) -> bytes:
        match said := await self._next():
            case bytes():
                return said
            case Broken(cause):
                self._over = True
                raise ExchangeFailed(cause, "made up")
            case _:
                self._over = True
                return b""

    @property
    def unread(self) -> int:
        """How many pieces were not read yet."""
        return len(self._says)

    @property
    def is_over(self) -> bool:
        """Whether the provider itself has ended."""
        return self._over


class FakeUpstream:
    """Implements what gateway.Means wants of upstream.exchange.Upstream.

    ``saw`` hears of every dispatch, and of every close by the gateway when a script wants to read of it.
    """

    def __init__(self, now: Callable[[], float], saw: Callable[[str], None], *, says_when_closed: bool) -> None:
        self._says_when_closed = says_when_closed
        self.lines: list[Line] = []
        self._now = now
        self._saw = saw

    @asynccontextmanager
    async def exchange(self, ask: Admitted) -> AsyncIterator[Line]:
        line = Line(ask, self._now())
        self.lines.append(line)
        self._saw(f"{ask.provider} asked")
        try:
            await line.head()
            yield line
        finally:
            line.closed_at_s = self._now()
            if self._says_when_closed and not line.is_over:
                self._saw(f"{ask.provider} closed")

    def line(self, provider: str) -> Line:
        """The newest dispatch to a provider."""
        return next(line for line in reversed(self.lines) if line.ask.provider == provider)
