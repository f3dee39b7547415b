from __future__ import annotations

from gammainfra.providers.bedrock import PROVIDER, region_of
from gammainfra.providers.provider import Unsent

URL = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.claude:0/converse"


def asked(key: str) -> dict[str, str]:
    unsent = Unsent(key, URL, {"content-type": "application/json"}, b"{}", 1_800_000_000.0)
    assert key not in repr(unsent)
    return dict(PROVIDER.authenticate(unsent))


def test_an_api_key_is_a_bearer_token() -> None:
    assert asked("ABSKQmVkcm9jaw==") == {"authorization": "Bearer ABSKQmVkcm9jaw=="}


def test_an_access_key_signs_the_request_for_the_region_of_its_address() -> None:
    made = asked("AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    assert "Credential=AKIAIOSFODNN7EXAMPLE/20270115/eu-central-1/bedrock/aws4_request" in made["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date," in made["authorization"]
    assert "wJalr" not in str(made)
    temporary = asked("ASIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:tok=en")
    assert temporary["x-amz-security-token"] == "tok=en"


def test_the_region_is_the_addresss() -> None:
    assert region_of(URL) == "eu-central-1"
    assert region_of("https://bedrock-runtime-fips.us-west-2.amazonaws.com") == "us-west-2"
    assert region_of("http://127.0.0.1:9104/model") == "us-east-1"
