"""Writes a reply to a socket: pacing, hang, reset. It decides when bytes leave, never which, and counts what
left so that the log can tell it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field

from aiohttp import web

from gammainfra.simulate.pace import Pace
from gammainfra.simulate.reply import Ending, Piece, Reply

_LINGER_NOTHING = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Written:
    """What has left so far, and how it ended; the log's truth."""

    status: int = 0
    bytes_sent: int = 0
    tokens: int = 0
    finished: bool = False
    reset: bool = False
    call_ids: list[str] = field(default_factory=list)


def reset_connection(request: web.Request) -> None:
    """Ends the TCP connection with RST: linger zero, then abort."""
    transport = request.transport
    if transport is None:
        return
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOTHING)
    transport.abort()


async def write_reply(request: web.Request, reply: Reply, pace: Pace, written: Written) -> web.StreamResponse:
    """Writes the reply and notes every step in ``written``.

    Raises ConnectionError when the client has gone, and CancelledError when aiohttp notices it first.
    """
    response = web.StreamResponse(status=reply.status or 500)
    response.headers["server"] = "cloudflare"
    if reply.status == 0:
        written.reset = True
        reset_connection(request)
        return response
    for name, value in reply.headers:
        response.headers[name] = value
    if reply.length_bytes is not None:
        response.content_length = reply.length_bytes
    await response.prepare(request)
    written.status = reply.status
    if reply.first_token_s > 0:
        await asyncio.sleep(reply.first_token_s)
    await _write_pieces(response, reply, pace, written)
    match reply.ending:
        case Ending.CLEAN:
            await response.write_eof()
            written.finished = True
        case Ending.RESET:
            await _reset_after_flush(request, pace, written)
        case Ending.HANG:
            await asyncio.sleep(pace.stall_limit_s)
            await _reset_after_flush(request, pace, written)
    return response


async def _write_pieces(response: web.StreamResponse, reply: Reply, pace: Pace, written: Written) -> None:
    if reply.burst:
        raw = b"".join(piece.raw for piece in reply.pieces)
        if raw:
            await response.write(raw)
        for piece in reply.pieces:
            note(piece, written)
        return
    for piece in reply.pieces:
        pause_s = reply.piece_pause_s + pace.token_pause_s(piece.tokens)
        if pause_s > 0:
            await asyncio.sleep(pause_s)
        if piece.raw:
            await response.write(piece.raw)
        note(piece, written)


def note(piece: Piece, written: Written) -> None:
    """Add a piece that has left."""
    written.bytes_sent += len(piece.raw)
    written.tokens += piece.tokens
    if piece.call_id:
        written.call_ids.append(piece.call_id)


async def _reset_after_flush(request: web.Request, pace: Pace, written: Written) -> None:
    """Gives the last bytes a moment to be read: a reset overtakes what the reader has not fetched."""
    await asyncio.sleep(pace.flush_before_reset_s)
    written.reset = True
    reset_connection(request)
