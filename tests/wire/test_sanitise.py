from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.wire.sanitise import sanitise

SECRETS = [
    "sk-ant-api03-" + "aB3" * 20,
    "sk-proj-abc123DEF456",
    "gsk_abc123def456ghi789",
    "xai-0a1b2c3d4e5f6g7h",
    "AIzaSyA1234567890abcdefghijklmno",
    "AKIAIOSFODNN7EXAMPLE",
    "sk-ab***************cd12",
    hashlib.sha256(b"x").hexdigest(),
    base64.b64encode(bytes(range(60))).decode(),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "sentence", ["Incorrect API key provided: {}. Find yours online.", "bad key {}", '{{"key":"{}"}}', "{}"]
)
def test_a_credential_is_never_shown(secret: str, sentence: str) -> None:
    shown = sanitise(sentence.format(secret))
    assert "[hidden]" in shown
    assert secret not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc123def", "Authorization: Bearer [hidden]"),
        ('{"x-api-key": "abc123456"}', '{"x-api-key": "[hidden]"}'),
        ("api key 1234567890 is invalid", "api key [hidden] is invalid"),
        ("access_token=abc123def&x=1", "access_token=[hidden]"),
    ],
)
def test_what_follows_a_word_for_a_credential_is_hidden(text: str, shown: str) -> None:
    assert sanitise(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The bearer token is missing",
        "model meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8 not found",
        "see https://docs.example.com/docs/en/build-with-claude/preserved-thinking",
        "request req_011CdufXo8Y2LVfY2veyuQWG failed",
        "id 123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_plain_words_names_and_addresses_stay_readable(text: str) -> None:
    assert sanitise(text) == text


def test_control_characters_and_line_breaks_become_single_spaces() -> None:
    assert sanitise("a\r\n\x1b[31mb\x00\u202ec  d\ud800") == "a [31mb c d"


def test_a_long_text_is_cut_to_the_limit() -> None:
    assert sanitise("word " * 200, 20) == "word word word word…"


@given(st.text(max_size=600), st.integers(10, 500))
def test_the_limit_holds_and_the_text_is_printable(text: str, limit: int) -> None:
    shown = sanitise(text, limit)
    assert len(shown) <= limit
    assert "\n" not in shown
    shown.encode()
