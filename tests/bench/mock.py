"""The provider of the bench, a process of its own: ``python -m tests.bench.mock``. It prints its port and answers.

Both dialects on one port, by path; what it does follows from the model it is asked for (tests/bench/bodies.py). It
does as little as it can, since its time must not be the gateway's: answers are bytes made before the first request.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Final, cast

from httptools import HttpRequestParser

from tests.bench import bodies
from tests.bench.machine import LOAD_CORE, pin, run_loop

_MODEL: Final = re.compile(rb'"model":\s*"([^"]*)"')
_JSON: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_0123456789\r\n"
_BUSY: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n"
    b"retry-after-ms: 0\r\ncontent-length: %d\r\n\r\n"
)
_SSE: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_0123456789\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
_END: Final = b"0\r\n\r\n"


def _with_length(head: bytes, body: bytes) -> bytes:
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def _chunked(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


_WHOLE: Final = [_with_length(_JSON, bodies.whole(dialect)) for dialect in ("openai", "anthropic")]
_EVENTS: Final = [[_chunked(event) for event in bodies.streamed(dialect)] for dialect in ("openai", "anthropic")]
_BURST: Final = [_SSE + b"".join(events) + _END for events in _EVENTS]
_REFUSAL: Final = _BUSY % len(bodies.too_many()) + bodies.too_many()


class Provider(asyncio.Protocol):
    """One connection of the gateway."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = HttpRequestParser(self)
        self._body: list[bytes] = []
        self._url = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        dialect = 1 if self._url.endswith(b"/messages") else 0
        found = _MODEL.search(body)
        model = found[1] if found else b""
        if model in bodies.REFUSING_MODELS:
            self._transport.write(_REFUSAL)
        elif b'"stream":true' not in body:
            self._transport.write(_WHOLE[dialect])
        elif model in bodies.PACED_MODELS:
            self._transport.write(_SSE)
            self._say(_EVENTS[dialect], 0, asyncio.get_running_loop().time())
        else:
            self._transport.write(_BURST[dialect])

    def _say(self, events: list[bytes], number: int, due: float) -> None:
        """One event now, the next one a gap later: a late one does not delay all that follow."""
        if self._transport.is_closing():
            return
        if number == len(events) - 1:
            self._transport.write(events[number] + _END)
            return
        self._transport.write(events[number])
        due += bodies.GAP_S
        asyncio.get_running_loop().call_at(due, self._say, events, number + 1, due)


async def serve() -> None:
    """Answer until standard input ends, which is when the bench is over or dead."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    pin(LOAD_CORE)
    run_loop(serve())
