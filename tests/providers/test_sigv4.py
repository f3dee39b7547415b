"""The signature, held to the vectors that AWS publishes (aws-sig-v4-test-suite)."""

from __future__ import annotations

from gammainfra.providers.sigv4 import AwsKeys, signed_headers

KEYS = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = 1440938160.0  # 2015-08-30T12:36:00Z


def signature(url: str, method: str, keys: AwsKeys = KEYS, **headers: str) -> str:
    made = signed_headers(url, headers, b"", keys, region="us-east-1", service="service", at=AT, method=method)
    assert made["x-amz-date"] == "20150830T123600Z"
    return made["authorization"].rpartition("Signature=")[2]


def test_the_plain_vectors_of_aws() -> None:
    assert signature("https://example.amazonaws.com/", "GET") == (
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    assert signature("https://example.amazonaws.com/", "POST") == (
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )
    assert signature("https://example.amazonaws.com/?Param2=value2&Param1=value1", "GET") == (
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    )


def test_temporary_keys_bring_their_token_and_keys_never_print() -> None:
    keys = AwsKeys("AKIDEXAMPLE", "secret", "token")
    made = signed_headers("https://h", {}, b"", keys, region="r", service="s", at=AT)
    assert made["x-amz-security-token"] == "token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in made["authorization"]
    assert "secret" not in repr(keys)
