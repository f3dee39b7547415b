from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.web.dashboard import format as show


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (None, "no price"),
        (0, "$0"),
        (1, "$0.000000001"),
        (431_000, "$0.000431"),
        (31_200_000, "$0.0312"),
        (999_999_999, "$1.0000"),
        (1_234_000_000, "$1.234"),
        (12_345_000_000, "$12.34"),
        (1_234_567_000_000, "$1,234.57"),
        (-31_200_000, "−$0.0312"),
    ],
)
def test_money_at_a_glance(nano: int | None, shown: str) -> None:
    assert show.money(nano) == shown


@given(st.integers(0, 10**15))
def test_a_column_of_costs_has_five_decimals_and_is_never_off_by_more_than_half_of_the_last(nano: int) -> None:
    shown = show.cost(nano)
    if shown.startswith("<"):
        assert 0 < nano < 5_000
    else:
        number, _, places = shown.removeprefix("$").replace(",", "").partition(".")
        assert len(places) == 5
        assert abs(int(number + places) * 10_000 - nano) <= 5_000


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "–"),
        (0.25, "0.2 ms"),
        (840, "840 ms"),
        (999.6, "1.00 s"),
        (12_340, "12.3 s"),
        (59_960, "1 min"),
        (125_000, "2 min 5 s"),
        (4_320_000, "1 h 12 min"),
        (273_600_000, "3 d 4 h"),
    ],
)
def test_durations(ms: float | None, shown: str) -> None:
    assert show.duration(ms) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(950, "950"), (12_345, "12.3k"), (456_000, "456k"), (4_560_000, "4.56M"), (2 * 10**9, "2.00B")],
)
def test_numbers_in_few_characters(number: int, shown: str) -> None:
    assert show.short(number) == shown


def test_prices_are_usd_per_million_tokens() -> None:
    assert show.per_million(3_000_000) == "$3.00"
    assert show.per_million(37_500) == "$0.0375"
    assert show.rate(15_000_000, 1000) == "$15.00"


def test_shares_and_changes() -> None:
    assert [show.share(1, 0), show.share(0, 9), show.share(1, 3000), show.share(1, 30)] == ["–", "0%", "<0.1%", "3.3%"]
    assert [show.change(112, 100), show.change(1, 0), show.change(50, 100), show.change(3000, 100)] == [
        "+12%", "", "−50%", "30×",
    ]  # fmt: skip


def test_times_are_utc() -> None:
    assert show.full(0.5) == "1970-01-01 00:00:00.500 UTC"
    assert show.moment(0, 100) == "00:00:00"
    assert show.moment(0, 10**6) == "1 Jan 00:00"
    assert [show.ago(0, at) for at in (1, 40, 300, 10**4, 10**6)] == [
        "just now", "40 s ago", "5 min ago", "2 h ago", "11 d ago",
    ]  # fmt: skip


def test_words_are_counted() -> None:
    assert [show.plural(1, "step"), show.plural(2, "retry"), show.plural(2, "key")] == ["1 step", "2 retries", "2 keys"]
