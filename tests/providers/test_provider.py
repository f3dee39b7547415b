from __future__ import annotations

import pytest

from gammainfra.domain.failure import Cause
from gammainfra.providers.anthropic import PROVIDER as ANTHROPIC
from gammainfra.providers.azure import PROVIDER as AZURE
from gammainfra.providers.compatible import DIALECTS, compatible
from gammainfra.providers.deepseek import PROVIDER as DEEPSEEK
from gammainfra.providers.openai import PROVIDER as OPENAI
from gammainfra.providers.provider import Provider, api_key, bearer, x_api_key
from gammainfra.providers.zai import PROVIDER as ZAI


@pytest.mark.parametrize(
    ("provider", "base_url", "url"),
    [
        (OPENAI, None, "https://api.openai.com/v1/chat/completions"),
        (ANTHROPIC, None, "https://api.anthropic.com/v1/messages"),
        (ANTHROPIC, "https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
        (OPENAI, "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        (OPENAI, "http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1/chat/completions"),
        (OPENAI, "https://host.example/openai/v1", "https://host.example/openai/v1/chat/completions"),
        (AZURE, "https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/chat/completions"),
        (AZURE, "https://r.openai.azure.com/openai/", "https://r.openai.azure.com/openai/v1/chat/completions"),
        (AZURE, "https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            AZURE,
            "https://r.openai.azure.com/openai/deployments/gpt",
            "https://r.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
        (ZAI, None, "https://api.z.ai/api/paas/v4/chat/completions"),
        (DEEPSEEK, None, "https://api.deepseek.com/v1/chat/completions"),
    ],
)
def test_an_address_may_or_may_not_end_with_the_version(provider: Provider, base_url: str | None, url: str) -> None:
    assert provider.url(base_url) == url


def test_a_key_goes_into_the_vendors_header() -> None:
    assert bearer("k") == {"authorization": "Bearer k"}
    assert x_api_key("k") == {"x-api-key": "k"}
    assert api_key("k") == {"api-key": "k"}
    assert bearer("") == api_key("") == x_api_key("") == {}


def test_a_status_may_mean_something_of_its_own_at_a_host() -> None:
    body = b'{"error":{"message":"Insufficient Balance","type":"unknown_error"}}'
    assert DEEPSEEK.read_error(402, {}, body).cause is Cause.BILLING
    assert DEEPSEEK.read_error(500, {}, b"").cause is Cause.SERVER_ERROR
    assert DEEPSEEK.read_error(402, {}, body).message == "Insufficient Balance"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_host_of_ones_own_speaks_the_dialect_that_was_named(dialect: str) -> None:
    provider = compatible("mine", "http://127.0.0.1:1", dialect)
    assert (provider.name, provider.dialect.name) == ("mine", dialect)
    assert provider.url().startswith("http://127.0.0.1:1/v1/")


def test_no_other_dialect_exists() -> None:
    with pytest.raises(KeyError):
        compatible("mine", "http://127.0.0.1:1", "gemini")


@pytest.mark.parametrize(
    ("provider", "base_url", "url"),
    [
        (OPENAI, None, "https://api.openai.com/v1/models"),
        (ANTHROPIC, None, "https://api.anthropic.com/v1/models?limit=1000"),
        (ZAI, "https://mine.example/v4", "https://mine.example/v4/models"),
        (AZURE, "https://r.openai.azure.com", None),
    ],
)
def test_models_are_listed_beside_the_requests(provider: Provider, base_url: str | None, url: str | None) -> None:
    assert provider.list_url(provider.url(base_url)) == url


def test_an_odd_address_has_no_list() -> None:
    assert OPENAI.list_url("https://elsewhere.example/generate") is None
