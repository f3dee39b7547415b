"""Endpoints and their providers."""

from __future__ import annotations

from gammainfra.domain.endpoint import key_variable


def test_the_variable_that_configures_a_provider_is_named_after_it() -> None:
    assert key_variable("openai") == "OPENAI_API_KEY"
    assert key_variable("z.ai") == "Z_AI_API_KEY"
    assert key_variable("my-host") == "MY_HOST_API_KEY"
