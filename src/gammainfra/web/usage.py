"""Usage in sums (C9): ``GET /v1/usage`` by day or hour, key, model, provider and client, from the roll-ups.

It decides the span of a report and its columns; the sums themselves are the store's. Days and hours are UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gammainfra.domain import limits
from gammainfra.gateway.services import Services
from gammainfra.store.reader import Dimension, Grain, Reader
from gammainfra.store.rows import UsageRow
from gammainfra.web.answers import TOKENS, Columns, answer_csv, answer_json, cache_share, fields, money, show_time
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import Parameters, invalid, read_parameters
from gammainfra.web.reads import Reads

PATH: Final = "/v1/usage"
DAY_S: Final = 86_400
_PERIOD_S: Final[dict[Grain, int]] = {"hour": 3_600, "day": DAY_S}
_USUAL_DAYS: Final = 30

# What group_by may name, as the store calls it and as the answer does.
_DIMENSIONS: Final[dict[str, Dimension]] = {
    "day": "time",
    "hour": "time",
    "key": "key",
    "model": "model",
    "provider": "provider",
    "client": "client",
}
_GROUPS: Final[dict[Dimension, Columns[UsageRow]]] = {
    "time": {"starts_at": lambda row: None if row.starts_at is None else show_time(row.starts_at)},
    "key": {"key_id": lambda row: row.key_id},
    "model": {"model": lambda row: row.model},
    "provider": {"provider": lambda row: row.provider},
    "client": {"client": lambda row: row.client},
}
_SUMS: Final[Columns[UsageRow]] = {
    "requests": lambda row: row.requests,
    "served": lambda row: row.served,
    "failed": lambda row: row.failed,
    "rescued": lambda row: row.rescued,
    "unpriced": lambda row: row.unpriced,
    "attempts": lambda row: row.attempts,
    "absorbed_attempts": lambda row: row.absorbed_attempts,
    **TOKENS,
    "cache_share": lambda row: cache_share(row.usage),
    "cost_usd": lambda row: money(row.cost_nano),
    "absorbed_usd": lambda row: money(row.absorbed_nano),
    "fee_usd": lambda row: money(row.fee_nano),
    "mean_latency_ms": lambda row: _mean(row.latency_ms, row.served),
    "mean_ttft_ms": lambda row: _mean(row.ttft_ms, row.ttft_count),
    "mean_overhead_ms": lambda row: _mean(row.overhead_ms, row.served),
}


class Usage:
    """The route."""

    def __init__(self, on: Services, reader: Reader, reads: Reads) -> None:
        self._on = on
        self._reader = reader
        self._reads = reads

    async def answer(self, request: Incoming) -> None:
        """``{"object": "list", "data": [...], "from", "to"}``, or CSV. The span is widened to whole days or hours."""
        account_id = self._on.accounts.authenticate(request.credential).account_id
        asked = read_parameters(request, ("from", "to", "group_by", "format"))
        as_csv = asked.wants_csv(request)
        names = asked.several("group_by", tuple(_DIMENSIONS)) or frozenset({"day"})
        if {"day", "hour"} <= names:
            raise invalid("group_by cannot be both day and hour: choose one", "group_by")
        grain: Grain = "hour" if "hour" in names else "day"
        since, until = _span(asked, grain, self._on.clock.wall())
        by = {_DIMENSIONS[name] for name in names}
        found = await self._reads.read(lambda: self._reader.usage(account_id, since, until, by, grain))
        columns = columns_by(by)
        rows = [fields(row, columns) for row in found]
        if as_csv:
            await answer_csv(request, tuple(columns), rows)
        else:
            span = {"from": show_time(since), "to": show_time(until)}
            await answer_json(request, {"object": "list", "data": rows, **span})


def columns_by(by: Collection[Dimension]) -> Columns[UsageRow]:
    """The columns of sums that are grouped by these."""
    return {name: of for group, own in _GROUPS.items() if group in by for name, of in own.items()} | dict(_SUMS)


def _span(asked: Parameters, grain: Grain, wall_s: float) -> tuple[int, int]:
    """First start and end, epoch seconds, of the days or hours that ``from`` and ``to`` touch; Refused 400."""
    until, since = asked.time("to"), asked.time("from")
    until = wall_s if until is None else until
    since = until - _USUAL_DAYS * DAY_S if since is None else since
    if since >= until:
        raise invalid("from is not before to: the span from..to leaves its end out", "from")
    period_s = _PERIOD_S[grain]
    first, last = int(since // period_s), -int(-until // period_s)
    if last - first > limits.USAGE_PERIODS:
        message = f"from and to are {last - first} {grain}s apart: at most {limits.USAGE_PERIODS} fit into one report"
        raise invalid(message, "from")
    return first * period_s, last * period_s


def _mean(total: float, count: int) -> float | None:
    return round(total / count, 3) if count else None
