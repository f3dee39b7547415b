from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.catalog.load import load
from gammainfra.catalog.price import charge, expected, output_bound, price_at, priced_at, upper_bound
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, Price, PriceWindow
from gammainfra.domain.money import PICO_PER_NANO
from gammainfra.domain.usage import Usage

FLAT = Price(5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000)
LONG = Price(10, 20, 1, 12, 20)
TIERED = Price(5, 10, 1, 6, 8, long_above=1000, long=LONG)
CAPABILITIES = Capabilities(context_tokens=200_000, max_output_tokens=8_000)

counts = st.integers(min_value=0, max_value=2_000_000)
usages = st.builds(Usage, counts, counts, counts, counts, counts, counts)
# Picos that are whole nanos: rounding then changes nothing, so sums can be compared exactly.
whole = st.integers(min_value=0, max_value=100_000).map(lambda nano: nano * PICO_PER_NANO)
whole_prices = st.builds(Price, whole, whole, whole, whole, whole)
picos = st.integers(min_value=0, max_value=200_000_000)
prices = st.builds(Price, picos, picos, picos, picos, picos)


def plus(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input_tokens + other.input_tokens,
        one.cache_read_tokens + other.cache_read_tokens,
        one.cache_write_tokens + other.cache_write_tokens,
        one.cache_write_1h_tokens + other.cache_write_1h_tokens,
        one.output_tokens + other.output_tokens,
        one.reasoning_tokens + other.reasoning_tokens,
    )


def test_each_class_of_tokens_has_its_own_price_and_reasoning_is_output() -> None:
    usage = Usage(1, 10, 100, 1_000, 10_000, 100_000)
    bill = charge(usage, FLAT)
    assert bill.input_nano == 5_000
    assert bill.cache_read_nano == 10 * 500
    assert bill.cache_write_nano == 100 * 6_250 + 1_000 * 10_000
    assert bill.output_nano == 110_000 * 25_000


def test_a_line_is_rounded_once_half_to_even() -> None:
    half = Price(500, 1500, 250, 250, 250)
    bill = charge(Usage(input_tokens=1, output_tokens=1, cache_write_tokens=1, cache_write_1h_tokens=1), half)
    # 0.5 -> 0, 1.5 -> 2, and the two write classes together are 0.5 -> 0, not 0.25 twice.
    assert (bill.input_nano, bill.output_nano, bill.cache_write_nano) == (0, 2, 0)


def test_the_long_tier_holds_for_the_whole_request_once_the_prompt_exceeds_it() -> None:
    at = Usage(input_tokens=900_000, cache_read_tokens=0)
    assert charge(Usage(input_tokens=1000), TIERED).input_nano == 5  # 1000 * 5 pico
    assert charge(at, TIERED).input_nano == 9_000
    # Everything in the prompt counts, cached or not.
    assert charge(Usage(input_tokens=1, cache_read_tokens=1000, output_tokens=1_000), TIERED).output_nano == 20


def test_a_long_price_without_a_threshold_never_holds() -> None:
    assert charge(Usage(input_tokens=1000), Price(5, 10, 1, 6, 8, long=LONG)).input_nano == 5


@given(usages, usages, whole_prices)
def test_charges_add_up_exactly_when_nothing_is_rounded(one: Usage, other: Usage, price: Price) -> None:
    together = charge(plus(one, other), price)
    assert together.total_nano == charge(one, price).total_nano + charge(other, price).total_nano


@given(usages, usages, prices)
def test_more_tokens_never_cost_less(one: Usage, more: Usage, price: Price) -> None:
    assert charge(plus(one, more), price).total_nano >= charge(one, price).total_nano


@given(usages, prices)
def test_rounding_moves_a_line_by_at_most_half_a_nano(usage: Usage, price: Price) -> None:
    exact = usage.input_tokens * price.input_pico
    assert abs(charge(usage, price).input_nano * PICO_PER_NANO - exact) <= PICO_PER_NANO // 2


@given(counts, counts, counts, prices)
def test_no_split_of_a_prompt_costs_more_than_its_upper_bound(
    plain: int, written: int, answer: int, price: Price
) -> None:
    dear = max(price.input_pico, price.cache_write_pico, price.cache_read_pico)
    usual = Price(price.input_pico, price.output_pico, price.cache_read_pico, dear, price.cache_write_1h_pico)
    bound = upper_bound(usual, input_tokens=plain + written, output_tokens=answer)
    usage = Usage(input_tokens=plain, cache_write_tokens=written, output_tokens=answer)
    # Three lines, each rounded by up to half a nano.
    assert charge(usage, usual).total_nano <= bound + 2


def test_the_upper_bound_rounds_up_and_takes_the_dearer_tier() -> None:
    assert upper_bound(TIERED, input_tokens=1, output_tokens=0) == 1
    assert upper_bound(TIERED, input_tokens=1_000, output_tokens=100) == 7  # 1000 * 6 + 100 * 10 pico
    assert upper_bound(TIERED, input_tokens=2_000, output_tokens=0) == 24
    cheap_long = Price(5, 10, 1, 6, 8, long_above=1000, long=Price(1, 1, 1, 1, 1))
    assert upper_bound(cheap_long, input_tokens=2_000, output_tokens=0) == 12


def test_the_upper_bound_counts_the_hour_cache_only_when_asked_for() -> None:
    assert upper_bound(FLAT, input_tokens=1, output_tokens=0) == 6_250
    assert upper_bound(FLAT, input_tokens=1, output_tokens=0, hour_cache=True) == 10_000


def test_the_output_to_reckon_with_is_what_the_caller_allows_or_4k_within_the_models_limit() -> None:
    assert output_bound(None, CAPABILITIES) == 4096
    assert output_bound(500, CAPABILITIES) == 500
    assert output_bound(1_000_000, CAPABILITIES) == 8_000
    assert output_bound(None, Capabilities(context_tokens=10_000, max_output_tokens=1_000)) == 1_000


def test_the_expected_cost_knows_what_is_cached_and_what_will_be_written() -> None:
    assert expected(FLAT, input_tokens=1_000, output_tokens=10) == 5_000_000 + 250_000
    assert expected(FLAT, input_tokens=1_000, output_tokens=0, cached_tokens=900) == 900 * 500 + 100 * 5_000
    assert expected(FLAT, input_tokens=1_000, output_tokens=0, writes_cache=True) == 6_250_000
    assert expected(FLAT, input_tokens=10, output_tokens=0, cached_tokens=900) == 5_000


def endpoint(*windows: PriceWindow, price: Price | None = FLAT) -> Endpoint:
    model = Model("v/m", "v", "m", "M", CAPABILITIES)
    return Endpoint("v", model, "m", price, windows=windows)


def at(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, 11, day, hour, minute, 59, tzinfo=UTC).timestamp()


def test_without_windows_the_usual_price_holds_and_the_endpoint_stays_the_same() -> None:
    plain = endpoint()
    assert price_at(plain, at(23, 2)) == FLAT
    assert priced_at(plain, at(23, 2)) is plain
    assert price_at(endpoint(price=None), at(23, 2)) is None


def test_deepseek_costs_double_on_weekdays_in_its_two_windows() -> None:
    deepseek = load().endpoints["deepseek/deepseek-v4-pro"][0]
    assert deepseek.price is not None
    double = 2 * deepseek.price.input_pico
    # 23 November 2026 is a Monday, the 28th a Saturday.
    for wall_s, input_pico in [
        (at(23, 0, 59), deepseek.price.input_pico),
        (at(23, 1, 0), double),
        (at(23, 3, 59), double),
        (at(23, 4, 0), deepseek.price.input_pico),
        (at(23, 9, 59), double),
        (at(27, 6, 0), double),
        (at(28, 2, 0), deepseek.price.input_pico),
        (at(29, 6, 0), deepseek.price.input_pico),
    ]:
        now = priced_at(deepseek, wall_s).price
        assert now is not None
        assert now.input_pico == input_pico


def test_an_introductory_price_ends_on_its_day() -> None:
    argon = load().endpoints["google/gemini-4-argon"][0]
    before = price_at(argon, datetime(2026, 11, 30, 23, 59, tzinfo=UTC).timestamp())
    after = price_at(argon, datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert before is not None
    assert after is not None
    assert (before.input_pico, after.input_pico) == (2_000_000, 4_000_000)


def test_of_two_windows_that_hold_the_later_one_decides() -> None:
    assert price_at(endpoint(PriceWindow(TIERED), PriceWindow(LONG)), 0.0) == LONG
    assert price_at(endpoint(PriceWindow(TIERED), PriceWindow(LONG, since_s=10)), 0.0) == TIERED
