"""The dial: continuous budget, best quality within it, expected cost that never rises."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.routing.dial import budget, by_dial


class Offer(NamedTuple):
    """An endpoint as the dial sees it."""

    number: int
    worth: float
    cost: int | None


DIALS = [step / 100 for step in range(101)]
qualities = st.floats(0, 1)
costs = st.integers(0, 10**12)
offer_lists = st.lists(st.tuples(qualities, st.none() | costs), min_size=1, max_size=30).map(
    lambda pairs: [Offer(index, quality, cost) for index, (quality, cost) in enumerate(pairs)]
)


def test_the_budget_divides_the_cost_by_equal_factors() -> None:
    assert budget(1, 100, 0) == 100
    assert math.isclose(budget(1, 100, 0.5), 10)
    assert math.isclose(budget(1, 100, 0.25), 100**0.75)
    assert budget(1, 100, 1) == 1


def test_a_free_offer_does_not_pull_the_budget_to_zero_at_once() -> None:
    assert math.isclose(budget(0, 10_000, 0.5), 100)
    assert budget(0, 10_000, 1) == 0
    assert budget(0, 0, 0.5) == 0


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_budget_never_rises_and_never_falls_below_the_cheapest(one: float, other: float) -> None:
    cheapest, dearest = sorted((one, other))
    curve = [budget(cheapest, dearest, dial) for dial in DIALS]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in pairwise(curve))
    assert all(most >= cheapest for most in curve)


@given(offer_lists)
def test_the_expected_cost_never_rises_with_the_dial(offers: list[Offer]) -> None:
    chosen = [by_dial(offers, dial)[0].cost for dial in DIALS]
    assert len({cost is None for cost in chosen}) == 1
    assert all(later <= earlier for earlier, later in pairwise(cost for cost in chosen if cost is not None))


@given(offer_lists)
def test_the_ends_of_the_dial_are_best_and_cheapest(offers: list[Offer]) -> None:
    priced = [offer for offer in offers if offer.cost is not None]
    best, cheapest = by_dial(offers, 0)[0], by_dial(offers, 1)[0]
    if priced:
        # At dial 0 the budget is the dearest price, up to the last bit of a float.
        assert best.worth >= max(offer.worth for offer in priced)
        assert cheapest.cost == min(offer.cost for offer in priced if offer.cost is not None)


@given(offer_lists, st.floats(0, 1))
def test_no_offer_is_lost_or_doubled(offers: list[Offer], dial: float) -> None:
    assert sorted(offer.number for offer in by_dial(offers, dial)) == list(range(len(offers)))


def test_within_the_budget_quality_counts_then_cost_then_order_and_unpriced_come_last() -> None:
    offers = [
        Offer(0, 0.99, None),
        Offer(1, 0.9, 100),
        Offer(2, 0.8, 10),
        Offer(3, 0.8, 5),
        Offer(4, 0.5, 1),
        Offer(5, 0.95, 100),
        Offer(6, 0.8, 5),
    ]
    assert [offer.number for offer in by_dial(offers, 0.5)] == [3, 6, 2, 4, 5, 1, 0]
    assert [offer.number for offer in by_dial(offers[:1], 0.5)] == [0]
