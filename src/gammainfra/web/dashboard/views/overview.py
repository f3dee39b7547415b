"""Overview: what was spent, what failed and what was saved, what needs attention, and what runs right now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gammainfra.domain.endpoint import key_variable
from gammainfra.domain.failure import Cause
from gammainfra.store.dashboard import FailedAttempt, Timing
from gammainfra.store.rows import UsageRow
from gammainfra.web.dashboard import charts, filters, task, words
from gammainfra.web.dashboard import format as show
from gammainfra.web.dashboard.desk import Ask, GoTo, Page
from gammainfra.web.dashboard.export import DIMENSIONS, dimension_of
from gammainfra.web.dashboard.filters import Period
from gammainfra.web.dashboard.views.models import state_of

_TOP_SESSIONS: Final = 6
_SICK: Final = 0.5  # error rate from which on a provider needs attention
_ATTENTION_S: Final = 3600.0
_EDGES_MS: Final = (250, 500, 1000, 2000, 4000, 8000, 16_000)
_EDGE_NAMES: Final = ("<0.25 s", "0.25", "0.5", "1", "2", "4", "8", "≥16 s")


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its line and the change against the period before."""

    name: str
    figure: str
    note: str
    spark: object
    change: str = ""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to act on; ``where`` is the page that shows it."""

    kind: str
    what: str
    remedy: str
    where: str


def show_page(ask: Ask) -> Page | GoTo:
    """The page; the guide when nothing was ever asked."""
    newest = task.newest(ask)
    if newest is None and "period" not in ask.query:
        return GoTo("/dashboard/start")
    period, by = filters.period_of(ask, "7d"), dimension_of(ask)
    rows = ask.reader.usage(ask.account_id, period.since, period.until, ("time", by), period.grain)
    before = ask.reader.usage(ask.account_id, period.before, period.since, (), period.grain)
    timings = ask.reader.latest(ask.account_id, period.since)
    failures = ask.reader.failures(ask.account_id, ask.now - _ATTENTION_S)
    values = {
        "period": period,
        "by": by,
        "task": newest,
        "tiles": _tiles(period, rows, before, timings),
        "spend": charts.stacked(
            series_of(rows, by, period, lambda row: row.cost_nano + row.absorbed_nano + row.fee_nano, _namer(ask, by)),
            period.labels,
            f"Spend by {DIMENSIONS[by]}",
            show.money,
        ),
        "absorbed_nano": sum(row.absorbed_nano for row in rows),
        "first_token": _first_token(timings),
        "concerns": concerns(ask, rows, failures),
        "sessions": ask.reader.sessions_by(ask.account_id, "cost", period.since, period.until, _TOP_SESSIONS),
        "failures": failures[:6],
    }
    return Page("overview.html", values)


def series_of(
    rows: Sequence[UsageRow],
    by: str,
    period: Period,
    value: Callable[[UsageRow], int],
    name: Callable[[str], str],
) -> list[charts.Series]:
    """One series for each value of the dimension, over the period's hours or days."""
    place = {float(at): n for n, at in enumerate(period.starts)}
    by_name: dict[str, list[int]] = {}
    for row in rows:
        key = {"model": row.model, "provider": row.provider, "key": row.key_id, "client": row.client}[by]
        if row.starts_at in place:
            by_name.setdefault(name(key), [0] * len(period.starts))[place[row.starts_at]] += value(row)
    return [charts.Series(key, values) for key, values in by_name.items()]


def _namer(ask: Ask, by: str) -> Callable[[str], str]:
    """How a value of the dimension is shown."""
    if by == "key":
        names = {key.id: f"{key.name} …{key.last4}" for key in ask.desk.keys.list()}
        return lambda key: names.get(key, key)
    return words.client if by == "client" else str


def _tiles(
    period: Period, rows: Sequence[UsageRow], before: Sequence[UsageRow], timings: Sequence[Timing]
) -> Sequence[Tile]:
    def over_time(value: Callable[[UsageRow], int]) -> list[float]:
        sums = dict.fromkeys(map(float, period.starts), 0)
        for row in rows:
            if row.starts_at in sums:
                sums[row.starts_at] += value(row)
        return [float(number) for number in sums.values()]

    def spent(row: UsageRow) -> int:
        return row.cost_nano + row.absorbed_nano + row.fee_nano

    total, past = sum(map(spent, rows)), sum(map(spent, before))
    requests, past_requests = sum(row.requests for row in rows), sum(row.requests for row in before)
    failed, rescued = sum(row.failed for row in rows), sum(row.rescued for row in rows)
    today = f"{show.money(int(over_time(spent)[-1]))} this {period.grain}"
    firsts = sorted(one.ttft_ms for one in timings if one.served and one.ttft_ms is not None)
    own = sorted(one.overhead_ms for one in timings if one.served)
    return (
        Tile("Spent", show.money(total), today, charts.sparkline(over_time(spent), "Spend"), show.change(total, past)),
        Tile(
            "Requests",
            show.count(requests),
            f"{show.count(sum(row.attempts for row in rows))} attempts at providers",
            charts.sparkline(over_time(lambda row: row.requests), "Requests"),
            show.change(requests, past_requests),
        ),
        Tile(
            "Failed",
            show.share(failed, requests),
            f"{show.count(failed)} that nothing saved",
            charts.sparkline(over_time(lambda row: row.failed), "Failed requests"),
        ),
        Tile(
            "Saved by fallback",
            show.share(rescued, requests),
            f"{show.count(rescued)} served although a provider failed",
            charts.sparkline(over_time(lambda row: row.rescued), "Requests saved by fallback"),
        ),
        Tile(
            "First token",
            show.duration(percentile(firsts, 50)),
            f"95% within {show.duration(percentile(firsts, 95))}",
            charts.sparkline([one.ttft_ms or 0 for one in reversed(timings[:60])], "Time to first token"),
        ),
        Tile(
            "Our own time",
            show.duration(percentile(own, 50)),
            f"95% within {show.duration(percentile(own, 95))}",
            charts.sparkline([one.overhead_ms for one in reversed(timings[:60])], "Time spent in the gateway"),
        ),
    )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The value below which so many per cent lie; None of nothing."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else None


def _first_token(timings: Sequence[Timing]) -> charts.Chart:
    firsts = [one.ttft_ms for one in timings if one.served and one.ttft_ms is not None]
    return charts.histogram(firsts, _EDGES_MS, _EDGE_NAMES, "Time to first token of the newest requests")


def concerns(ask: Ask, rows: Sequence[UsageRow], failures: Sequence[FailedAttempt]) -> Sequence[Concern]:
    """What needs attention, the worst first."""
    desk, found = ask.desk, []
    if not desk.hosts:
        variables = " or ".join(desk.provider_variables)
        found.append(
            Concern("bad", "No provider is configured.", f"Set {variables}, then restart.", "/dashboard/providers")
        )
    if desk.writer.lost:
        lost = show.plural(desk.writer.lost, "record")
        found.append(
            Concern("bad", f"{lost} could not be written.", "See the log: the disk may be full.", "/dashboard/settings")
        )
    if desk.keys.unusable:
        names = ", ".join(key.name for key in desk.keys.unusable)
        found.append(Concern("bad", f"Keys cannot be checked: {names}.", "Their pepper is gone: restore it from a backup.", "/dashboard/keys"))  # fmt: skip # noqa: E501
    for provider in dict.fromkeys(
        one.provider for one in failures if one.cause in {Cause.CREDENTIALS_REJECTED, Cause.BILLING}
    ):
        cause = next(one.cause for one in failures if one.provider == provider and one.cause in words.REMEDIES)
        remedy = words.REMEDIES[cause].replace("the provider's variable", key_variable(provider))
        found.append(Concern("bad", f"{provider} {words.cause(cause)}.", remedy, "/dashboard/providers"))
    for name, why in _sick(ask).items():
        found.append(Concern("warn", f"{name} {why}.", "Requests go elsewhere meanwhile.", "/dashboard/providers"))
    unpriced = sum(row.unpriced for row in rows)
    if unpriced:
        what = f"{show.plural(unpriced, 'answer')} without a known price: they are in no sum."
        found.append(Concern("warn", what, "Add the model's price in a file of your own.", "/dashboard/models"))
    return found


def _sick(ask: Ask) -> Mapping[str, str]:
    """Endpoints that are avoided now, by name, and why."""
    sick = {}
    for several in ask.desk.on.roster.catalog.endpoints.values():
        for endpoint in several:
            health = ask.health.of(endpoint.name)
            if not health.is_free(ask.monotonic):
                sick[endpoint.name] = f"is avoided: {state_of(health, ask.monotonic)[1]}"
            elif health.error_rate >= _SICK:
                sick[endpoint.name] = f"fails often lately ({show.share(health.error_rate, 1)} of attempts)"
    return sick
