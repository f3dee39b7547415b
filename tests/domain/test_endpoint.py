"""Endpoints and their providers."""

from __future__ import annotations

from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, key_variable


def test_the_variable_that_configures_a_provider_is_named_after_it() -> None:
    assert key_variable("openai") == "OPENAI_API_KEY"
    assert key_variable("z.ai") == "Z_AI_API_KEY"
    assert key_variable("my-host") == "MY_HOST_API_KEY"


def test_an_endpoint_is_called_by_its_provider_and_the_name_of_its_model() -> None:
    model = Model("anthropic/claude", "anthropic", "claude", "Claude", Capabilities(1000, 100))
    assert Endpoint("bedrock", model, upstream_model="anthropic.claude-v1", price=None).name == "bedrock/claude"
