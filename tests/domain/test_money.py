"""Amounts of money: exact, printed and read back, rounded once."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.money import NANO_PER_USD, Charge, read_usd, round_to_nano, show_usd


@pytest.mark.parametrize(("pico", "nano"), [(0, 0), (499, 0), (500, 0), (501, 1), (1_500, 2), (2_500, 2), (2_501, 3)])
def test_a_sum_is_rounded_half_to_even(pico: int, nano: int) -> None:
    assert round_to_nano(pico) == nano


@given(st.integers(0, 10**18))
def test_rounding_agrees_with_decimal_arithmetic(pico: int) -> None:
    assert round_to_nano(pico) == int((Decimal(pico) / 1000).quantize(Decimal(1), ROUND_HALF_EVEN))


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(38_250_000, "0.038250000"), (0, "0.000000000"), (-1, "-0.000000001"), (-NANO_PER_USD * 3, "-3.000000000")],
)
def test_an_amount_is_printed_with_nine_places(nano: int, shown: str) -> None:
    assert show_usd(nano) == shown


@given(st.integers(0, 10**18 - 1))
def test_what_is_printed_reads_back(nano: int) -> None:
    assert read_usd(show_usd(nano)) == nano


@pytest.mark.parametrize(("text", "nano"), [("3", 3 * NANO_PER_USD), ("0.25", 250_000_000), ("0.000000001", 1)])
def test_a_plain_decimal_is_an_amount(text: str, nano: int) -> None:
    assert read_usd(text) == nano


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "-1", "+1", "1e3", "0.0000000001", "1 000", "1,5", "\u0661", "1\n", "9" * 10]
)
def test_anything_else_is_refused_with_the_allowed_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"write a plain decimal such as 0\.25"):
        read_usd(text)


def test_a_charge_adds_up() -> None:
    charge = Charge(input_nano=1, cache_read_nano=20, cache_write_nano=300, output_nano=4000)
    assert (charge.total_nano, charge.input_side_nano) == (4321, 321)
