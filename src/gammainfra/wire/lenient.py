"""Reads JSON as real clients and providers write it: lone surrogates are mended, depth is bounded; nothing else bends.

JavaScript clients cut strings in the middle of an emoji and send half of a surrogate pair, which is not text in any
encoding. Such a half becomes U+FFFD. The normal path costs nothing: bytes are mended only after they failed to parse.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused

T = TypeVar("T")

NONE: Final = Raw(b"")  # the default of raw fields: absent, and compared by identity

_ESCAPES: Final = re.compile(
    rb"\\\\"  # an escaped backslash: what follows it is no escape
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
)


def without_lone_surrogates(raw: bytes) -> bytes:
    """``raw`` JSON with each half of a surrogate pair replaced by the escape of U+FFFD; valid JSON stays as it is."""
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], raw)


def decode(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode ``raw``, mending lone surrogates when it must. Raises what msgspec raises, RecursionError included."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except ValueError:
        mended = without_lone_surrogates(raw)
        if mended == raw:
            raise
        return decoder.decode(mended)


def refused(message: str, param: str | None = None) -> Refused:
    """The refusal of a request body: 400 ``invalid_request``."""
    return Refused(400, "invalid_request", message, param=param)


def read_body(raw: bytes, decoder: msgspec.json.Decoder[T], at: str = "") -> T:
    """Decode a request body or the piece ``at`` of it; Refused 400 that names what is wrong and where."""
    try:
        return decode(raw, decoder)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        where = (at + path.rstrip("`")).lstrip(".")
        missing = _MISSING.match(problem)
        if missing is not None:
            name = f"{where}.{missing[1]}".lstrip(".")
            raise refused(f"`{name}` is missing: {_REMEDIES.get(name, 'it is required')}", where or name) from None
        place = f"`{where}`" if where else "the body"
        raise refused(f"{place}: {problem[:1].lower()}{problem[1:]}", where or None) from None
    except RecursionError:
        raise refused(_TOO_DEEP) from None
    except ValueError as error:
        problem = f"is not valid JSON: {error}" if raw.strip() else "is empty"
        raise refused(f"The body {problem}. Send one JSON object with model and messages") from None


_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")
_REMEDIES: Final = {
    "model": "name one, such as gammainfra/auto; GET /v1/models lists them",
    "messages": "send a list of at least one message, such as {'role': 'user', 'content': 'Hello'}",
}
_TOO_DEEP: Final = f"the body is nested too deeply: at most {limits.JSON_DEPTH} levels are read"
_ANY: Final = msgspec.json.Decoder()


def check_depth(raw: Raw, param: str) -> None:
    """Refused 400 when a free-form value is nested deeper than ``limits.JSON_DEPTH``; linear in its size.

    A value with fewer brackets than that cannot be, so nearly every one is answered by two counts.
    """
    text = bytes(raw)
    if text.count(b"{") + text.count(b"[") <= limits.JSON_DEPTH:
        return
    level: list[Any] = [read_body(text, _ANY)]
    for _ in range(limits.JSON_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
        if not below:
            return
        level = below
    raise refused(_TOO_DEEP, param)
