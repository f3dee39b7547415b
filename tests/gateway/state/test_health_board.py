"""Cooldowns of keys, error rates and times to the first token, as the board shows them to routing."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
from gammainfra.gateway.state.health_board import HealthBoard

KEYS = ("k1", "k2")


def limited(retry_after_s: float | None = None) -> Failure:
    return Failure(Cause.RATE_LIMIT, "", retry_after_s=retry_after_s)


def test_an_endpoint_nobody_asked_is_free_with_its_first_key() -> None:
    board = HealthBoard()
    assert board.free_key("a/x", KEYS, 0.0) == "k1"
    assert board.snapshot().of("a/x").is_free(0.0)


def test_a_throttled_key_cools_down_and_the_next_one_is_taken() -> None:
    board = HealthBoard()
    board.failed("a/x", "k1", KEYS, limited(30.0), 100.0)
    assert board.free_key("a/x", KEYS, 100.0) == "k2"
    assert board.snapshot().of("a/x").is_free(100.0)
    board.failed("a/x", "k2", KEYS, limited(10.0), 100.0)
    assert board.snapshot().of("a/x").not_before == 110.0
    assert board.free_key("a/x", KEYS, 105.0) == "k2"
    assert board.free_key("a/x", KEYS, 131.0) == "k1"


@pytest.mark.parametrize(("refusals", "cooldown_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (9, 32.0)])
def test_without_the_providers_word_a_cooldown_doubles(refusals: int, cooldown_s: float) -> None:
    board = HealthBoard()
    for _ in range(refusals):
        board.failed("a/x", "k1", ("k1",), limited(), 100.0)
    assert board.snapshot().of("a/x").not_before == 100.0 + cooldown_s


def test_the_longer_of_two_cooldowns_holds_and_none_is_longer_than_ten_minutes() -> None:
    board = HealthBoard()
    board.failed("a/x", "k1", ("k1",), limited(30.0), 100.0)
    board.failed("a/x", "k1", ("k1",), limited(5.0), 101.0)
    assert board.snapshot().of("a/x").not_before == 130.0
    board.failed("a/x", "k1", ("k1",), limited(10_000.0), 100.0)
    assert board.snapshot().of("a/x").not_before == 100.0 + limits.COOLDOWN_MAX_S


def test_an_answer_ends_the_row_of_refusals_and_lowers_the_error_rate() -> None:
    board = HealthBoard()
    board.failed("a/x", "k1", ("k1",), limited(), 100.0)
    board.failed("a/x", "k1", ("k1",), Failure(Cause.CUT, ""), 100.0)
    worse = board.snapshot().of("a/x").error_rate
    board.served("a/x", "k1", ttft_ms=None)
    assert 0 < board.snapshot().of("a/x").error_rate < worse
    board.failed("a/x", "k1", ("k1",), limited(), 200.0)
    assert board.snapshot().of("a/x").not_before == 201.0


def test_an_older_answer_of_a_throttled_key_does_not_hide_the_other_free_key() -> None:
    board = HealthBoard()
    board.failed("a/x", "k1", KEYS, limited(30.0), 100.0)
    board.served("a/x", "k1", ttft_ms=None)
    assert board.free_key("a/x", KEYS, 100.0) == "k2"
    assert board.snapshot().of("a/x").is_free(100.0)


def test_the_time_to_the_first_token_is_a_moving_average() -> None:
    board = HealthBoard()
    board.served("a/x", "k1", ttft_ms=None)
    assert board.snapshot().of("a/x").ttft_ms is None
    board.served("a/x", "k1", ttft_ms=1000.0)
    board.served("a/x", "k1", ttft_ms=2000.0)
    assert board.snapshot().of("a/x").ttft_ms == pytest.approx(1200.0)


def test_the_endpoint_that_was_quiet_longest_is_forgotten() -> None:
    board = HealthBoard()
    for number in range(limits.HEALTH_ENDPOINTS + 1):
        board.failed(f"a/{number}", "k1", ("k1",), limited(60.0), 0.0)
    assert len(board.snapshot().endpoints) == limits.HEALTH_ENDPOINTS
    assert board.snapshot().of("a/0").is_free(0.0)
    assert not board.snapshot().of("a/1").is_free(0.0)
