"""generateContent answers made by hand after the vendor's pages, each with what must arrive, also by hand.

https://ai.google.dev/api/generate-content and .../docs/thought-signatures. Every whole answer is streamed too, and is
sent as the list of its pieces; what only a stream can be (cut, broken) follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.gates.wire.fixture import Fixture, error
from tests.gates.wire.oracle import Call, Choice, Counts, Expected
from tests.gates.wire.record import Json, Record

_USAGE: Final = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
_COUNTS: Final = Counts(11, 7)
_PATH: Final = {"path": "src/naïve file.py", "lines": [1, 2], "deep": {"a": None, "b": 1.5}}
_SIGNATURE: Final = "c2lnbmVk"


def _text(text: str, **more: Any) -> Json:
    return {"text": text, **more}


def _call(name: str = "read_file", args: Json = None, signature: str = "", **more: Any) -> Json:
    part: dict[str, Any] = {"functionCall": {"name": name, "args": _PATH if args is None else args, **more}}
    return {**part, "thoughtSignature": signature} if signature else part


def _chunk(*parts: Json, finish: str | None = None, usage: Json = None, **more: Any) -> Json:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    if finish is not None:
        candidate["finishReason"] = finish
    counted = {} if usage is None else {"usageMetadata": usage}
    return {"candidates": [candidate], **counted, "modelVersion": "gemini-3.5-flash", "responseId": "r-1"}


def _answer(text: str = "", *calls: Call, finish: str = "stop", usage: Counts | None = _COUNTS) -> Expected:
    return Expected(choices=[Choice(text, list(calls), finish)], usage=usage)


def _thought(expected: Expected, *thoughts: tuple[str, str, str]) -> Expected:
    expected.thoughts = list(thoughts)
    return expected


def _answers() -> dict[str, tuple[list[Json], str, Json, Expected]]:
    """Parts, finish reason, counts, what must arrive."""
    read, named = Call("read_file", _PATH, ""), Call("list", {}, "abc123")
    signed = ("", "", _SIGNATURE)
    thinking = {**_USAGE, "thoughtsTokenCount": 5, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 3}
    return {
        "text": ([_text('Hi, wörld 🎉 \u2028 "quoted"')], "STOP", _USAGE, _answer('Hi, wörld 🎉 \u2028 "quoted"')),
        "signed_text": (
            [_text("Hi."), _text("", thoughtSignature=_SIGNATURE)],
            "STOP",
            _USAGE,
            _thought(_answer("Hi."), signed),
        ),
        "call": ([_call()], "STOP", _USAGE, _answer("", read, finish="tool_calls")),
        "signed_parallel": (
            [_text("Both."), _call(signature=_SIGNATURE), _call("list", {}, id="abc123")],
            "STOP",
            _USAGE,
            _thought(_answer("Both.", read, named, finish="tool_calls"), signed),
        ),
        "thoughts": (
            [_text("Let me see.", thought=True), _text("So.")],
            "STOP",
            thinking,
            _thought(_answer("So.", usage=Counts(14, 12, 4)), ("Let me see.", "", "")),
        ),
        "code": ([{"executableCode": {"code": "1"}}, _text("One.")], "STOP", _USAGE, _answer("One.")),
        "max_tokens": ([_text("Cut o")], "MAX_TOKENS", _USAGE, _answer("Cut o", finish="length")),
        "safety": ([], "SAFETY", _USAGE, _answer(finish="content_filter")),
        "no_usage": ([_text("A")], "STOP", None, _answer("A", usage=None)),
    }


def _pieces(parts: list[Json], finish: str, usage: Json) -> list[Json]:
    """A stream: every part a chunk of its own, the finish behind them in another."""
    return [*(_chunk(part) for part in parts), _chunk(_text(""), finish=finish, usage=usage)]


def _sse(chunks: list[Json]) -> bytes:
    return "".join(f"data: {json.dumps(one, ensure_ascii=False)}\r\n\r\n" for one in chunks).encode()


def _record(name: str, body: bytes, *, streamed: bool = False, status: int = 200) -> Record:
    return Record(
        f"gemini_{name}",
        "fixtures gemini",
        "google",
        "gemini",
        body,
        streamed,
        status,
        {"content-type": "text/event-stream" if streamed else "application/json; charset=UTF-8"},
        ("read_file", "list"),
    )


def _broken() -> Iterator[Fixture]:
    busy = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    long = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
    full = {"error": {"code": 400, "message": long, "status": "INVALID_ARGUMENT"}}
    wrong = {"error": {"code": 400, "message": "Please use a valid role", "status": "INVALID_ARGUMENT"}}
    failed = "all_providers_failed"
    cut = _record("cut", _sse([_chunk(_text("Hi"))]), streamed=True)
    yield Fixture(cut, error(503, failed, broken_after="Hi"))
    in_band = _record("error_after_text", _sse([_chunk(_text("Hi")), busy]), streamed=True)
    yield Fixture(in_band, error(503, failed, "The model is overloaded.", broken_after="Hi"))
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    yield Fixture(
        _record("blocked", json.dumps(blocked).encode()),
        Expected(
            choices=[Choice(finish="content_filter", refusal="The prompt was blocked: SAFETY")], usage=Counts(9, 0)
        ),
    )
    malformed = _record("malformed_call", json.dumps(_chunk(finish="MALFORMED_FUNCTION_CALL")).encode())
    yield Fixture(malformed, error(503, failed))
    for name, status, body, want in (
        ("busy", 503, busy, error(503, failed, "The model is overloaded.")),
        ("overflow", 400, full, error(400, "context_length_exceeded", long)),
        ("wrong", 400, wrong, error(400, "invalid_request", "Please use a valid role")),
    ):
        yield Fixture(_record(name, json.dumps(body).encode(), status=status), want)


def fixtures() -> Iterator[Fixture]:
    """All of them."""
    for name, (parts, finish, usage, want) in _answers().items():
        chunks = _pieces(parts, finish, usage)
        yield Fixture(_record(name, json.dumps(_chunk(*parts, finish=finish, usage=usage)).encode()), want)
        yield Fixture(_record(f"{name}_list", json.dumps(chunks).encode()), want)
        yield Fixture(_record(f"{name}_stream", _sse(chunks), streamed=True), want)
    yield from _broken()
