"""What the read endpoints send: rows as JSON or as CSV that a spreadsheet opens without running it.

It decides how a value is written (money as an exact number, times as ISO 8601 in UTC), never which rows there are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

import msgspec
from msgspec import Raw

from gammainfra.domain.usage import Usage
from gammainfra.web.incoming import Incoming
from gammainfra.wire.cost import usd

Row = TypeVar("Row")
Cell = str | int | float | bool | Raw | tuple[str, ...] | None
Columns = Mapping[str, Callable[[Row], Cell]]


class Counted(Protocol):
    """Whatever is stored with token counts."""

    @property
    def usage(self) -> Usage:
        """Classes that never overlap."""
        ...


TOKENS: Final[Columns[Counted]] = {
    "input_tokens": lambda row: row.usage.input_tokens,
    "cache_read_tokens": lambda row: row.usage.cache_read_tokens,
    "cache_write_tokens": lambda row: row.usage.cache_write_tokens,
    "cache_write_1h_tokens": lambda row: row.usage.cache_write_1h_tokens,
    "output_tokens": lambda row: row.usage.output_tokens,
    "reasoning_tokens": lambda row: row.usage.reasoning_tokens,
}

_PRIVATE: Final = (b"cache-control", b"no-store")
_JSON: Final = ((b"content-type", b"application/json"), _PRIVATE)
_CSV: Final = ((b"content-type", b"text/csv; charset=utf-8"), _PRIVATE)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
CURSOR_HEADER: Final = b"x-gammainfra-cursor"


def fields(row: Row, columns: Columns[Row]) -> dict[str, Cell]:
    """One row as named values."""
    return {name: of(row) for name, of in columns.items()}


def show_time(at: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(nano_usd: int | None) -> Raw | None:
    """USD as an exact number; None when no price is known (C26)."""
    return None if nano_usd is None else usd(nano_usd)


def cache_share(usage: Usage) -> float | None:
    """Which part of the prompts' tokens came from a cache, 0 to 1; None without a prompt."""
    return round(usage.cache_read_tokens / usage.prompt_tokens, 4) if usage.prompt_tokens else None


async def answer_json(request: Incoming, body: object) -> None:
    """A 200 with JSON."""
    await request.answer(200, _JSON, msgspec.json.encode(body))


async def answer_list(request: Incoming, rows: Iterable[Mapping[str, Cell]], cursor: str | None) -> None:
    """A 200 with a page of rows; ``cursor`` None: it is the last."""
    await answer_json(request, {"object": "list", "data": list(rows), "cursor": cursor})


async def answer_csv(
    request: Incoming, names: Sequence[str], rows: Iterable[Mapping[str, Cell]], cursor: str | None = None
) -> None:
    """A 200 with CSV (RFC 4180) whose first line names the columns; the next page's cursor stands in a header."""
    headers = [*_CSV, (b"content-disposition", b'attachment; filename="gammainfra.csv"')]
    if cursor is not None:
        headers.append((CURSOR_HEADER, cursor.encode("ascii", "replace")))
    await request.answer(200, headers, csv_lines(names, rows, head=True))


def csv_lines(names: Sequence[str], rows: Iterable[Mapping[str, Cell]], *, head: bool) -> bytes:
    """Lines of CSV (RFC 4180), the first of them the names of the columns when ``head``."""
    text = io.StringIO()
    writer = csv.writer(text)
    if head:
        writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return text.getvalue().encode()


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Raw():
            return bytes(value).decode()
        case int() | float():
            return str(value)
        case tuple():
            return _safe(";".join(value))
        case str():
            return _safe(value)


def _safe(text: str) -> str:
    """Text that a spreadsheet shows and never runs: names of models, sessions and users come from outside."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
