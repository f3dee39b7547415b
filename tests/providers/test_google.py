"""The two places where generateContent is spoken: addresses, keys, and what each of them calls itself."""

from __future__ import annotations

import pytest

from gammainfra.providers.google import PROVIDER as GOOGLE
from gammainfra.providers.provider import x_goog_api_key
from gammainfra.providers.vertex import PROVIDER as VERTEX
from gammainfra.providers.vertex import account_url


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, "https://generativelanguage.googleapis.com/v1beta/models"),
        ("https://proxy.example/gemini/", "https://proxy.example/gemini/v1beta/models"),
        ("https://proxy.example/v1beta", "https://proxy.example/v1beta/models"),
    ],
)
def test_models_of_the_gemini_api_stand_under_its_version(base_url: str | None, url: str) -> None:
    assert GOOGLE.url(base_url) == url


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("", "aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("evil.example/", "evil.example%2F-aiplatform.googleapis.com"),
    ],
)
def test_models_of_vertex_stand_under_project_and_location(location: str, host: str) -> None:
    base = account_url("my-project", location)
    assert base.startswith(f"https://{host}/v1/projects/my-project/locations/")
    assert VERTEX.url(base) == base + "/publishers/google/models"


def test_an_accounts_own_address_has_no_list_of_models() -> None:
    assert GOOGLE.list_url(GOOGLE.url()) == "https://generativelanguage.googleapis.com/v1beta/models"
    assert VERTEX.list_url(VERTEX.url(account_url("mine", ""))) is None


def test_a_project_may_be_one_of_a_domain() -> None:
    assert account_url("example.com:mine", "").endswith("/projects/example.com:mine/locations/global")


def test_each_has_its_own_header_and_reads_its_own_signatures_only() -> None:
    assert x_goog_api_key("k") == GOOGLE.auth("k") == {"x-goog-api-key": "k"}
    assert x_goog_api_key("") == {}
    assert VERTEX.auth("t") == {"authorization": "Bearer t"}
    assert GOOGLE.dialect.name == VERTEX.dialect.name
    assert GOOGLE.dialect is not VERTEX.dialect
