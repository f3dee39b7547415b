"""Usage: sums by day and model, provider, key or client, from the roll-ups."""

from __future__ import annotations

from typing import Final

from gammainfra.store.reader import Dimension
from gammainfra.web.answers import cache_share
from gammainfra.web.dashboard import charts, filters, words
from gammainfra.web.dashboard.desk import Ask, Page
from gammainfra.web.dashboard.export import DIMENSIONS, dimension_of
from gammainfra.web.dashboard.format import money
from gammainfra.web.dashboard.views.overview import series_of

_BY_TIME: Final[tuple[Dimension, ...]] = ("time",)


def show(ask: Ask) -> Page:
    """The page."""
    period, by = filters.period_of(ask, "30d"), dimension_of(ask)
    over_time = ask.reader.usage(ask.account_id, period.since, period.until, ("time", by), period.grain)
    sums = ask.reader.usage(ask.account_id, period.since, period.until, (by,), period.grain)
    days = ask.reader.usage(ask.account_id, period.since, period.until, _BY_TIME, period.grain)
    keys = {key.id: f"{key.name} …{key.last4}" for key in ask.desk.keys.list()}

    def name(value: str) -> str:
        return keys.get(value, value) if by == "key" else words.client(value) if by == "client" else value

    rows = sorted(sums, key=lambda row: -(row.cost_nano + row.absorbed_nano + row.fee_nano))
    own = {"model": "model", "provider": "provider", "key": "key_id", "client": "client"}[by]
    chosen = filters.kept(ask.query, "period", "by")
    values = {
        "period": period,
        "by": by,
        "dimensions": DIMENSIONS,
        "rows": [(str(getattr(row, own)), name(str(getattr(row, own))), row, cache_share(row.usage)) for row in rows],
        "days": list(reversed(days)),
        "chart": charts.stacked(
            series_of(over_time, by, period, lambda row: row.cost_nano + row.absorbed_nano + row.fee_nano, name),
            period.labels,
            f"Spend by {DIMENSIONS[by]}",
            money,
        ),
        "total_nano": sum(row.cost_nano + row.fee_nano for row in rows),
        "absorbed_nano": sum(row.absorbed_nano for row in rows),
        "requests": sum(row.requests for row in rows),
        "filter_name": {"model": "model", "provider": "provider", "key": "key", "client": "client"}[by],
        "chosen": chosen,
        "csv": filters.link("/dashboard/usage.csv", chosen),
        "filters": filters,
    }
    return Page("usage.html", values)
