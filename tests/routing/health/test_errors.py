"""What a failure means for whom."""

from __future__ import annotations

import pytest

from gammainfra.domain.failure import Cause, Fault
from gammainfra.routing.health.errors import ErrorRates, meaning


@pytest.mark.parametrize("cause", Cause)
def test_every_fault_of_a_provider_has_a_class_and_nothing_else_has(cause: Cause) -> None:
    assert (meaning(cause) is not None) == (cause.fault is Fault.PROVIDER)


def test_the_rates_are_moving_averages_by_class_and_what_is_long_over_is_forgotten() -> None:
    rates = ErrorRates()
    rates.add("timeout")
    rates.add("rate_limit")
    assert rates.shares == {"timeout": pytest.approx(0.16), "rate_limit": pytest.approx(0.2)}
    assert rates.total == pytest.approx(0.36)
    for _ in range(50):
        rates.add(None)
    assert (rates.shares, rates.total) == ({}, 0)
