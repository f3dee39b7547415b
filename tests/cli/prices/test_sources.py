"""Other people's price books as ours: decimals snapped, conditions as windows, variants as tiers, and rows to keep."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage

from gammainfra.catalog.load import compile_files, load
from gammainfra.catalog.price import charge, price_at
from gammainfra.cli.prices.compare import ALWAYS, differences
from gammainfra.cli.prices.disputes import read_disputes
from gammainfra.cli.prices.genai import CannotQuote, GenaiPrices, snap
from gammainfra.cli.prices.litellm import LiteLlmFile
from gammainfra.cli.prices.rows import toml, usd_per_million
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, Price, PriceWindow
from gammainfra.domain.usage import Usage

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
WORKING_WEEK_S = 5 * 86_400  # on the weekend the two books disagree about DeepSeek, see disputes.toml
MODEL = Model("acme/large", "acme", "large", "Large", Capabilities(context_tokens=1000, max_output_tokens=100))
ENDPOINT = Endpoint("acme", MODEL, "large-v1", price=None)


def prices(**said: object) -> SimpleNamespace:
    return SimpleNamespace(**said)


def tiers(base: str, *above: tuple[int, str]) -> SimpleNamespace:
    rows = [SimpleNamespace(start=start, price=Decimal(price)) for start, price in above]
    return SimpleNamespace(base=Decimal(base), tiers=rows)


def book(prices: object, *variants: object) -> GenaiPrices:
    model = SimpleNamespace(prices=prices, price_variants=list(variants))
    provider = SimpleNamespace(find_model={"large-v1": model}.get)
    return GenaiPrices({"acme": provider}, "1.0", TODAY)


def quoted(book: GenaiPrices) -> Endpoint:
    quote = book.quote(ENDPOINT)
    assert quote is not None
    return quote


def test_decimals_are_snapped_to_pico_usd() -> None:
    assert snap(Decimal("1.0399999999999998")) == 1_040_000
    assert snap(Decimal("0.003625")) == 3_625


def test_a_class_without_a_price_costs_what_its_nearest_relative_costs() -> None:
    one = quoted(book(prices(input_mtok=Decimal(3), output_mtok=Decimal(15), cache_write_mtok=Decimal("3.75"))))
    assert one.price == Price(3_000_000, 15_000_000, 3_000_000, 3_750_000, 3_750_000)


def test_prices_of_the_past_are_left_out_and_those_to_come_are_windows() -> None:
    began = SimpleNamespace(start_date=date(2026, 3, 1))
    coming = SimpleNamespace(start_date=date(2027, 1, 1))
    night = SimpleNamespace(start_time=time(22, 30, tzinfo=UTC), end_time=time(2, 0, tzinfo=UTC))
    stages = [
        SimpleNamespace(constraint=constraint, prices=prices(input_mtok=Decimal(usd), output_mtok=Decimal(usd)))
        for constraint, usd in ((None, 9), (began, 5), (night, 1), (coming, 4))
    ]
    one = quoted(book(stages))
    assert one.price is not None
    assert one.price.input_pico == 5_000_000
    assert [(window.price.input_pico, window.since_s, window.minutes) for window in one.windows] == [
        (1_000_000, 0, ((0, 120), (1350, 1440))),
        (4_000_000, int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()), ((0, 1440),)),
    ]


def test_a_long_context_tier_prices_every_class() -> None:
    one = quoted(book(prices(input_mtok=tiers("2.5", (272_000, "5")), output_mtok=Decimal(15))))
    assert one.price is not None
    assert one.price.long is not None
    assert (one.price.long_above, one.price.long.input_pico, one.price.long.output_pico) == (
        272_000,
        5_000_000,
        15_000_000,
    )


def test_variants_that_have_begun_are_service_tiers() -> None:
    flex = SimpleNamespace(when={"service_tier": "flex"}, prices=prices(input_mtok=Decimal(1)), constraint=None)
    same = SimpleNamespace(when={"service_tier": "default"}, prices=prices(), constraint=None)
    batch = SimpleNamespace(when={"processing": "batch"}, prices=prices(input_mtok=Decimal(1)), constraint=None)
    coming = SimpleNamespace(start_date=date(2027, 1, 1))
    later = SimpleNamespace(when={"speed": "fast"}, prices=prices(input_mtok=Decimal(9)), constraint=coming)
    standard = prices(input_mtok=Decimal(2), output_mtok=Decimal(8))
    assert quoted(book(standard, flex, same, batch, later)).tiers == {
        "flex": Price(1_000_000, 8_000_000, 1_000_000, 1_000_000, 1_000_000)
    }


@pytest.mark.parametrize(
    ("strange", "message"),
    [
        (prices(input_mtok=tiers("1", (128, "2"), (256, "3"))), "more than one long-context tier"),
        (prices(output_mtok=Decimal(1)), "no price for input tokens"),
    ],
)
def test_what_the_book_has_no_row_for_cannot_be_quoted(strange: object, message: str) -> None:
    with pytest.raises(CannotQuote, match=message):
        book(strange).quote(ENDPOINT)


def test_unknown_models_and_providers_have_no_quote() -> None:
    assert book(prices()).quote(replace(ENDPOINT, upstream_model="small")) is None
    assert book(prices()).quote(replace(ENDPOINT, provider="nobody")) is None


def litellm_file(folder: Path, rows: dict[str, dict[str, Any]]) -> LiteLlmFile:
    path = folder / "prices.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return LiteLlmFile.read(path)


def test_litellms_rows_are_read_with_their_long_context_and_their_tiers(tmp_path: Path) -> None:
    row = {
        "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1.5e-05,
        "cache_read_input_token_cost": 2.5e-07,
        "cache_creation_input_token_cost": 0,
        "cache_creation_input_token_cost_above_1hr": 5e-06,
        "input_cost_per_token_above_272k_tokens": 5e-06,
        "output_cost_per_token_above_272k_tokens": 2.25e-05,
        "input_cost_per_token_flex": 1.25e-06,
        "litellm_provider": "acme",
    }
    quote = litellm_file(tmp_path, {"acme/large-v1": row}).quote(ENDPOINT)
    assert quote is not None
    assert quote.price == Price(
        2_500_000,
        15_000_000,
        250_000,
        2_500_000,
        5_000_000,
        long_above=272_000,
        long=Price(5_000_000, 22_500_000, 250_000, 5_000_000, 5_000_000),
    )
    assert quote.tiers == {"flex": Price(1_250_000, 15_000_000, 250_000, 1_250_000, 5_000_000)}


def test_litellms_file_may_not_know_a_model_or_have_more_tiers_than_a_row(tmp_path: Path) -> None:
    rows = {"acme/large-v1": {"input_cost_per_image": 1}}
    assert litellm_file(tmp_path, rows).quote(ENDPOINT) is None
    assert litellm_file(tmp_path, {}).quote(ENDPOINT) is None
    more = {f"input_cost_per_token{size}": 1 for size in ("", "_above_128k_tokens", "_above_256k_tokens")}
    with pytest.raises(CannotQuote, match="more than one long-context tier"):
        litellm_file(tmp_path, {"large-v1": more}).quote(ENDPOINT)


def test_printed_rows_are_read_back_as_the_same_prices() -> None:
    price = Price(660_000, 1_980_000, 22_000, 700_000, 800_000, long_above=200, long=Price(1, 2, 1, 1, 1))
    since_s = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    windows = (
        PriceWindow(Price(5, 6, 5, 5, 5), weekdays=frozenset({1, 2}), minutes=((60, 240), (360, 1440))),
        PriceWindow(Price(7, 8, 7, 7, 7), since_s=since_s),
    )
    one = replace(ENDPOINT, price=price, windows=windows, tiers={"flex": Price(3, 4, 3, 3, 3)})
    opening = 'vendor = "acme"\n[models.large]\nlimit = { context = 1000, output = 100 }\n'
    (read,) = compile_files([("own.toml", opening + toml(one, "their page"))]).endpoints["acme/large"]
    assert (read.price, read.windows, read.tiers, read.upstream_model) == (price, windows, one.tiers, "large-v1")
    assert usd_per_million(0) == "0"
    assert toml(ENDPOINT, "nobody").splitlines()[-1] == 'price_source = "nobody"'


# ---- the book itself ---------------------------------------------------------------------------------------------


def quotes() -> list[tuple[Endpoint, Endpoint]]:
    source = GenaiPrices.installed(TODAY)
    pairs = [(one, source.quote(one)) for endpoints in load().endpoints.values() for one in endpoints]
    return [(ours, theirs) for ours, theirs in pairs if theirs is not None]


def test_every_disagreement_with_genai_prices_is_explained() -> None:
    title = GenaiPrices.installed(TODAY).title
    pairs = quotes()
    found = [row for ours, theirs in pairs for row in differences(ours, theirs, int(NOON.timestamp()))]
    assert len(pairs) >= 60
    assert [row for row in found if read_disputes().explain(row, title) is None] == []
    assert {row.endpoint for row in found} == {
        "bedrock/claude-sonnet-4-5",
        "deepseek/deepseek-v4-flash",
        "deepseek/deepseek-v4-pro",
    }


def test_integer_prices_equal_genai_prices_on_ten_thousand_random_usages() -> None:
    source = GenaiPrices.installed(TODAY)
    dice = random.Random(20261123)
    compared = 0
    for ours, quote in quotes():
        if any(row.when == ALWAYS for row in differences(ours, quote, int(NOON.timestamp()))):
            continue  # explained, as the test above holds
        known = source.find(ours)
        assert known is not None
        provider, model = known
        for _ in range(150):
            at = MIDNIGHT + timedelta(seconds=dice.randrange(WORKING_WEEK_S))
            usage = random_usage(dice)
            price = price_at(ours, at.timestamp())
            assert price is not None
            theirs = model.calc_price(their_usage(usage), provider, genai_request_timestamp=at).total_price
            # Counts are thousands of tokens, so a sum in pico-USD is whole in nano-USD: nothing is rounded.
            assert charge(usage, price).total_nano == int((theirs * 10**9).to_integral_value()), (ours.name, usage, at)
            compared += 1
    assert compared >= 10_000


def random_usage(dice: random.Random) -> Usage:
    size = dice.choice((1, 20, 200))
    one, two, three, four, five = (1000 * dice.randrange(size) for _ in range(5))
    return Usage(
        input_tokens=one,
        cache_read_tokens=two,
        cache_write_tokens=three,
        cache_write_1h_tokens=five,
        output_tokens=four,
        reasoning_tokens=1000 * dice.randrange(5),
    )


def their_usage(usage: Usage) -> TheirUsage:
    return TheirUsage(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens + usage.cache_write_1h_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        output_tokens=usage.completion_tokens,
    )
