"""Cooldowns and the budget of repeats."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from gammainfra.routing.health.cooldown import Cooldown, RetryBudget


def test_the_providers_word_holds() -> None:
    cooldown = Cooldown()
    cooldown.refused(30.0, 100.0)
    assert (cooldown.until, cooldown.guess_until, cooldown.since) == (130.0, 130.0, 100.0)


def test_the_longer_of_two_holds_and_none_is_longer_than_ten_minutes() -> None:
    cooldown = Cooldown()
    cooldown.refused(30.0, 100.0)
    cooldown.refused(5.0, 101.0)
    assert (cooldown.until, cooldown.since) == (130.0, 100.0)
    cooldown.refused(10_000.0, 101.0)
    assert cooldown.until == 101.0 + limits.COOLDOWN_MAX_S


@pytest.mark.parametrize(("refusals", "guess_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (99, 32.0)])
def test_without_a_word_the_guess_doubles_and_is_believed_from_the_third_refusal_on(
    refusals: int, guess_s: float
) -> None:
    cooldown = Cooldown()
    for _ in range(refusals):
        cooldown.refused(None, 100.0)
    assert cooldown.guess_until == 100.0 + guess_s
    assert cooldown.until == (0.0 if refusals < 3 else 100.0 + guess_s)


def test_an_answer_ends_it_unless_it_was_asked_for_before() -> None:
    cooldown = Cooldown()
    cooldown.refused(30.0, 100.0)
    cooldown.served(99.0)
    assert (cooldown.until, cooldown.refusals) == (130.0, 0)
    cooldown.served(101.0)
    assert cooldown == Cooldown(since=100.0)


def test_repeats_are_a_fifth_of_the_requests_and_three_a_second() -> None:
    budget = RetryBudget(at=100.0)
    for _ in range(10):
        assert budget.allows(100.0)
        budget.repeated(100.0)
    assert not budget.allows(100.0)
    budget.repeated(100.0)
    for _ in range(5):
        budget.asked(100.0)
    assert budget.allows(100.0)
    budget.repeated(100.0)
    assert not budget.allows(100.3)
    assert budget.allows(100.4)
    assert budget.allows(9999.0)
    assert budget.tokens == limits.RETRY_BUDGET_MAX
