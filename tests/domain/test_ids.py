"""How identifiers look, and what may stand in headers and logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.ids import ALPHABET, api_key, base62, generation_id, is_visible_ascii, is_well_formed_key


@pytest.mark.parametrize(
    ("text", "visible"),
    [("a", True), ("t-7/b:{~", True), ("x" * 8, True), ("x" * 9, False), ("", False), ("a b", False)]
    + [(text, False) for text in ("a\n", "\x7f", "\u00e4", "\t")],
)
def test_visible_ascii_has_no_blank_no_control_and_a_bound(text: str, visible: bool) -> None:
    assert is_visible_ascii(text, 8) is visible


@given(st.integers(0, 62**6 - 1))
def test_base62_writes_every_number_in_its_width(number: int) -> None:
    written = base62(number, 6)
    assert len(written) == 6
    assert sum(ALPHABET.index(digit) * 62**place for place, digit in enumerate(reversed(written))) == number


@given(st.binary(min_size=16, max_size=16))
def test_a_generation_is_named_by_22_characters(random: bytes) -> None:
    name = generation_id(random)
    assert name.startswith("gen-")
    assert len(name) == 26
    assert is_visible_ascii(name, 26)


@given(st.binary(min_size=32, max_size=32), st.integers(14, 52))
def test_a_key_that_was_issued_is_well_formed_and_one_typing_error_is_seen(random: bytes, place: int) -> None:
    key = api_key(random)
    assert is_well_formed_key(key)
    wrong = "A" if key[place] != "A" else "B"
    assert not is_well_formed_key(key[:place] + wrong + key[place + 1 :])


@pytest.mark.parametrize(
    "key", ["", "sk-other-1", "sk-gammainfra-", "sk-gammainfra-abc_123456", "sk-gammainfra-\u00e4"]
)
def test_what_never_was_a_key_of_ours_is_not_well_formed(key: str) -> None:
    assert not is_well_formed_key(key)
