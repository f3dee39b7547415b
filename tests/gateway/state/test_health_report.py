"""The board in words: states, reasons and times, of endpoints and of keys."""

from __future__ import annotations

import pytest

from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.headroom import Headroom
from gammainfra.domain.health import EndpointReport, HealthChange
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.health_report import report

NOW, WALL = 100.0, 1_800_000_100.0
KEYS = ("a-1", "a-2")


def shown(on: HealthBoard, now: float = NOW) -> EndpointReport:
    (only,) = report(on, now, WALL + now - NOW).endpoints
    return only


def failing(
    cause: Cause, times: int = 1, retry_after_s: float | None = None, keys: tuple[str, ...] = ("a-1",)
) -> HealthBoard:
    on = HealthBoard(lambda: 0.5)
    for _ in range(times):
        lease = on.lease("a/x", keys, NOW)
        on.failed(lease, Failure(cause, "", retry_after_s=retry_after_s), NOW)
        on.release(lease, NOW)
    return on


def test_what_is_fine_has_no_reason_and_no_times() -> None:
    on = HealthBoard(lambda: 0.5)
    lease = on.lease("a/x", KEYS, NOW)
    on.heard(lease, Headroom(0.25), NOW)
    on.first_token(lease, ("small", False), 800.0, NOW)
    on.served(lease, 40.0, NOW)
    endpoint = shown(on)
    assert (endpoint.endpoint, endpoint.provider, endpoint.state, endpoint.reason) == ("a/x", "a", "healthy", "")
    assert (endpoint.since, endpoint.until, endpoint.in_flight, endpoint.error_rate) == (None, None, 1, 0)
    assert endpoint.ttft_p50_ms == pytest.approx(800, rel=0.05)
    assert endpoint.ttft_p95_ms == pytest.approx(800, rel=0.05)
    assert endpoint.tokens_per_s == pytest.approx(40, rel=0.05)
    used, idle = endpoint.keys
    assert (used.id, used.in_flight, used.left, used.limit, used.errors) == ("a-1", 1, 0.25, None, {})
    assert (idle.id, idle.in_flight, idle.left, idle.state) == ("a-2", 0, None, "healthy")


@pytest.mark.parametrize(
    ("on", "state", "reason", "for_s"),
    [
        (failing(Cause.SERVER_ERROR, 3), "open", "server_error", 5.0),
        (failing(Cause.RATE_LIMIT, retry_after_s=30.0), "cooling", "rate_limit", 30.0),
        (failing(Cause.OVERLOADED), "cooling", "overloaded", 1.0),
        (failing(Cause.BILLING), "rejected", "billing", 600.0),
        (failing(Cause.MODEL_NOT_FOUND), "rejected", "model_not_found", 600.0),
    ],
)
def test_what_suffers_says_from_what_since_when_and_until_when(
    on: HealthBoard, state: str, reason: str, for_s: float
) -> None:
    endpoint = shown(on)
    assert (endpoint.state, endpoint.reason) == (state, reason)
    assert (endpoint.since, endpoint.until) == (WALL, WALL + for_s)
    assert endpoint.keys[0].errors
    assert endpoint.error_rate > 0


def test_a_key_that_suffers_alone_does_not_make_the_endpoint_suffer() -> None:
    on = failing(Cause.CREDENTIALS_REJECTED, keys=KEYS)
    endpoint = shown(on)
    assert (endpoint.state, endpoint.reason) == ("healthy", "")
    assert [(key.id, key.state, key.reason) for key in endpoint.keys] == [
        ("a-1", "rejected", "credentials_rejected"),
        ("a-2", "healthy", ""),
    ]


def test_a_breaker_whose_pause_is_over_is_half_open_before_and_while_it_is_tried() -> None:
    on = failing(Cause.CUT, 3)
    assert shown(on, 106.0).state == "half_open"
    on.lease("a/x", ("a-1",), 106.0)
    endpoint = shown(on, 106.0)
    assert (endpoint.state, endpoint.reason, endpoint.since, endpoint.until) == ("half_open", "cut", WALL, None)


def test_a_busy_key_shows_how_many_it_carries() -> None:
    on = HealthBoard(lambda: 0.5)
    leases = [on.lease("a/x", ("a-1",), NOW) for _ in range(10)]
    on.failed(leases[0], Failure(Cause.RATE_LIMIT, "", retry_after_s=0.0), NOW)
    endpoint = shown(on, 101.0)
    assert (endpoint.state, endpoint.keys[0].limit, endpoint.keys[0].in_flight) == ("busy", 7, 10)
    assert endpoint.since == WALL


def test_changes_come_with_the_time_of_the_day() -> None:
    on = failing(Cause.CUT, 3)
    assert report(on, 106.0, WALL + 6.0).changes == (HealthChange(WALL, "a/x", "healthy", "open", "cut"),)
