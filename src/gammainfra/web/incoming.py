"""One HTTP request as ASGI delivers it: path, headers, body; and one plain answer back. No decisions here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.gateway.admission import Permit, too_large

EXTENSION = "gammainfra"  # of the ASGI scope, by web.connection
Message = MutableMapping[str, Any]  # as the ASGI specification types it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """The client hung up before its request was complete."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """``path`` is normalised: ``/api/v1`` is ``/v1``, no trailing slash. ``headers`` have lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    header_bytes: int
    receive: Receive
    send: Send
    abort: Callable[[], None] = lambda: None  # closes the socket at once, whatever waits to be sent

    @property
    def credential(self) -> str | None:
        """The key, from either header (C12)."""
        given = self.headers.get("authorization", "")
        if given[:7].lower() == "bearer ":
            return given[7:].strip()
        return self.headers.get("x-api-key") or given or None

    @property
    def content_length(self) -> int | None:
        """What the client announced; None when it did not."""
        given = self.headers.get("content-length", "")
        return int(given) if given.isdecimal() else None

    async def body(self, permit: Permit) -> bytes:
        """The whole body. Refused 413 above the limit, 408 when it does not come, 415 when it is compressed."""
        if self.headers.get("content-encoding", "identity") != "identity":
            message = "Compressed request bodies are not accepted: send the JSON as it is."
            raise Refused(415, "unsupported_encoding", message, retry=False)
        try:
            async with asyncio.timeout(limits.REQUEST_READ_S):
                return await self._read(permit)
        except TimeoutError:
            message = f"The request body did not arrive within {limits.REQUEST_READ_S:g} s."
            raise Refused(408, "request_timeout", message, retry=True) from None

    async def _read(self, permit: Permit) -> bytes:
        pieces: list[bytes] = []
        n_bytes, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            n_bytes += len(piece)
            if n_bytes > limits.REQUEST_BODY_BYTES:
                raise too_large(n_bytes)
            permit.grow(n_bytes)
            pieces.append(piece)
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer."""
        rows = [*headers, (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": rows})
        await self.send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})


def headers_too_large() -> Refused:
    """The refusal of a head above limits.REQUEST_HEADERS_BYTES."""
    most = limits.REQUEST_HEADERS_BYTES // limits.KIB
    message = f"The request headers are longer than {most} KiB: send fewer or shorter ones."
    return Refused(431, "headers_too_large", message, retry=False)


def incoming(scope: Mapping[str, Any], receive: Receive, send: Send) -> Incoming:
    """Read an ASGI scope of type ``http``."""
    path: str = scope["path"]
    if f"{path}/".startswith("/api/v1/"):
        path = path[4:]
    raw: list[tuple[bytes, bytes]] = scope["headers"]
    return Incoming(
        scope["method"],
        path.rstrip("/") or "/",
        scope["query_string"].decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in raw},
        sum(len(name) + len(value) for name, value in raw),
        receive,
        send,
        scope.get("extensions", {}).get(EXTENSION, {}).get("abort", lambda: None),
    )
