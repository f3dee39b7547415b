from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from gammainfra.app import Server, build, free_socket
from gammainfra.domain import limits
from gammainfra.web.connection import Connection
from tests.gateway_in_process import KEY, gateway, run, settings_in
from tests.skipping_loop import run_skipping

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n".encode()


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[int]:
    """The port of a gateway on a real socket of this machine."""
    app = build(settings_in(folder))
    listening = free_socket("127.0.0.1", 0)
    server = Server(app)
    task = asyncio.create_task(server._serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def talk(port: int, *pieces: bytes, read_on: bool = True) -> bytes:
    """Everything that comes back until the server closes; with ``read_on`` False, until one answer is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if read_on:
            return await reader.read()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return head + await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()


def error_in(answer: bytes) -> tuple[int, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        bytes.fromhex("16030100c8010000c4"),  # the first bytes of HTTPS
        b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_json(garbage: bytes, tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            status, error = error_in(await talk(port, garbage))
        assert (status, error["code"]) == (400, "invalid_http")
        assert "http://" in error["message"]

    run(test())


def test_an_endless_head_is_refused_while_it_comes(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            answer = await talk(port, b"GET / HTTP/1.1\r\nx: ", *[b"a" * 60_000] * 10)
        status, error = error_in(answer)
        assert (status, error["code"]) == (431, "headers_too_large")

    run(test())


@pytest.mark.parametrize("more", [b"", b"connection: close\r\n"])
def test_a_client_that_sends_too_much_gets_to_hear_it(more: bytes, tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            n_bytes = 40_000_000
            head = HEAD + more + f"content-length: {n_bytes}\r\n\r\n".encode()
            answer = await talk(port, head, *[b"a" * 1_000_000] * 40, read_on=bool(more))
        status, error = error_in(answer)
        assert (status, error["code"]) == (413, "request_too_large")

    run(test())


def test_a_connection_goes_on_after_a_body_that_nobody_wanted(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            again = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            wrong = HEAD.replace(KEY.encode(), b"sk-wrong")
            answers = await talk(port, wrong + b"content-length: 500000\r\n\r\n", b"a" * 500_000, again)
        assert answers.count(b"HTTP/1.1 401") == answers.count(b"HTTP/1.1 200") == 1

    run(test())


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = self.closed = self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def resume_reading(self) -> None:
        """Nothing to do."""

    def pause_reading(self) -> None:
        """Nothing to do."""


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[Connection, Wire]]:
    async with gateway(folder) as app:
        config = Config(
            app.asgi, lifespan="off", log_config=None, ws="none", proxy_headers=False, timeout_keep_alive=75
        )
        config.load()
        connection, wire = Connection(config, ServerState(), {}), Wire()
        connection.connection_made(wire)
        yield connection, wire
        connection.connection_lost(None)


def test_a_head_that_stays_away_is_refused_in_time(tmp_path: Path) -> None:
    async def test() -> None:
        async with connected(tmp_path) as (connection, wire):
            connection.data_received(b"POST /v1/cha")
            await asyncio.sleep(limits.REQUEST_HEAD_S - 1)
            assert wire.written == b""
            await asyncio.sleep(2)
            status, error = error_in(wire.written)
            assert (status, error["code"]) == (408, "request_timeout")
            assert wire.ended
            connection.data_received(b"t/completions HTTP/1.1\r\n\r\n")
            await asyncio.sleep(limits.UNWANTED_BODY_S)
            assert wire.aborted

    run_skipping(test())


def test_a_client_that_says_nothing_is_let_go(tmp_path: Path) -> None:
    async def test() -> None:
        async with connected(tmp_path) as (_, wire):
            await asyncio.sleep(74)
            assert not wire.closed
            await asyncio.sleep(2)
            assert (wire.closed, wire.written) == (True, b"")

    run_skipping(test())


def test_a_body_that_never_comes_is_refused_and_its_connection_closes(tmp_path: Path) -> None:
    async def test() -> None:
        async with connected(tmp_path) as (connection, wire):
            connection.data_received(HEAD + b"content-length: 100\r\n\r\n{")
            await asyncio.sleep(limits.REQUEST_READ_S + 1)
            status, error = error_in(wire.written)
            assert (status, error["code"]) == (408, "request_timeout")
            assert not wire.closed
            await asyncio.sleep(limits.UNWANTED_BODY_S)
            assert wire.aborted

    run_skipping(test())


def test_a_body_that_nobody_wants_is_read_within_bounds(tmp_path: Path) -> None:
    async def test() -> None:
        async with connected(tmp_path) as (connection, wire):
            connection.data_received(HEAD + f"content-length: {10**12}\r\n\r\n".encode())
            await asyncio.sleep(0.1)
            assert wire.written.startswith(b"HTTP/1.1 413")
            for _ in range(limits.UNWANTED_BODY_BYTES // (8 * limits.MIB)):
                connection.data_received(bytes(8 * limits.MIB))
            assert not wire.closed
            connection.data_received(b"a")
            assert wire.aborted

    run_skipping(test())


def test_a_refusal_never_follows_into_an_answer_under_way(tmp_path: Path) -> None:
    async def test() -> None:
        async with connected(tmp_path) as (connection, wire):
            connection.data_received(HEAD + b"content-length: 3\r\n\r\n{}x")  # being answered from the next step on
            connection.data_received(b"no http\r\n\r\n")
            assert (wire.closed, wire.written) == (True, b"")
            await asyncio.sleep(0)

    run_skipping(test())


MODELS = b"GET /v1/models HTTP/1.1\r\n"
SMUGGLED = {
    "both lengths": HEAD + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"GET /v1/models HTTP/1.1\nhost: x\n\n",
    "a folded header": MODELS + b"host: x\r\nx-a: 1\r\n b\r\n\r\n",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "an unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n{}",
    "a coding after chunked": HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a zero byte": MODELS + b"host: x\r\nx-a: a\0b\r\n\r\n",
    "a carriage return in a header": MODELS + b"host: x\r\nx-a: a\rb\r\n\r\n",
    "a blank before the colon": MODELS + b"host : x\r\n\r\n",
    "a negative length": HEAD + b"content-length: -1\r\n\r\n",
    "a signed length": HEAD + b"content-length: +2\r\n\r\n{}",
    "a line feed in a chunk's extension": HEAD + b"transfer-encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n",
    "no host": MODELS + b"\r\n",
    "two hosts": MODELS + b"host: x\r\nhost: y\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
}


@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED)
def test_what_two_servers_could_read_in_two_ways_is_refused_as_json_and_ends_the_connection(
    raw: bytes, tmp_path: Path
) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            status, error = error_in(await talk(port, raw))
        assert (status, error["code"]) == (400, "invalid_http")

    run(test())


def test_pipelined_requests_are_answered_in_order_on_one_connection(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            first = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
            last = b"GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            said = await talk(port, first + first + last)
        assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"200", b"404"]

    run(test())


def test_an_old_client_needs_no_host(tmp_path: Path) -> None:
    async def test() -> None:
        async with served(tmp_path) as port:
            assert (await talk(port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")

    run(test())
