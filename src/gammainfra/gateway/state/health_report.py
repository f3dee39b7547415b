"""The health board in words for people: each endpoint and key with its state, why, since when, until when, how fast.

It reads the board and changes nothing. Monotonic times become epoch seconds here; a key is named by its id only.
"""

from __future__ import annotations

from gammainfra.domain.health import (
    EndpointHealth,
    EndpointReport,
    HealthChange,
    HealthReport,
    HealthState,
    KeyReport,
)
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.health_rows import EndpointRow, KeyRow, PairRow


def report(board: HealthBoard, now: float, wall: float) -> HealthReport:
    """Everything that is known at ``now`` (monotonic seconds), which is ``wall`` (epoch seconds)."""
    skew_s = wall - now
    return HealthReport(
        wall,
        tuple(_endpoint(row, now, skew_s) for _, row in sorted(board.rows.items())),
        tuple(
            HealthChange(at + skew_s, endpoint, before, after, why)
            for at, endpoint, before, after, why in board.changes
        ),
    )


def _endpoint(row: EndpointRow, now: float, skew_s: float) -> EndpointReport:
    health = row.health(now)
    state = _state(row, health, now)
    keys = tuple(_key(row, key, now, skew_s) for key in row.keys)
    # The endpoint is as good as its best key, and so since and until the same moments.
    best = next(key for key in keys if key.state == state)
    return EndpointReport(
        endpoint=row.name,
        provider=row.provider,
        state=state,
        reason=best.reason,
        since=best.since,
        until=best.until,
        in_flight=sum(key.in_flight for key in keys),
        error_rate=row.errors.total,
        ttft_p50_ms=row.ttft_ms.quantile(0.5),
        ttft_p95_ms=row.ttft_ms.quantile(0.95),
        tokens_per_s=row.median_tokens_per_s,
        keys=keys,
    )


def _key(row: EndpointRow, key: KeyRow, now: float, skew_s: float) -> KeyReport:
    pair = row.pairs.get(key.id) or PairRow()
    health = row.key_health(key)
    state = _state(row, health, now)
    since, until = _span(row, key, pair, state)
    limit = pair.concurrency.limit
    return KeyReport(
        id=key.id,
        state=state,
        reason="" if state == "healthy" else health.why,
        since=since + skew_s if since else None,
        until=until + skew_s if until else None,
        in_flight=pair.in_flight,
        limit=None if limit is None else int(limit),
        left=pair.left,
        errors={name: share for name, share in pair.errors.shares.items()},  # noqa: C416 - plain text as keys
    )


def _state(row: EndpointRow, health: EndpointHealth, now: float) -> HealthState:
    """A breaker whose pause is over is half-open, although the next request may try it."""
    state = health.state(now)
    return "half_open" if state == "healthy" and row.breaker.phase(now) == "half_open" else state


def _span(row: EndpointRow, key: KeyRow, pair: PairRow, state: HealthState) -> tuple[float, float]:
    """Since when and until when, in monotonic seconds; 0 where there is no such moment."""
    match state:
        case "rejected":
            since = key.rejected_since if key.rejected_until >= row.rejected_until else row.rejected_since
            return since, max(key.rejected_until, row.rejected_until)
        case "open":
            return row.breaker.since, row.breaker.until
        case "half_open":
            return row.breaker.since, 0.0
        case "cooling":
            last = max((row.cooldown, pair.cooldown, key.cooldown), key=lambda one: one.guess_until)
            return last.since, max(last.guess_until, pair.empty_until)
        case "busy":
            return pair.concurrency.refused_at, 0.0
        case _:
            return 0.0, 0.0
