"""The text of a message as both of OpenAI's dialects write it: a string, or a list of parts that stay raw."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from gammainfra.wire.lenient import NONE, read_body

_QUOTE: Final = ord('"')
_BRACKET: Final = ord("[")


class Part(Struct):
    """One part of a content list; ``text`` raw, since it is seldom needed."""

    type: str = ""
    text: Raw = NONE
    cache_control: Raw = NONE


PARTS: Final = msgspec.json.Decoder(list[Part | str])
_STRING: Final = msgspec.json.Decoder(str)


def content_text(content: Raw, limit: int) -> str:
    """The text of ``content``, cut to ``limit`` characters; "" for what holds none."""
    if content is NONE:
        return ""
    first = memoryview(content)[0]
    if first == _QUOTE:
        return read_body(bytes(content), _STRING)[:limit]
    if first != _BRACKET:
        return ""
    pieces: list[str] = []
    left = limit
    for part in read_body(bytes(content), PARTS):
        text = part if isinstance(part, str) else _part_text(part)
        pieces.append(text[:left])
        left -= len(text) + 1
        if left <= 0:
            break
    return "\n".join(pieces)[:limit]


def _part_text(part: Part) -> str:
    is_string = part.text is not NONE and memoryview(part.text)[0] == _QUOTE
    return read_body(bytes(part.text), _STRING) if is_string else ""
