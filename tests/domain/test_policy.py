"""What a key may use."""

from __future__ import annotations

from gammainfra.domain.policy import Policy, RateLimits


def test_no_list_allows_every_model() -> None:
    assert Policy().allows("openai/gpt-5")


def test_a_list_allows_its_models_and_whole_vendors() -> None:
    policy = Policy(allowed_models=("openai/gpt-5", "mistral/*"))
    assert policy.allows("openai/gpt-5")
    assert policy.allows("mistral/devstral-2512")
    assert not policy.allows("openai/gpt-5-mini")


def test_rate_limits_name_only_what_is_limited() -> None:
    assert not RateLimits()
    assert RateLimits(concurrency=2)
    assert RateLimits(60, 0, 2).shown == "60 requests per minute, 2 requests at a time"
