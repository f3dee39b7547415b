"""The way from the gateway to simulated providers without a socket: on whatever time the loop has.

It implements upstream.exchange.WayOut. Pauses, cuts, resets and hangs are those of the simulated provider's reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from multidict import CIMultiDict

from gammainfra.domain.failure import Cause
from gammainfra.simulate import SimulatedProvider
from gammainfra.simulate.reply import Ending, Reply
from gammainfra.simulate.writing import Written, note
from gammainfra.upstream.exchange import Admitted, ExchangeFailed


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the provider sees it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    async def read(self) -> bytes:
        return self.body


class Line:
    """One answer being read; it implements upstream.exchange.Reading."""

    def __init__(self, reply: Reply, written: Written, provider: SimulatedProvider) -> None:
        self.status = reply.status
        self.headers = {name.lower(): value for name, value in reply.headers}
        self._reply, self._written, self._pace = reply, written, provider.pace
        self._left = [*reply.pieces]
        self._begun = False

    async def head(self) -> None:
        """Wait for the head; the gateway sees it at once, as it would with chunks to come."""
        if self._reply.status == 0:
            self._written.reset = True
            raise ExchangeFailed(Cause.CONNECT_ERROR, "reset before an answer")
        self._written.status = self._reply.status

    async def read(self) -> bytes:
        if not self._begun:
            self._begun = True
            await asyncio.sleep(self._reply.first_token_s)
        while self._left:
            raw = await self._next()
            if raw:
                return raw
        return await self._end()

    async def _next(self) -> bytes:
        if self._reply.burst:
            pieces, self._left = self._left, []
        else:
            pieces = [self._left.pop(0)]
            await asyncio.sleep(self._reply.piece_pause_s + self._pace.token_pause_s(pieces[0].tokens))
        for piece in pieces:
            note(piece, self._written)
        return b"".join(piece.raw for piece in pieces)

    async def _end(self) -> bytes:
        if self._reply.ending is Ending.CLEAN:
            self._written.finished = True
            return b""
        if self._reply.ending is Ending.HANG:
            await asyncio.sleep(self._pace.stall_limit_s)
        self._written.reset = True
        raise ExchangeFailed(Cause.CUT, "reset inside the answer")


class VirtualWire:
    """Every provider of a world, by the name under which the gateway knows it."""

    def __init__(self, providers: Mapping[str, SimulatedProvider]) -> None:
        self._providers = providers

    @asynccontextmanager
    async def exchange(self, ask: Admitted) -> AsyncIterator[Line]:
        provider = self._providers[ask.provider]
        sent = Sent("POST", urlsplit(ask.url).path, CIMultiDict(ask.headers), ask.body)
        async with provider.visit(sent) as (reply, written):
            line = Line(reply, written, provider)
            await line.head()
            yield line

    async def get(self, ask: Admitted) -> tuple[int, bytes]:
        raise ExchangeFailed(Cause.CONNECT_ERROR, "nothing is listed here")

    async def close(self) -> None:
        """Nothing is open."""
