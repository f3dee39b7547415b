"""What may stand in headers and logs."""

from __future__ import annotations

import pytest

from gammainfra.domain.ids import is_visible_ascii


@pytest.mark.parametrize(
    ("text", "visible"),
    [("a", True), ("t-7/b:{~", True), ("x" * 8, True), ("x" * 9, False), ("", False), ("a b", False)]
    + [(text, False) for text in ("a\n", "\x7f", "\u00e4", "\t")],
)
def test_visible_ascii_has_no_blank_no_control_and_a_bound(text: str, visible: bool) -> None:
    assert is_visible_ascii(text, 8) is visible
