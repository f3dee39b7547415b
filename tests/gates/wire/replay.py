"""A provider that answers with recordings: real HTTP on loopback, the recorded status, headers and bytes.

It finds the record by the mark in the caller's prompt, and remembers the request that carried it. ``fragment`` sends
bodies in pieces of that many bytes, each one a write of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Self

from aiohttp import web

from tests.gates.wire.record import Json, Record

_MARK: Final = re.compile(rb"\[\[record:(\w+)/(\w+)\]\]")
_WHOLE_PIECES: Final = 100
_OK: Final[dict[str, Json]] = {
    "anthropic": {
        "id": "msg_ok",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "openai_chat": {
        "id": "c_ok",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    },
    "gemini": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    },
}


# What comes of a paused answer when it is asked to go on: its end.
_OVER: Final = {
    **_OK["anthropic"],
    "content": [],
    "usage": {"input_tokens": 0, "output_tokens": 0},
}


def _goes_on(asked: Json) -> bool:
    """Whether the last message is the model's own: an answer that was paused is asked for the rest."""
    messages = asked.get("messages") or [{}]
    return bool(messages[-1].get("role") == "assistant")


def mark(record: Record, turn: str) -> str:
    """What a prompt must hold so that ``record`` answers it; in any turn but ``first`` the answer is a plain ok."""
    return f"[[record:{record.id}/{turn}]]"


class Replay:
    """The server, listening inside ``async with``. ``received`` holds the last request body by (record id, turn)."""

    def __init__(self, records: Iterable[Record], fragment: int) -> None:
        self._records = {record.id: record for record in records}
        self._fragment = fragment
        self._runner: web.AppRunner | None = None
        self.received: dict[tuple[str, str], Json] = {}
        self.origin = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.read()
        found = _MARK.search(asked)
        if found is None:
            raise web.HTTPBadRequest(text="no record is named in this request")
        record, turn = self._records[found[1].decode()], found[2].decode()
        self.received[record.id, turn] = json.loads(asked)
        if turn != "first":
            return web.json_response(_OK[record.dialect])
        if _goes_on(self.received[record.id, turn]):
            return web.json_response(_OVER)
        response = web.StreamResponse(status=record.status, headers=record.headers)
        if self._fragment or not record.streamed:
            response.content_length = len(record.body)  # pieces are pieces of the body then, without HTTP's own framing
        await response.prepare(request)
        step = self._step(record)
        with suppress(ConnectionResetError):  # the gateway has heard enough
            for start in range(0, len(record.body), step):
                await response.write(record.body[start : start + step])
                if self._fragment:
                    await asyncio.sleep(0)  # the reader gets its turn, so that pieces stay pieces
        return response

    def _step(self, record: Record) -> int:
        """Bytes at a time. A body that means nothing before its end need not be cut as finely as a stream."""
        if not self._fragment:
            return max(1, len(record.body))
        return self._fragment if record.streamed else max(self._fragment, len(record.body) // _WHOLE_PIECES)
