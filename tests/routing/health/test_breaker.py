"""The breaker: opens, lets one through, closes."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from gammainfra.routing.health.breaker import ANSWERS_TO_CLOSE, FAILURES_IN_A_ROW, Breaker


def opened(at: float = 100.0, uniform: float = 0.5) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_IN_A_ROW):
        breaker.failed(at, uniform)
    return breaker


def test_it_opens_after_failures_in_a_row_for_five_seconds_and_then_lets_one_through() -> None:
    breaker = Breaker()
    breaker.failed(100.0, 0.5)
    breaker.failed(100.0, 0.5)
    assert breaker.phase(100.0) == "closed"
    breaker.failed(100.0, 0.5)
    assert [breaker.phase(at) for at in (100.0, 104.9, 105.0)] == ["open", "open", "half_open"]


def test_an_answer_between_failures_keeps_it_closed_until_half_of_many_failed() -> None:
    breaker = Breaker()
    for number in range(9):
        breaker.served(0.0, 100.0) if number % 2 else breaker.failed(100.0, 0.5)
    assert breaker.phase(100.0) == "closed"
    breaker.failed(100.0, 0.5)
    assert breaker.phase(100.0) == "open"


def test_old_requests_say_nothing_about_the_share() -> None:
    breaker = Breaker()
    for number in range(40):
        at = 100.0 + 20 * number
        breaker.failed(at, 0.5)
        breaker.served(0.0, at)
    assert breaker.phase(1000.0) == "closed"


def test_the_pause_doubles_with_every_failed_trial_up_to_two_minutes() -> None:
    breaker, now, pauses = opened(), 100.0, []
    for _ in range(20):
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker.failed(now, 0.5)
    assert pauses[:6] == [5.0, 10.0, 20.0, 40.0, 80.0, 120.0]
    assert set(pauses[6:]) == {limits.BREAKER_OPEN_MAX_S}


@pytest.mark.parametrize(("uniform", "until"), [(0.0, 103.75), (0.5, 105.0), (1.0, 106.25)])
def test_the_end_of_the_pause_is_spread(uniform: float, until: float) -> None:
    assert opened(uniform=uniform).until == until


def test_three_answers_close_it_and_it_begins_anew() -> None:
    breaker = opened()
    for number in range(ANSWERS_TO_CLOSE):
        assert breaker.phase(110.0) == "half_open"
        breaker.served(110.0 + number, 110.0 + number)
    assert (breaker.phase(110.0), breaker.until, breaker.since) == ("closed", 0.0, 0.0)
    breaker.failed(200.0, 0.5)
    assert breaker.phase(200.0) == "closed"


def test_a_failed_trial_takes_the_answers_back() -> None:
    breaker = opened()
    breaker.served(110.0, 110.0)
    breaker.served(111.0, 111.0)
    breaker.failed(112.0, 0.5)
    assert breaker.phase(112.0) == "open"
    for at in (130.0, 131.0):
        breaker.served(at, at)
    assert breaker.phase(131.0) == "half_open"


def test_what_was_asked_before_it_opened_proves_nothing_and_what_fails_while_open_opens_it_no_further() -> None:
    breaker = opened()
    breaker.served(99.0, 101.0)
    breaker.failed(101.0, 0.5)
    assert (breaker.phase(101.0), breaker.until) == ("open", 105.0)


def test_an_answer_while_it_is_open_ends_the_pause() -> None:
    breaker = opened()
    breaker.served(101.0, 102.0)
    assert breaker.phase(102.0) == "half_open"
