"""Leases, cooldowns, breakers and measurements, as the board shows them to routing."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.headroom import Headroom
from gammainfra.domain.health import EndpointHealth
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.leases import Lease
from gammainfra.providers.provider import LimitScope
from gammainfra.routing.health.patience import Shape

KEYS = ("k1", "k2")
SHAPE: Shape = ("small", False)


def board() -> HealthBoard:
    return HealthBoard(lambda: 0.5)


def taken(
    on: HealthBoard, now: float = 100.0, endpoint: str = "a/x", *, before: str = "", scope: LimitScope = "model",
    keys: tuple[str, ...] = KEYS,
) -> Lease:  # fmt: skip
    return on.lease(endpoint, keys, now, before=before, scope=scope)


def fails(on: HealthBoard, lease: Lease, cause: Cause, now: float = 100.0, retry_after_s: float | None = None) -> None:
    on.failed(lease, Failure(cause, "", retry_after_s=retry_after_s), now)
    on.release(lease, now)


def seen(on: HealthBoard, endpoint: str = "a/x") -> EndpointHealth:
    return on.snapshot().of(endpoint)


def test_an_endpoint_nobody_asked_is_free_with_its_first_key() -> None:
    on = board()
    assert on.free_key("a/x", KEYS, 0.0) == "k1"
    assert seen(on).is_free(0.0)
    assert taken(on).key_id == "k1"


# ---- which key -------------------------------------------------------------------------------------------------------
def test_a_throttled_key_cools_down_and_the_next_one_is_taken() -> None:
    on = board()
    fails(on, taken(on), Cause.RATE_LIMIT, retry_after_s=30.0)
    assert (on.free_key("a/x", KEYS, 100.0), taken(on).key_id) == ("k2", "k2")
    assert seen(on).is_free(100.0)
    fails(on, taken(on), Cause.RATE_LIMIT, retry_after_s=10.0)
    assert seen(on).not_before == 110.0
    assert on.free_key("a/x", KEYS, 105.0) == "k2"
    assert on.free_key("a/x", KEYS, 131.0) == "k1"


def test_the_load_is_spread_and_a_task_keeps_its_key() -> None:
    on = board()
    first, second = taken(on), taken(on)
    assert (first.key_id, second.key_id) == ("k1", "k2")
    assert taken(on, before="k2").key_id == "k2"
    on.release(first, 101.0)
    on.release(first, 101.0)
    assert taken(on).key_id == "k1"


def test_the_key_with_most_left_is_taken_and_one_with_nothing_left_is_not_asked_first() -> None:
    on = board()
    lease = taken(on)
    on.heard(lease, Headroom(0.1), 100.0)
    on.release(lease, 100.0)
    assert taken(on, 101.0).key_id == "k2"
    alone = taken(on, endpoint="b/y", keys=("k",))
    on.heard(alone, Headroom(0.0, 20.0), 100.0)
    assert not seen(on, "b/y").is_free(119.9)
    assert seen(on, "b/y").not_before == 0.0
    assert seen(on, "b/y").is_free(120.0)
    on.heard(alone, None, 101.0)
    assert not seen(on, "b/y").is_free(119.9)
    on.heard(alone, Headroom(1.0), 102.0)
    assert seen(on, "b/y").is_free(102.0)


def test_a_429_without_a_word_takes_the_reset_of_what_is_used_up_for_one() -> None:
    on = board()
    lease = taken(on, keys=("k",))
    on.heard(lease, Headroom(0.0, 20.0), 100.0)
    fails(on, lease, Cause.RATE_LIMIT)
    assert seen(on).not_before == 120.0


def test_a_guess_puts_others_first_and_is_no_reason_to_wait_until_it_is_proved() -> None:
    on = board()
    fails(on, taken(on, keys=("k",)), Cause.RATE_LIMIT)
    assert (seen(on).not_before, seen(on).avoid_until) == (0.0, 101.0)
    for _ in range(2):
        fails(on, taken(on, keys=("k",)), Cause.RATE_LIMIT)
    assert seen(on).not_before == 104.0


def test_more_requests_than_a_key_was_seen_to_carry_make_it_busy() -> None:
    on = board()
    leases = [taken(on, keys=("k",)) for _ in range(10)]
    fails(on, leases.pop(), Cause.RATE_LIMIT, 100.0, 0.0)
    assert seen(on).state(101.0) == "busy"
    for lease in leases[:3]:
        on.release(lease, 101.0)
    assert seen(on).is_free(101.0)


# ---- what a failure is about -----------------------------------------------------------------------------------------
def test_a_rejected_key_is_rejected_for_all_models_of_its_provider_and_another_one_is_not() -> None:
    on = board()
    alone = taken(on, endpoint="b/y", keys=("k",))
    fails(on, alone, Cause.CREDENTIALS_REJECTED)
    assert seen(on, "b/y").is_rejected(699.0)
    assert (seen(on, "b/never asked").why, seen(on, "b/never asked").is_rejected(699.0)) == (
        "credentials_rejected",
        True,
    )
    assert not seen(on, "b/never asked").is_rejected(100.0 + limits.REJECTED_S)
    fails(on, taken(on), Cause.BILLING)
    assert on.free_key("a/never asked", KEYS, 100.0) == "k2"
    assert seen(on, "a/x").is_free(100.0)
    assert taken(on, 101.0, "a/other").key_id == "k2"
    older = taken(on, endpoint="b/y", keys=("k",), now=99.0)
    on.served(older, None, 101.0)
    assert seen(on, "b/y").is_rejected(101.0)
    fails(on, taken(on, 102.0, "b/z", keys=("k",)), Cause.CREDENTIALS_REJECTED, 102.0)
    on.served(taken(on, 103.0, "b/y", keys=("k",)), None, 104.0)
    assert seen(on, "b/y").is_free(104.0)
    assert seen(on, "b/never asked").is_free(104.0)


def test_a_limit_of_the_key_cools_all_models_and_a_limit_of_the_model_only_one() -> None:
    on = board()
    fails(on, taken(on, keys=("k",), scope="key"), Cause.RATE_LIMIT, retry_after_s=30.0)
    assert seen(on, "a/other").not_before == 130.0
    fails(on, taken(on, endpoint="b/y", keys=("k",)), Cause.RATE_LIMIT, retry_after_s=30.0)
    assert seen(on, "b/other").is_free(100.0)


@pytest.mark.parametrize("cause", [Cause.OVERLOADED, Cause.UNAVAILABLE])
def test_a_full_host_cools_the_endpoint_with_all_its_keys(cause: Cause) -> None:
    on = board()
    fails(on, taken(on), cause, retry_after_s=30.0)
    assert (seen(on).not_before, seen(on).why) == (130.0, cause.value)
    assert seen(on, "a/other").is_free(100.0)


def test_a_model_that_is_not_known_there_is_rejected_alone() -> None:
    on = board()
    fails(on, taken(on), Cause.MODEL_NOT_FOUND)
    fails(on, taken(on, 101.0), Cause.MODEL_NOT_FOUND, 101.0)
    assert seen(on).is_rejected(699.0)
    assert seen(on, "a/other").is_free(100.0)
    on.served(taken(on), None, 101.0)
    assert seen(on).is_free(101.0)


@pytest.mark.parametrize("cause", [Cause.INVALID_REQUEST, Cause.CONTEXT_OVERFLOW, Cause.INTERNAL])
def test_what_is_not_the_providers_fault_changes_nothing(cause: Cause) -> None:
    on = board()
    for _ in range(5):
        fails(on, taken(on), cause)
    assert seen(on) == EndpointHealth()


def test_a_bad_tool_call_counts_as_an_error_and_rests_nobody() -> None:
    on = board()
    for _ in range(5):
        fails(on, taken(on), Cause.BAD_TOOL_CALL)
    assert seen(on).is_free(100.0)
    assert seen(on).error_rate > 0.5


# ---- the breaker -----------------------------------------------------------------------------------------------------
def broken(on: HealthBoard) -> None:
    for _ in range(3):
        fails(on, taken(on), Cause.SERVER_ERROR)


def test_a_broken_endpoint_is_left_alone_then_tried_by_one_request_at_a_time_and_trusted_after_three_answers() -> None:
    on = board()
    broken(on)
    assert (seen(on).state(104.9), seen(on).state(105.0)) == ("open", "healthy")
    probe, other = taken(on, 105.0), taken(on, 105.0)
    assert (probe.probe, other.probe, seen(on).state(105.0)) == (True, False, "half_open")
    on.release(other, 105.5)
    assert seen(on).state(105.5) == "half_open"
    on.served(probe, None, 106.0)
    on.release(probe, 106.0)
    assert seen(on).is_free(106.0)
    for at in (107.0, 108.0):
        lease = taken(on, at)
        assert lease.probe
        on.served(lease, None, at)
        on.release(lease, at)
    assert not taken(on, 109.0).probe


def test_a_long_answer_does_not_hold_up_the_next_trial() -> None:
    on = board()
    broken(on)
    first = taken(on, 105.0)
    on.first_token(first, SHAPE, 500.0, 105.5)
    assert seen(on).is_free(105.5)
    assert taken(on, 106.0).probe
    on.release(first, 107.0)
    assert seen(on).state(107.0) == "half_open"


def test_a_probe_that_fails_opens_it_for_twice_as_long_and_one_that_is_given_up_decides_nothing() -> None:
    on = board()
    broken(on)
    on.release(taken(on, 105.0), 106.0)
    assert seen(on).is_free(106.0)
    fails(on, taken(on, 106.0), Cause.CUT, 107.0)
    assert seen(on).broken_until == 117.0


def test_the_last_changes_are_remembered_with_their_reason() -> None:
    on = board()
    broken(on)
    taken(on, 105.0)
    assert list(on.changes) == [
        (100.0, "a/x", "healthy", "open", "server_error"),
        (105.0, "a/x", "healthy", "half_open", "server_error"),
    ]


# ---- repeats ---------------------------------------------------------------------------------------------------------
def test_the_same_endpoint_is_worth_asking_again_while_another_key_is_free_or_repeats_are_few() -> None:
    on = board()
    lease = taken(on)
    assert on.same_endpoint(lease, 100.0) == "now"
    alone = taken(on, endpoint="b/y", keys=("k",))
    assert on.same_endpoint(alone, 100.0) == "later"
    for _ in range(int(limits.RETRY_BUDGET_MAX) + 1):
        on.release(on.lease("b/y", ("k",), 100.0, again=True), 100.0)
    assert on.same_endpoint(alone, 100.0) == "never"
    assert on.same_endpoint(alone, 101.0) == "later"


# ---- measurements ----------------------------------------------------------------------------------------------------
def test_times_and_speed_are_medians_and_answers_lower_the_error_rate() -> None:
    on = board()
    lease = taken(on)
    assert seen(on).ttft_ms is None
    assert on.times_to_first_token(lease, SHAPE).n == 0
    for ttft_ms in (1000.0, 1000.0, 9000.0):
        on.first_token(lease, SHAPE, ttft_ms, 100.0)
    on.failed(lease, Failure(Cause.CUT, ""), 100.0)
    worse = seen(on).error_rate
    on.served(lease, 50.0, 101.0)
    on.served(lease, None, 101.0)
    assert 0 < seen(on).error_rate < worse
    assert seen(on).ttft_ms == pytest.approx(1000.0, rel=0.05)
    assert seen(on).tokens_per_s == pytest.approx(50.0, rel=0.05)
    assert on.times_to_first_token(lease, SHAPE).n == 3
    assert seen(on).ttft_p95_ms is None
    for _ in range(17):
        on.first_token(lease, SHAPE, 9000.0, 100.0)
    on.served(lease, None, 102.0)
    assert seen(on).ttft_p95_ms == pytest.approx(9000.0, rel=0.05)


def test_the_endpoint_that_was_quiet_longest_is_forgotten() -> None:
    on = board()
    oldest = taken(on, 0.0, "a/0")
    for number in range(1, limits.HEALTH_ENDPOINTS + 1):
        fails(on, taken(on, 0.0, f"a/{number}"), Cause.OVERLOADED, 0.0, 60.0)
    assert len(on.snapshot().endpoints) == limits.HEALTH_ENDPOINTS
    fails(on, oldest, Cause.OVERLOADED, 0.0, 60.0)
    assert seen(on, "a/0").is_free(0.0)
    assert not seen(on, "a/1").is_free(0.0)
