"""The share of requests that may have a second leg: never exceeded, saved up only so far."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.gateway.state.hedge_budget import HedgeBudget


def test_nothing_may_be_taken_before_it_was_paid_in() -> None:
    budget = HedgeBudget(0.05)
    assert not budget.take()
    for _ in range(20):
        budget.pay_in()
    assert budget.take()
    assert not budget.take()


def test_calm_times_save_up_a_few_second_legs_and_no_more() -> None:
    budget = HedgeBudget(0.5)
    for _ in range(1000):
        budget.pay_in()
    assert [budget.take() for _ in range(12)] == [True] * int(limits.HEDGE_TOKENS) + [False] * 2


@given(st.floats(0, 1), st.lists(st.booleans(), max_size=300))
def test_second_legs_never_exceed_their_share_of_the_requests(share: float, asked: list[bool]) -> None:
    budget = HedgeBudget(share)
    for wants in asked:
        budget.pay_in()
        if wants:
            budget.take()
        assert budget.hedges <= share * budget.requests + 1e-6


def test_with_a_share_of_one_every_request_may_have_its_second_leg() -> None:
    budget = HedgeBudget(1.0)
    for _ in range(50):
        budget.pay_in()
        assert budget.take()
