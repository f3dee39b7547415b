"""Requests: a snapshot of the log, newest first, with every filter in the address. It never moves under the reader."""

from __future__ import annotations

from gammainfra.domain.failure import Cause
from gammainfra.web.dashboard import filters, words
from gammainfra.web.dashboard.desk import Ask, GoTo, Page

_PATH = "/dashboard/requests"


def show(ask: Ask) -> Page | GoTo:
    """The page. An id in ``q`` is looked up at once."""
    looked_up = ask.query.get("q", "").strip()
    if looked_up.startswith("gen-"):
        return GoTo(f"{_PATH}/{looked_up}")
    if looked_up:
        return GoTo(filters.link(_PATH, {"session": looked_up}))
    wanted = filters.wanted_of(ask)
    found = ask.reader.find(wanted, ask.query.get("cursor") or None)
    chosen = filters.kept(ask.query, "period", *filters.FILTERS)
    names = {key.id: key.name for key in ask.desk.keys.list()}
    catalog = ask.desk.on.roster.catalog
    values = {
        "rows": found.rows,
        "marks": ask.reader.marks(found.rows),
        "next": None if found.cursor is None else filters.link(_PATH, chosen, cursor=found.cursor),
        "stopped_at": found.stopped_at,
        "is_first": not ask.query.get("cursor"),
        "chosen": chosen,
        "without": {name: filters.link(_PATH, chosen, **{name: None}) for name in chosen},
        "key_names": names,
        "providers": sorted(ask.desk.hosts),
        "models": sorted({one.model.name for several in catalog.endpoints.values() for one in several}),
        "causes": {cause.value: words.cause(cause) for cause in Cause},
        "csv": filters.link("/dashboard/requests.csv", chosen),
        "newest": filters.link(_PATH, chosen),
        "filters": filters,
    }
    return Page("requests.html", values)
