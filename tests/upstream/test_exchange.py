"""The exchange over real loopback sockets: what arrives, what breaks, and that leaving early closes the connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause
from gammainfra.upstream.exchange import Admitted, ExchangeFailed, Upstream

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-Id: up-1\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


@asynccontextmanager
async def provider(serve: Serve) -> AsyncIterator[tuple[Upstream, Admitted]]:
    """A server that answers as ``serve`` does, and a question for it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = Upstream()
    try:
        yield upstream, Admitted("acme", f"http://127.0.0.1:{port}/v1/chat", {"authorization": "Bearer secret"}, b"{}")
    finally:
        await upstream.close()
        server.close()
        await server.wait_closed()


async def read_all(upstream: Upstream, ask: Admitted) -> bytes:
    body = b""
    async with upstream.exchange(ask) as reading:
        while piece := await reading.read():
            body += piece
    return body


async def asked(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(2)


def run(talk: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await talk()

    asyncio.run(bounded())


def test_an_answer_arrives_with_status_headers_and_bytes() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await asked(reader))
        writer.write(CHUNKED + chunk(b"data: 1\n\n") + chunk(b"data: 2\n\n") + b"0\r\n\r\n")
        await writer.drain()

    async def talk() -> None:
        async with provider(serve) as (upstream, ask), upstream.exchange(ask) as reading:
            assert reading.status == 200
            assert reading.headers["x-request-id"] == "up-1"
            body = b""
            while piece := await reading.read():
                body += piece
            assert body == b"data: 1\n\ndata: 2\n\n"
        assert b"bearer secret" in seen[0].lower()
        assert b"user-agent" not in seen[0].lower()

    run(talk)


def test_leaving_before_the_end_closes_the_connection_within_50_ms() -> None:
    closed_s: asyncio.Future[float] | None = None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(CHUNKED + chunk(b"data: 1\n\n"))
        await writer.drain()
        await reader.read()
        assert closed_s is not None
        closed_s.set_result(asyncio.get_running_loop().time())

    async def talk() -> None:
        nonlocal closed_s
        closed_s = asyncio.get_running_loop().create_future()
        async with provider(serve) as (upstream, ask):
            async with upstream.exchange(ask) as reading:
                assert await reading.read() == b"data: 1\n\n"
            left_s = asyncio.get_running_loop().time()
            assert await closed_s - left_s < 0.05

    run(talk)


def test_a_connection_that_breaks_inside_the_answer_is_a_cut() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(CHUNKED + chunk(b"data: 1\n\n"))
        await writer.drain()

    async def talk() -> None:
        async with provider(serve) as (upstream, ask):
            with pytest.raises(ExchangeFailed) as caught:
                await read_all(upstream, ask)
            assert caught.value.cause is Cause.CUT
            assert "127.0.0.1" not in str(caught.value)

    run(talk)


def test_a_connection_that_breaks_before_the_answer_is_a_connect_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)

    async def talk() -> None:
        async with provider(serve) as (upstream, ask):
            with pytest.raises(ExchangeFailed) as caught:
                async with upstream.exchange(ask):
                    pass
            assert caught.value.cause is Cause.CONNECT_ERROR

    run(talk)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/v1", "http://no host/v1"])
def test_no_connection_is_a_connect_error_that_names_no_address(url: str) -> None:
    async def talk() -> None:
        upstream = Upstream()
        try:
            ask = Admitted("acme", url.format(port=free_port()), {}, b"{}")
            with pytest.raises(ExchangeFailed) as caught:
                async with upstream.exchange(ask):
                    pass
            assert caught.value.cause is Cause.CONNECT_ERROR
            assert "127.0.0.1" not in str(caught.value)
            with pytest.raises(ExchangeFailed):
                await upstream.get(ask)
        finally:
            await upstream.close()

    run(talk)


def test_a_redirect_is_not_followed() -> None:
    asked_for: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for.append(await asked(reader))
        writer.write(b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def talk() -> None:
        async with provider(serve) as (upstream, ask), upstream.exchange(ask) as reading:
            assert reading.status == 307
            assert await reading.read() == b""
        assert len(asked_for) == 1

    run(talk)


def test_a_small_document_is_fetched_whole() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /v1/chat ")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        await writer.drain()

    async def talk() -> None:
        async with provider(serve) as (upstream, ask):
            assert await upstream.get(ask) == (200, b"[]")

    run(talk)


def test_a_document_is_bounded() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        size = limits.MODEL_LIST_BYTES + 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b" " * size)
        await writer.drain()

    async def talk() -> None:
        async with provider(serve) as (upstream, ask):
            with pytest.raises(ExchangeFailed) as caught:
                await upstream.get(ask)
            assert caught.value.cause is Cause.ANSWER_TOO_LARGE

    run(talk)


def test_a_question_never_prints_its_key_or_its_body() -> None:
    ask = Admitted("acme", "http://acme.test", {"authorization": "Bearer secret"}, b"private")
    assert repr(ask) == "Admitted(acme, 7 bytes)"
