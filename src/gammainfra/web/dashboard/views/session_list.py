"""Sessions: one agent task is one row."""

from __future__ import annotations

from gammainfra.domain import limits
from gammainfra.web.answers import cache_share
from gammainfra.web.dashboard import filters
from gammainfra.web.dashboard.desk import Ask, GoTo, Page

_PATH = "/dashboard/sessions"


def show(ask: Ask) -> Page | GoTo:
    """The page: by latest activity, page by page; in any other order the largest of the period."""
    period, sort = filters.period_of(ask, "30d"), filters.sort_of(ask)
    chosen = filters.kept(ask.query, "period", "sort")
    cursor = None
    if sort == "recent":
        page = ask.reader.sessions(
            ask.account_id,
            ask.query.get("cursor") or None,
            limits.DASHBOARD_ROWS,
            since=period.since,
            until=period.until,
        )
        rows, cursor = page.rows, page.cursor
    else:
        rows = ask.reader.sessions_by(ask.account_id, sort, period.since, period.until)
    values = {
        "rows": rows,
        "period": period,
        "sort": sort,
        "sorts": filters.SORTS,
        "chosen": chosen,
        "shares": {row.id: cache_share(row.usage) for row in rows},
        "next": None if cursor is None else filters.link(_PATH, chosen, cursor=cursor),
        "is_first": not ask.query.get("cursor"),
        "scanned": limits.DASHBOARD_SCANNED,
        "csv": filters.link("/dashboard/sessions.csv", filters.kept(ask.query, "period")),
        "filters": filters,
    }
    return Page("sessions.html", values)
