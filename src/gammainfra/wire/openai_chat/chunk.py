"""The shapes of answers: one chunk of a stream or one whole body, typed for speed and read loosely when that fails.

The typed way is what every host sends nearly always. Whatever has another type there is converted or left out: a
host's whim about a field nobody needs must not cost an answer.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from gammainfra.wire.lenient import NONE, decode

OPAQUE_DELTA: Final = ("refusal", "annotations", "audio", "images", "executed_tools")


class Function(Struct):
    """The function of a call piece; some hosts send the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CallDelta(Struct):
    """A piece of a tool call, or a whole one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Raw = NONE
    extra_content: dict[str, Any] | None = None


class Delta(Struct):
    """A delta or a message: they differ in nothing that matters here."""

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    tool_calls: list[CallDelta] | None = None
    function_call: Function | None = None
    refusal: Raw = NONE
    annotations: Raw = NONE
    audio: Raw = NONE
    images: Raw = NONE
    executed_tools: Raw = NONE


class Choice(Struct):
    """One answer of several; a stream has deltas, a body messages, an old host plain text."""

    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Raw = NONE


class Chunk(Struct):
    """One chunk or body. ``error`` stands for a failure in any of the shapes in which hosts tell one."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: dict[str, Any] | None = None
    x_groq: dict[str, Any] | None = None
    citations: Raw = NONE
    error: Raw = NONE


_CHUNK: Final = msgspec.json.Decoder(Chunk)
_ANY: Final = msgspec.json.Decoder()


def read_chunk(raw: bytes) -> Chunk | None:
    """One chunk; None when it is JSON but no object. Raises ValueError or RecursionError when it is no JSON."""
    try:
        return _CHUNK.decode(raw)
    except (ValueError, RecursionError):
        loose = decode(raw, _ANY)
    return _chunk(loose) if isinstance(loose, dict) else None


def _chunk(loose: dict[str, Any]) -> Chunk:
    choices = loose.get("choices")
    return Chunk(
        _text(loose.get("id")),
        _text(loose.get("model")),
        [_choice(one) for one in choices if isinstance(one, dict)] if isinstance(choices, list) else None,
        _mapping(loose.get("usage")),
        _mapping(loose.get("x_groq")),
        _raw(loose.get("citations")),
        _raw(loose.get("error")),
    )


def _choice(loose: dict[str, Any]) -> Choice:
    return Choice(
        _whole(loose.get("index")) or 0,
        _delta(loose.get("delta")),
        _delta(loose.get("message")),
        _text(loose.get("text")),
        _text(loose.get("finish_reason")),
        _raw(loose.get("logprobs")),
    )


def _delta(loose: object) -> Delta | None:
    if not isinstance(loose, dict):
        return None
    content, details, calls = (loose.get(name) for name in ("content", "reasoning_details", "tool_calls"))
    return Delta(
        content if isinstance(content, str | list) else None,
        _text(loose.get("reasoning_content")),
        _text(loose.get("reasoning")),
        details if isinstance(details, list) else None,
        [_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else None,
        _function(loose.get("function_call")),
        *(_raw(loose.get(name)) for name in OPAQUE_DELTA),
    )


def _call(loose: dict[str, Any]) -> CallDelta:
    return CallDelta(
        _whole(loose.get("index")),
        _text(loose.get("id")),
        _function(loose.get("function")),
        _raw(loose.get("custom")),
        _mapping(loose.get("extra_content")),
    )


def _function(loose: object) -> Function | None:
    if not isinstance(loose, dict):
        return None
    arguments = loose.get("arguments")
    if arguments is not None and not isinstance(arguments, str | dict):
        arguments = msgspec.json.encode(arguments).decode()
    return Function(_text(loose.get("name")), arguments)


def _text(value: object) -> str | None:
    if isinstance(value, bool | dict | list) or value is None:
        return None
    return str(value)


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) else None


def _mapping(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _raw(value: object) -> Raw:
    return NONE if value is None else Raw(msgspec.json.encode(value))
