"""One client's connection below ASGI: bounds what may come before a request is known, and says every "no" as JSON.

The server's own protocol waits for ever for a request head of any length, answers what is no HTTP in plain text, and
closes a socket on a client that still sends, whose system then throws our answer away. Here a head has a size and a
time, refusals look like all others, and the rest of a body that nobody wants is read, within bounds, before the
connection closes. It decides nothing about requests that arrive whole.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.web.api import Api
from gammainfra.web.incoming import EXTENSION, headers_too_large


class Connection(HttpToolsProtocol):
    """What the server makes for every socket. The application behind it must be an Api."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = self._in_body = False  # neither between requests
        self._head_bytes = 0
        self._unwanted_bytes: int | None = None  # of a body after its answer; None while it is wanted
        self._closing = False  # nothing more is read as HTTP
        self._due: asyncio.TimerHandle | None = None

    # ---- what arrives -----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that connects and says nothing is as patient as one between two requests."""
        super().connection_made(transport)
        self._close_when_idle()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._unwanted_bytes is not None:
            self._unwanted_bytes += len(data)
            if self._unwanted_bytes > limits.UNWANTED_BODY_BYTES:
                self.transport.abort()
                return
        if self._closing:
            return
        more_of_head = self._in_head
        super().data_received(data)
        if not self._in_head or self._closing:
            return
        if more_of_head:
            self._head_bytes += len(data)
        if self._head_bytes > limits.REQUEST_HEADERS_BYTES:
            self._refuse(headers_too_large())
        elif self._due is None:
            self._due = self.loop.call_later(limits.REQUEST_HEAD_S, self._head_is_late)

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head is here: the request begins."""
        self._in_head, self._in_body = False, True
        self._forget_due()
        n_hosts = sum(name == b"host" for name, _ in self.headers)
        if n_hosts != 1 and (n_hosts or self.parser.get_http_version() != "1.0"):
            raise ValueError  # RFC 9112, section 3.2; the parser makes it one of its own errors, so a 400
        self.scope["extensions"] = {EXTENSION: {"abort": self.transport.abort}}
        super().on_headers_complete()
        if not self.cycle.keep_alive:
            self.cycle.transport = _Lingering(self, self.transport)

    def on_message_complete(self) -> None:
        """The request is here as a whole."""
        self._in_body = False
        super().on_message_complete()
        if self._unwanted_bytes is not None:
            self._unwanted_bytes = None
            self._forget_due()
            self._close_when_idle()

    def on_response_complete(self) -> None:
        """The answer left. What still comes of the body is read and thrown away."""
        super().on_response_complete()
        if self._in_body and self.cycle.response_complete:
            self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._forget_due()
        super().connection_lost(exc)

    # ---- refusals ---------------------------------------------------------------------------------------------------
    def send_400_response(self, msg: str) -> None:
        """What arrived is no HTTP/1.1."""
        del msg
        message = "This is no valid HTTP/1.1 request. If it was meant as HTTPS: here the base URL begins with http://."
        self._refuse(Refused(400, "invalid_http", message, retry=False))

    def _head_is_late(self) -> None:
        message = f"The request headers did not arrive within {limits.REQUEST_HEAD_S:g} s: send the request again."
        self._refuse(Refused(408, "request_timeout", message, retry=True))

    def _refuse(self, refused: Refused) -> None:
        """Answer instead of the application, and close. An answer that is under way is cut: nothing can follow it."""
        self._forget_due()
        busy = not getattr(self.cycle, "response_complete", True)  # there is no cycle before the first request
        in_its_body = self._in_body and not (busy and self.cycle.response_started)
        if (busy and not in_its_body) or self.transport.is_closing():
            self.transport.close()
            return
        if busy:  # its body is no HTTP: whoever reads it finds the client gone, and what it answers goes nowhere
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        api = self.app
        assert isinstance(api, Api)  # noqa: S101 - composed so in app.py
        rows, body = api.refusal(refused)
        rows = (*rows, (b"content-length", str(len(body)).encode()), (b"connection", b"close"))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in rows)
        self.transport.write(STATUS_LINE[refused.status] + head + b"\r\n" + body)
        self._close_slowly()

    # ---- closing ----------------------------------------------------------------------------------------------------
    def close_after_answer(self) -> None:
        """Close once the client has stopped sending: closing on unread bytes would destroy the answer on its way."""
        if not self._in_body:
            self.transport.close()
        else:
            self._close_slowly()

    def _close_slowly(self) -> None:
        if self._closing or self.transport.is_closing():
            return
        self._closing = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._linger()

    def _close_when_idle(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _linger(self) -> None:
        self._unwanted_bytes = 0
        self._forget_due()
        self._due = self.loop.call_later(limits.UNWANTED_BODY_S, self.transport.abort)

    def _forget_due(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


class _Lingering(asyncio.Transport):
    """The transport as a request sees it after which the connection closes."""

    def __init__(self, connection: Connection, transport: asyncio.Transport) -> None:
        super().__init__()
        self._connection = connection
        self._transport = transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """To the socket."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether it is closed already."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Not before the client is done."""
        self._connection.close_after_answer()
