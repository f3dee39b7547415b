"""Cuts an event stream into events, whatever pieces the bytes arrive in; it never looks into an event's data.

The rules are those of the WHATWG HTML standard, "Server-sent events", section "Parsing an event stream", with one
leniency: an event that the end of the body leaves without its blank line still counts. ``id`` and ``retry`` fields
are ignored, since nothing here ever reconnects. Lines that are no field at all are kept aside (``stray``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gammainfra.domain import limits

_BOM: Final = b"\xef\xbb\xbf"
_CR: Final = 13
_IGNORED: Final = frozenset({b"", b"id", b"retry"})  # "" is a comment


class Event(NamedTuple):
    """One event: ``event`` is its name ("" when it has none), ``data`` its lines joined by LF."""

    event: str
    data: bytes


class EventTooLarge(ValueError):
    """One event passed the limit: the stream is not worth reading on."""


class Framer:
    """Feed it bytes in any fragmentation: the events that come out are always the same.

    Memory is bounded by ``limit`` (bytes of one event) and the cost is linear in the bytes fed.
    """

    __slots__ = ("_data", "_head", "_limit", "_name", "_open_bytes", "_pending", "_skip_lf", "_stray")

    def __init__(self, limit: int = limits.SSE_EVENT_BYTES) -> None:
        self._limit = limit
        self._head: bytes | None = b""  # the first bytes, while they may still be a byte order mark
        self._skip_lf = False  # the last byte was CR: an LF now belongs to it
        self._pending: list[bytes] = []  # pieces of the last, unfinished line
        self._open_bytes = 0  # bytes of the open event so far, its unfinished line included
        self._data: list[bytes] = []
        self._name = ""
        self._stray = bytearray()

    @property
    def stray(self) -> bytes:
        """The lines that were no field of an event, joined by LF: some hosts write an error so. At most 64 KiB."""
        return bytes(self._stray)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that ``chunk`` completes. Raises EventTooLarge when one exceeds the limit."""
        if self._head is not None:
            chunk = self._head + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._head = chunk
                return []
            self._head = None
            chunk = chunk.removeprefix(_BOM)
        if self._skip_lf or _CR in chunk:
            chunk = self._with_lf_only(chunk)
        return self._cut(chunk)

    def eof(self) -> list[Event]:
        """The event that the end of the body leaves without its blank line, if any."""
        head, self._head = self._head, None
        return self._cut((head or b"") + b"\n\n")

    def _with_lf_only(self, chunk: bytes) -> bytes:
        if self._skip_lf and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        if chunk:
            self._skip_lf = chunk[-1] == _CR
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _cut(self, chunk: bytes) -> list[Event]:
        if b"\n" not in chunk:
            self._pending.append(chunk)
            self._grow(len(chunk))
            return []
        if self._pending:
            self._open_bytes -= sum(map(len, self._pending))
            self._pending.append(chunk)
            chunk = b"".join(self._pending)
            self._pending.clear()
        events: list[Event] = []
        *blocks, last = chunk.split(b"\n\n")
        for block in blocks:
            if not self._open_bytes and block.startswith(b"data:") and b"\n" not in block:
                self._grow(len(block))
                events.append(Event("", block[6:] if block[5:6] == b" " else block[5:]))
                self._open_bytes = 0
                continue
            for line in block.split(b"\n"):
                self._read(line, events)
            self._dispatch(events)
        *lines, rest = last.split(b"\n")
        for line in lines:
            self._read(line, events)
        self._pending.append(rest)
        self._grow(len(rest))
        return events

    def _grow(self, n_bytes: int) -> None:
        self._open_bytes += n_bytes
        if self._open_bytes > self._limit:
            raise EventTooLarge(f"one event of the stream is larger than {self._limit} bytes")

    def _read(self, line: bytes, events: list[Event]) -> None:
        if not line:
            self._dispatch(events)
            return
        self._grow(len(line))
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field not in _IGNORED and len(self._stray) + len(line) < limits.ERROR_BODY_BYTES:
            self._stray += line + b"\n"

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            events.append(Event(self._name, b"\n".join(self._data)))
            self._data.clear()
        self._name = ""
        self._open_bytes = 0
