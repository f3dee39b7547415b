"""The command ``gammainfra export``: requests or sums of a period, as CSV or JSON lines, to standard output or a file.

It writes page by page, with the columns and the formula guard of the API's own CSV. A file is there when it is whole.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gammainfra.accounts.keys import LOCAL_ACCOUNT
from gammainfra.cli.options import add_settings, complain
from gammainfra.cli.stored import DAY_S, add_period, period_of, read
from gammainfra.domain import limits
from gammainfra.store.dashboard import DashboardReader
from gammainfra.store.reader import DIMENSIONS, RequestFilter
from gammainfra.web.answers import Cell, csv_lines, fields
from gammainfra.web.request_log import COLUMNS as REQUEST_COLUMNS
from gammainfra.web.usage import columns_by

_USUAL_DAYS: Final = 30
_PERIOD_S: Final = {"hour": 3_600, "day": DAY_S}
_BY: Final = tuple(one for one in DIMENSIONS if one != "time")
_Pages = Iterator[Sequence[Mapping[str, Cell]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``requests|usage [--from TIME] [--to TIME] [--format csv|jsonl] [--output FILE]`` and filters."""
    add_settings(parser)
    parser.add_argument("what", choices=["requests", "usage"])
    add_period(parser)
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="CSV, or JSON lines (default: csv)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there (default: standard output)")
    parser.add_argument("--key", metavar="ID", help="requests of one API key only")
    parser.add_argument("--session", metavar="ID", help="requests of one task only")
    parser.add_argument("--grain", choices=sorted(_PERIOD_S), default="day", help="usage by day or hour (default: day)")
    parser.add_argument(
        "--by", choices=_BY, action="append", default=[], help="usage by this too; may be given several times"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write; the status is 1 when nothing, or not everything, could be written."""
    if arguments.what == "usage" and (arguments.key or arguments.session):
        return complain("sums are not kept by task or for one key alone: leave --session and --key out, or take --by")
    if arguments.what == "requests" and arguments.by:
        return complain("--by is about sums: gammainfra export usage --by ...")
    return read(arguments, partial(_export, arguments))


def _export(arguments: argparse.Namespace, reader: DashboardReader) -> int:
    now = time.time()
    since, until = period_of(arguments, 0.0 if arguments.session else now - _USUAL_DAYS * DAY_S)
    if arguments.what == "requests":
        wanted = RequestFilter(
            LOCAL_ACCOUNT, key_id=arguments.key, session_id=arguments.session, since=since, until=until
        )  # fmt: skip
        names, pages = tuple(REQUEST_COLUMNS), _requests(reader, wanted)
    else:
        by = ("time", *dict.fromkeys(arguments.by))
        names = tuple(columns_by(by))
        pages = _usage(reader, (since, now if math.isinf(until) else until), by, arguments.grain)
    lines = _csv(names, pages) if arguments.format == "csv" else _json(pages)
    if arguments.output is None:
        for chunk in lines:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return 0
    return _keep(arguments.output, lines)


# ---- what is written -------------------------------------------------------------------------------------------------
def _requests(reader: DashboardReader, wanted: RequestFilter) -> _Pages:
    """Newest first."""
    cursor = None
    while True:
        page = reader.requests(wanted, cursor, limits.PAGE_ROWS)
        yield [fields(row, REQUEST_COLUMNS) for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return


def _usage(reader: DashboardReader, period: tuple[float, float], by: Sequence[str], grain: str) -> _Pages:
    """The hours or days that the period touches, so many at a time that a page stays small."""
    length_s = _PERIOD_S[grain]
    first, last = int(period[0] // length_s), -int(-period[1] // length_s)
    groups = [one for one in DIMENSIONS if one in by]
    columns = columns_by(groups)
    for start in range(first, last, limits.USAGE_PERIODS):
        end = min(last, start + limits.USAGE_PERIODS)
        found = reader.usage(
            LOCAL_ACCOUNT, start * length_s, end * length_s, groups, "hour" if grain == "hour" else "day"
        )  # fmt: skip
        yield [fields(row, columns) for row in found]


# ---- where and how ---------------------------------------------------------------------------------------------------
def _csv(names: Sequence[str], pages: _Pages) -> Iterator[bytes]:
    yield csv_lines(names, (), head=True)
    for rows in pages:
        yield csv_lines(names, rows, head=False)


def _json(pages: _Pages) -> Iterator[bytes]:
    for rows in pages:
        yield b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _keep(path: Path, lines: Iterator[bytes]) -> int:
    """Write beside the place first: who finds the file finds all of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines(lines)
        part.replace(path)
    except OSError as error:
        return complain(f"{path} cannot be written ({error.strerror}): name another file with --output")
    finally:
        part.unlink(missing_ok=True)
    print(f"{path} is written")
    return 0
