"""The command ``gammainfra logs``: the newest requests, oldest of them first, and with ``--follow`` those that come.

It decides how often it looks and how far back; it holds no text of a prompt or an answer, as none is stored.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from gammainfra.accounts.keys import LOCAL_ACCOUNT
from gammainfra.cli.options import add_settings, complain
from gammainfra.cli.stored import count_of, print_json, read
from gammainfra.cli.table import Column, show
from gammainfra.domain import limits
from gammainfra.store.dashboard import DashboardReader, Wanted
from gammainfra.store.reader import RequestFilter
from gammainfra.store.rows import RequestRow
from gammainfra.web.answers import fields
from gammainfra.web.dashboard import format as shown
from gammainfra.web.request_log import COLUMNS as REQUEST_COLUMNS

_LOOK_EVERY_S: Final = 1.0
_STYLES: Final = {"served": "green", "failed": "red", "timed_out": "red", "abandoned": "yellow", "stopped": "yellow"}
# Of rows that come one at a time, so that they stand below each other.
_COLUMNS: Final = (
    Column("time", width=19), Column("ending", width=9, styles=_STYLES), Column("status", right=True),
    Column("endpoint", width=32), Column("attempts", right=True), Column("prompt", right=True, width=7),
    Column("answer", right=True, width=6), Column("cost", right=True, width=9), Column("took", right=True, width=8),
    Column("error", width=20), Column("session", width=28), Column("id"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``[--follow] [--key ID] [--session ID] [--model MODEL] [--failed] [--limit N] [--json]``."""
    add_settings(parser)
    parser.add_argument("--follow", action="store_true", help="go on with requests as they end, until Ctrl-C")
    parser.add_argument("--key", metavar="ID", help="of one API key only (the ids: gammainfra keys list)")
    parser.add_argument("--session", metavar="ID", help="of one task only (the ids: gammainfra sessions)")
    parser.add_argument("--model", metavar="MODEL", help="of one model only, as asked for or as served")
    parser.add_argument("--failed", action="store_true", help="only requests that nothing saved")
    parser.add_argument("--limit", default="50", metavar="N", help="the newest so many (default: 50)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a request")


def run(arguments: argparse.Namespace) -> int:
    """Print; with --follow until Ctrl-C, or until the store cannot be read any more (1)."""
    return read(arguments, partial(_print, arguments))


def _print(arguments: argparse.Namespace, reader: DashboardReader) -> int:
    limit = count_of(arguments, limits.PAGE_ROWS)
    look = partial(_newest, reader, arguments)
    seen = look(limits.PAGE_ROWS if arguments.follow else limit)
    _show(seen[-limit:], head=True, as_json=arguments.json)
    if not seen and not arguments.follow:
        complain("no request like this is stored: loosen the filters, or see gammainfra doctor")
    if arguments.follow:
        _follow(look, seen, as_json=arguments.json)
    return 0


def _follow(look: Callable[[int], Sequence[RequestRow]], seen: Sequence[RequestRow], *, as_json: bool) -> None:
    """A request is written when it ends, so the new ones are not only those that arrived last."""
    known = {row.seq for row in seen}
    while True:
        time.sleep(_LOOK_EVERY_S)
        newest = look(limits.PAGE_ROWS)
        fresh = [row for row in newest if row.seq not in known]
        if len(fresh) == limits.PAGE_ROWS:
            complain(f"more than {limits.PAGE_ROWS} requests came at once: some are not shown")
        _show(fresh, head=False, as_json=as_json)
        known = {row.seq for row in newest}


def _newest(reader: DashboardReader, arguments: argparse.Namespace, limit: int) -> Sequence[RequestRow]:
    """The newest requests that the filters let through, the oldest of them first.

    Who follows looks at one page at a time; else the whole log is searched until there are enough.
    """
    base = RequestFilter(LOCAL_ACCOUNT, key_id=arguments.key, session_id=arguments.session)
    wanted = Wanted(base, status="failed" if arguments.failed else None)
    found: list[RequestRow] = []
    cursor = None
    while len(found) < limit:
        page = reader.find(wanted, cursor, limits.PAGE_ROWS if arguments.model else limit - len(found))
        found += [row for row in page.rows if arguments.model in {None, row.model, row.asked, row.endpoint}]
        cursor = page.cursor
        if cursor is None or arguments.follow:
            break
    return found[:limit][::-1]


def _show(rows: Sequence[RequestRow], *, head: bool, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print_json(fields(row, REQUEST_COLUMNS))
    elif rows:
        show(_COLUMNS, map(_row, rows), head=head)


def _row(row: RequestRow) -> Sequence[str]:
    return (
        shown.full(row.at)[:19], row.ending, str(row.status), row.endpoint or row.asked, str(row.n_attempts),
        shown.count(row.usage.prompt_tokens), shown.count(row.usage.completion_tokens), shown.cost(row.cost_nano),
        shown.duration(row.latency_ms), row.error_code or shown.UNKNOWN, row.session_id or shown.UNKNOWN, row.id,
    )  # fmt: skip
