"""Health as routing sees it."""

from __future__ import annotations

import pytest

from gammainfra.domain.health import STATES, EndpointHealth, HealthSnapshot, HealthState


def test_an_endpoint_that_was_never_asked_is_healthy() -> None:
    assert HealthSnapshot().of("openai/gpt-5").is_free(0.0)


def test_what_is_true_of_a_provider_is_true_of_its_endpoints_that_were_not_asked() -> None:
    health = HealthSnapshot({"a/x": EndpointHealth()}, {"a": EndpointHealth(rejected_until=9.0, why="billing")})
    assert health.of("a/x").is_free(0.0)
    assert health.of("a/y").is_rejected(0.0)
    assert health.of("b/y").is_free(0.0)


@pytest.mark.parametrize(
    ("health", "state"),
    [
        (EndpointHealth(), "healthy"),
        (EndpointHealth(busy=True), "busy"),
        (EndpointHealth(busy=True, avoid_until=10.0), "cooling"),
        (EndpointHealth(not_before=10.0), "cooling"),
        (EndpointHealth(probing=True, not_before=10.0), "half_open"),
        (EndpointHealth(broken_until=10.0, probing=True), "open"),
        (EndpointHealth(rejected_until=10.0, broken_until=10.0), "rejected"),
    ],
)
def test_the_worst_that_is_true_names_the_state_until_its_time_is_over(
    health: EndpointHealth, state: HealthState
) -> None:
    assert health.state(9.9) == state
    assert health.badness(9.9) == STATES.index(state)
    assert health.state(10.0) == ("busy" if health.busy else "half_open" if health.probing else "healthy")
