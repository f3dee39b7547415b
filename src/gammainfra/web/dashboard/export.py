"""What the tables show, as CSV: the same filters, all of the rows, a thousand at a time.

It decides how far an export goes and uses the columns and the formula guard of the API's own CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from gammainfra.domain import limits
from gammainfra.store.reader import Dimension
from gammainfra.web.answers import csv_lines, fields
from gammainfra.web.dashboard import filters
from gammainfra.web.dashboard.desk import Ask
from gammainfra.web.request_log import COLUMNS as REQUEST_COLUMNS
from gammainfra.web.sessions import COLUMNS as SESSION_COLUMNS
from gammainfra.web.usage import columns_by

Export = Callable[[Ask], Iterator[bytes]]


def requests(ask: Ask) -> Iterator[bytes]:
    """Every request that the filters let through, newest first."""
    wanted = filters.wanted_of(ask)
    if wanted.base.since == 0 and "session" not in ask.query:
        wanted = replace(wanted, base=replace(wanted.base, since=filters.period_of(ask, "90d").since))
    names, cursor, head = tuple(REQUEST_COLUMNS), None, True
    while head or cursor is not None:
        found = ask.reader.find(wanted, cursor, limits.PAGE_ROWS)
        yield csv_lines(names, (fields(row, REQUEST_COLUMNS) for row in found.rows), head=head)
        cursor, head = found.cursor, False


def sessions(ask: Ask) -> Iterator[bytes]:
    """Every session of the period, the latest activity first."""
    period = filters.period_of(ask, "30d")
    names, cursor, head = tuple(SESSION_COLUMNS), None, True
    while head or cursor is not None:
        page = ask.reader.sessions(
            ask.account_id, cursor, limits.PAGE_ROWS, since=period.since, until=period.until
        )  # fmt: skip
        yield csv_lines(names, (fields(row, SESSION_COLUMNS) for row in page.rows), head=head)
        cursor, head = page.cursor, False


def usage(ask: Ask) -> Iterator[bytes]:
    """The sums of the period by time and the chosen dimension."""
    period = filters.period_of(ask, "30d")
    by = dimension_of(ask)
    columns = columns_by(("time", by))
    rows = ask.reader.usage(ask.account_id, period.since, period.until, ("time", by), period.grain)
    yield csv_lines(tuple(columns), (fields(row, columns) for row in rows), head=True)


DIMENSIONS: Final[Mapping[str, str]] = {"model": "model", "provider": "provider", "key": "API key", "client": "client"}


def dimension_of(ask: Ask) -> Dimension:
    """By what sums are split; the model unless the address names another."""
    chosen = ask.query.get("by", "model")
    if chosen == "provider":
        return "provider"
    if chosen == "key":
        return "key"
    return "client" if chosen == "client" else "model"


EXPORTS: Final[Mapping[str, Export]] = {
    "/dashboard/requests.csv": requests,
    "/dashboard/sessions.csv": sessions,
    "/dashboard/usage.csv": usage,
}
