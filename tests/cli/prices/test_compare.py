"""Two price books side by side: what counts as a disagreement, and when it holds."""

from __future__ import annotations

from dataclasses import replace

from gammainfra.cli.prices.compare import Difference, differences
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, Price, PriceWindow

MODEL = Model("acme/large", "acme", "large", "Large", Capabilities(context_tokens=1000, max_output_tokens=100))
PRICE = Price(5, 10, 1, 6, 8)
OURS = Endpoint("acme", MODEL, "large", PRICE)
MONDAY_S = 1_794_787_200  # 2026-11-16 00:00 UTC
WEEKDAYS = frozenset(range(1, 6))


def test_equal_books_agree() -> None:
    assert differences(OURS, replace(OURS, price=Price(5, 10, 1, 6, 8)), MONDAY_S) == ()


def test_one_class_that_differs_all_week_is_one_row() -> None:
    assert differences(OURS, replace(OURS, price=replace(PRICE, output_pico=12)), MONDAY_S + 59) == (
        Difference("acme/large", "output", 10, 12, "always"),
    )


def test_a_window_without_weekdays_differs_on_the_weekend_only() -> None:
    peak = replace(PRICE, input_pico=9)
    ours = replace(OURS, windows=(PriceWindow(peak, weekdays=WEEKDAYS, minutes=((60, 240), (360, 420))),))
    theirs = replace(OURS, windows=(PriceWindow(peak, minutes=((60, 240),)), PriceWindow(peak, minutes=((360, 420),))))
    assert differences(ours, theirs, MONDAY_S) == (Difference("acme/large", "input", 5, 9, "Sat Sun 01-04,06-07"),)


def test_a_long_context_tier_of_one_side_is_one_row() -> None:
    long = replace(PRICE, long_above=200, long=Price(10, 20, 2, 12, 16))
    (found,) = differences(replace(OURS, price=long), OURS, MONDAY_S)
    assert found == Difference("acme/large", "long_above", 200, None, "always")
    assert found.is_bound
    dearer = replace(long, long=Price(11, 20, 2, 12, 16))
    (found,) = differences(replace(OURS, price=long), replace(OURS, price=dearer), MONDAY_S)
    assert (found.what, found.ours, found.theirs) == ("long.input", 10, 11)


def test_service_tiers_are_compared_where_both_know_them() -> None:
    ours = replace(OURS, tiers={"flex": Price(2, 5, 1, 3, 4), "priority": PRICE})
    theirs = replace(OURS, tiers={"flex": Price(3, 5, 1, 3, 4), "fast": PRICE})
    assert differences(ours, theirs, MONDAY_S) == (Difference("acme/large", "flex.input", 2, 3, "always"),)


def test_an_endpoint_without_a_price_differs_in_every_class() -> None:
    found = differences(OURS, replace(OURS, price=None), MONDAY_S)
    assert [(row.what, row.theirs) for row in found] == [
        ("input", None),
        ("output", None),
        ("cache_read", None),
        ("cache_write", None),
        ("cache_write_1h", None),
    ]
