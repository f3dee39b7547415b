"""Asks an ASGI application as a client would, without a socket: shared by the tests of web and of providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Got:
    """An answer: ``pieces`` are the body as it was sent. ``status`` 0 when there was none."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def chunks(self) -> list[Any]:
        """The events of a stream, without its end marker."""
        lines = self.body.decode().splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ") and line != "data: [DONE]"]

    @property
    def facts(self) -> dict[str, str]:
        """The closing comment of a stream."""
        marks = [line for line in self.body.decode().splitlines() if line.startswith(": gammainfra ")]
        facts: dict[str, str] = json.loads(marks[-1].removeprefix(": gammainfra "))
        return facts


async def ask(
    application: Application,
    method: str,
    target: str,
    body: object = b"",
    headers: Mapping[str, str] | None = None,
    *,
    pieces: Sequence[bytes] | None = None,
    hang_up: bool = False,
) -> Got:
    """One request. ``pieces`` sends the body in these; ``hang_up`` leaves after them instead of completing it."""
    path, _, query = target.partition("?")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    parts = [raw] if pieces is None else list(pieces)
    got = Got()
    rows = {"host": "gateway", **({} if headers is None else headers)}
    if pieces is None and raw and "content-length" not in rows:
        rows["content-length"] = str(len(raw))
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in rows.items()],
    }
    over = asyncio.Event()

    async def receive() -> Message:
        if parts:
            piece = parts.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(parts) or hang_up}
        if not hang_up:
            await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            got.pieces.append(message["body"])

    await application(scope, receive, send)
    over.set()
    return got
