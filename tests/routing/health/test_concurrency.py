"""How many requests a key carries at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.routing.health.concurrency import LEAST, Concurrency


def test_nothing_is_full_before_the_first_refusal() -> None:
    fresh = Concurrency()
    fresh.served(1.0)
    assert fresh.limit is None
    assert not fresh.is_full(10_000)


def test_a_refusal_takes_a_third_and_a_round_of_answers_gives_one_back() -> None:
    key = Concurrency()
    key.refused(10, 100.0)
    assert key.limit == 7.0
    assert key.is_full(7)
    assert not key.is_full(6)
    for _ in range(8):
        key.served(101.0)
    assert 8.0 <= key.limit < 8.1


def test_a_refusal_below_the_limit_lowers_it_to_what_was_carried() -> None:
    key = Concurrency(limit=50.0)
    key.refused(10, 100.0)
    assert key.limit == pytest.approx(7.0)


def test_ten_minutes_without_a_refusal_forget_it() -> None:
    key = Concurrency()
    key.refused(10, 100.0)
    key.served(700.1)
    assert key.limit is None


@given(st.lists(st.one_of(st.none(), st.integers(1, 500))))
def test_the_limit_is_never_below_two(story: list[int | None]) -> None:
    key = Concurrency()
    for at, in_flight in enumerate(story):
        key.served(at) if in_flight is None else key.refused(in_flight, at)
        assert key.limit is None or key.limit >= LEAST
