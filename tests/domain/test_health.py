"""Health as routing sees it."""

from __future__ import annotations

from gammainfra.domain.health import EndpointHealth, HealthSnapshot


def test_an_endpoint_that_was_never_asked_is_healthy() -> None:
    assert HealthSnapshot().of("openai/gpt-5").is_free(0.0)


def test_a_cooldown_ends_at_its_time_and_an_open_breaker_does_not() -> None:
    cooling, broken = EndpointHealth(not_before=10.0), EndpointHealth(open=True)
    health = HealthSnapshot({"a/x": cooling, "b/x": broken})
    assert not health.of("a/x").is_free(9.9)
    assert health.of("a/x").is_free(10.0)
    assert not health.of("b/x").is_free(1e9)
