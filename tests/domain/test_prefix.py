"""What of a system text is steady from step to step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.prefix import prefix_head_hash, steady_lines


@pytest.mark.parametrize(
    "line",
    [
        "Current time: 14:05:11",
        "Today is 2026-11-23.",
        "Date: 23.11.26",
        "Date: 11/23/2026",
        "It is November 23rd, 2026 today",
        "Context used: 37%",
        "Context used: 37.5 %",
        "Cost so far: $0.04",
        "Cost so far: 0,04 €",
        "Spent 3 USD",
    ],
)
def test_a_line_with_a_date_time_cost_or_share_is_left_out(line: str) -> None:
    assert steady_lines(f"You are a coder.\n{line}\nUse tools.\n") == "You are a coder.\nUse tools.\n"
    assert steady_lines(f"You are a coder.\n{line}") == "You are a coder.\n"
    assert steady_lines(f"{line}\nUse tools.") == "Use tools."
    assert steady_lines(line) == ""


@pytest.mark.parametrize("text", ["", "Python 3.12 on Linux 6.8", "Write at most 200 lines.\nuse port 8080", "v1.2.3"])
def test_other_numbers_stay(text: str) -> None:
    assert steady_lines(text) == text


@given(st.text())
def test_what_is_steady_stays_steady(text: str) -> None:
    assert steady_lines(steady_lines(text)) == steady_lines(text)


def test_the_clock_does_not_change_the_hash_and_another_mode_does() -> None:
    code = "You are Code.\nTime: 10:00\nEdit files.\n"
    assert prefix_head_hash(code) == prefix_head_hash(code.replace("10:00", "10:31"))
    assert prefix_head_hash(code) != prefix_head_hash(code.replace("Code", "Architect"))
    assert prefix_head_hash("\ud800") != prefix_head_hash("")
