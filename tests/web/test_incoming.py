from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gammainfra.app import SystemClock
from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, Caller
from gammainfra.gateway.admission import Admission, Permit
from gammainfra.gateway.state.rate_limits import RateBoard
from gammainfra.web.incoming import ClientGone, Incoming, Message, incoming
from tests.skipping_loop import run_skipping

CALLER = Caller(ApiKey("key-1", "local", "test", "abcd", 0.0))


def request(
    messages: list[Message] | None = None, headers: Mapping[str, str] | None = None, path: str = "/v1/models"
) -> Incoming:
    """A request whose body is these messages, and then silence."""
    waiting = list(messages or ())

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    rows = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    scope: dict[str, Any] = {"method": "POST", "path": path, "query_string": b"a=1", "headers": rows}
    return incoming(scope, receive, send)


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def read(messages: list[Message], headers: Mapping[str, str] | None = None) -> tuple[bytes, Permit]:
    """The body, and the permit it was read under."""
    got: list[tuple[bytes, Permit]] = []

    async def test() -> None:
        permit = Admission(RateBoard(SystemClock(), RateLimits())).admit(CALLER, None)
        got.append((await request(messages, headers).body(permit), permit))

    run_skipping(test())
    return got[0]


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/v1/models", "/v1/models"),
        ("/v1/models/", "/v1/models"),
        ("/api/v1/models", "/v1/models"),
        ("/api/v1/models//", "/v1/models"),
        ("/api/v1", "/v1"),
        ("/", "/"),
        ("/api/v2/models", "/api/v2/models"),
        ("/api/v10/models", "/api/v10/models"),
    ],
)
def test_paths_are_normal(path: str, normal: str) -> None:
    assert request(path=path).path == normal


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({}, None),
        ({"authorization": "Bearer sk-1"}, "sk-1"),
        ({"authorization": "bearer  sk-1 "}, "sk-1"),
        ({"authorization": "sk-1"}, "sk-1"),
        ({"x-api-key": "sk-2"}, "sk-2"),
        ({"authorization": "Bearer sk-1", "x-api-key": "sk-2"}, "sk-1"),
        ({"authorization": "", "x-api-key": "sk-2"}, "sk-2"),
    ],
)
def test_the_key_comes_from_either_header(headers: dict[str, str], credential: str | None) -> None:
    assert request(headers=headers).credential == credential


@pytest.mark.parametrize(("given", "length"), [("12", 12), ("", None), ("x", None), ("-1", None), ("²", None)])
def test_the_announced_length_is_a_plain_number_or_nothing(given: str, length: int | None) -> None:
    assert request(headers={"content-length": given}).content_length == length


def test_headers_are_counted_with_their_names() -> None:
    assert request(headers={"ab": "cde", "f": ""}).header_bytes == 6


def test_a_body_of_unknown_length_is_put_together_and_reserved_as_it_grows() -> None:
    body, permit = read([piece(b"one ", more=True), piece(b"", more=True), piece(b"two", more=False)])
    assert body == b"one two"
    assert permit.n_bytes == 7


def test_a_body_that_grows_too_large_is_refused_before_it_is_kept() -> None:
    mib = bytes(limits.MIB)
    with pytest.raises(Refused) as refused:
        read([piece(mib, more=True)] * 33)
    assert (refused.value.status, refused.value.code) == (413, "request_too_large")
    assert "32 MiB" in refused.value.message


def test_a_compressed_body_is_refused_by_name() -> None:
    with pytest.raises(Refused) as refused:
        read([], {"content-encoding": "gzip"})
    assert (refused.value.status, refused.value.code) == (415, "unsupported_encoding")
    assert read([piece(b"{}", more=False)], {"content-encoding": "identity"})[0] == b"{}"


def test_a_body_that_never_comes_is_refused_in_time() -> None:
    with pytest.raises(Refused) as refused:
        read([piece(b"{", more=True)])
    assert (refused.value.status, refused.value.code) == (408, "request_timeout")
    assert "within 60 s" in refused.value.message


def test_a_client_that_leaves_inside_its_body_is_gone() -> None:
    with pytest.raises(ClientGone):
        read([piece(b"{", more=True), {"type": "http.disconnect"}])
