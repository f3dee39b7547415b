"""Cuts a body of ``application/vnd.amazon.eventstream`` into messages, whatever pieces the bytes arrive in.

It decides whether a message is whole and intact (two CRC-32 sums), and reads its headers; it never looks into a
payload. Framing: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html, "Event stream encoding":
total length, header length, CRC of these eight bytes, headers, payload, CRC of all before it; numbers are big-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from gammainfra.domain import limits

_PRELUDE: Final = struct.Struct(">III")
_SUM: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">H")
_LEAST: Final = _PRELUDE.size + _SUM.size
_TEXT: Final = 7
# The sizes of header values by type; bytes (6) and text (7) say their own.
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class Message(NamedTuple):
    """One message: its headers that hold text, and its payload."""

    headers: dict[str, str]
    payload: bytes


class Broken(ValueError):
    """The bytes are no event stream, or were changed on their way."""


class TooLarge(Broken):
    """One message passes the limit."""


class Framer:
    """Feed it bytes in any fragmentation: the messages that come out are always the same."""

    __slots__ = ("_buffer", "_limit", "_wanted")

    def __init__(self, limit: int = limits.SSE_EVENT_BYTES) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._wanted = _LEAST

    @property
    def is_open(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that ``chunk`` completes. Raises Broken (TooLarge) behind the last one that is right."""
        self._buffer += chunk
        while len(self._buffer) >= self._wanted:
            total, n_headers, prelude_sum = _PRELUDE.unpack_from(self._buffer)
            if prelude_sum != zlib.crc32(self._buffer[:8]):
                raise Broken("the checksum of a message's prelude is wrong")
            if total > self._limit:
                raise TooLarge(f"a message of {total} bytes")
            if total < _LEAST or n_headers > total - _LEAST:
                raise Broken("the lengths of a message contradict each other")
            self._wanted = total
            if len(self._buffer) >= total:
                raw = bytes(self._buffer[:total])
                del self._buffer[:total]
                self._wanted = _LEAST
                yield _message(raw, n_headers)


def _message(raw: bytes, n_headers: int) -> Message:
    (message_sum,) = _SUM.unpack_from(raw, len(raw) - _SUM.size)
    if message_sum != zlib.crc32(raw[: -_SUM.size]):
        raise Broken("the checksum of a message is wrong")
    end = _PRELUDE.size + n_headers
    return Message(_headers(raw[_PRELUDE.size : end]), raw[end : -_SUM.size])


def _headers(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(raw):
            name = raw[at + 1 : at + 1 + raw[at]].decode()
            at += 1 + raw[at]
            kind = raw[at]
            at += 1
            size = _SIZES.get(kind)
            if size is None:
                (size,) = _LENGTH.unpack_from(raw, at)
                at += _LENGTH.size
            if at + size > len(raw):
                raise Broken("a header is longer than its message")
            if kind == _TEXT:
                headers[name] = raw[at : at + size].decode()
            at += size
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Broken("the headers of a message cannot be read") from error
    return headers
