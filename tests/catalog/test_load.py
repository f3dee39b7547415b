from __future__ import annotations

import pytest

from gammainfra.catalog.load import CatalogError, built_in, compile_files, load, pico_per_token

MODEL = """
vendor = "acme"
[models."large"]
limit = { context = 1000, output = 100 }
"""
FULL = """
vendor = "acme"
[models."large"]
title = "Acme Large"
released = 2026-01-02
limit = { context = 1000, output = 100 }
does = ["tools", "images"]
quality = { code = 0.5, chat = 0.6 }
quality_source = "ours"
[[models."large".endpoints]]
provider = "acme"
upstream_model = "acme-large-v1"
dialect = "openai_responses"
ttft_ms = 300
price_source = "their page"
cost = { input = "3", output = "15", cache_read = "0.3" }
long_above = 200
long_cost = { input = "6", output = "30" }
windows = [{ cost = { input = "1", output = "2" }, hours_utc = ["00:00-24:00"] }]
"""


def compiled_error(*texts: str) -> str:
    with pytest.raises(CatalogError) as caught:
        compile_files([(f"file{number}.toml", text) for number, text in enumerate(texts)])
    return str(caught.value)


def test_a_bare_table_is_an_unpriced_model_with_defaults() -> None:
    tables = compile_files([("a.toml", MODEL)])
    model = tables.models["acme/large"]
    assert (model.vendor, model.name, model.title, model.released) == ("acme", "large", "large", "")
    assert model.capabilities.does == {"tools"}
    assert model.capabilities.forced_tool_choice
    assert tables.endpoints["acme/large"] == ()


def test_a_full_table_says_everything() -> None:
    tables = compile_files([("a.toml", FULL)])
    (endpoint,) = tables.endpoints["acme/large"]
    assert endpoint.upstream_model == "acme-large-v1"
    assert endpoint.dialect == "openai_responses"
    assert endpoint.model.released == "2026-01-02"
    assert endpoint.price is not None
    assert (endpoint.price.cache_read_pico, endpoint.price.cache_write_1h_pico) == (300_000, 3_000_000)
    assert endpoint.price.long is not None
    assert (endpoint.price.long_above, endpoint.price.long.cache_read_pico) == (200, 6_000_000)
    assert endpoint.windows[0].minutes == ((0, 1440),)
    assert tables.price_sources == {"acme/large": "their page"}


def test_a_later_file_overrides_what_it_says_and_nothing_else() -> None:
    over = """
    [models."acme/large"]
    title = "Renamed"
    quality = { chat = 0.7 }
    [[models."acme/large".endpoints]]
    provider = "acme"
    ttft_ms = 900
    [[models."acme/large".endpoints]]
    provider = "elsewhere"
    """
    tables = compile_files([("a.toml", FULL), ("b.toml", over)])
    model = tables.models["acme/large"]
    assert (model.title, model.quality, model.released) == ("Renamed", {"code": 0.5, "chat": 0.7}, "2026-01-02")
    first, second = tables.endpoints["acme/large"]
    assert (first.ttft_ms, first.upstream_model) == (900, "acme-large-v1")
    assert first.price is not None
    assert (second.provider, second.price, second.ttft_ms) == ("elsewhere", None, 1500)


def test_a_first_rating_and_a_first_endpoint_may_come_later() -> None:
    over = """
    [models."acme/large"]
    quality = { chat = 0.7 }
    quality_source = "ours"
    endpoints = [{ provider = "acme" }]
    """
    tables = compile_files([("a.toml", MODEL), ("b.toml", over)])
    assert tables.models["acme/large"].quality == {"chat": 0.7}
    assert len(tables.endpoints["acme/large"]) == 1


def test_a_new_cost_replaces_the_old_price_with_its_tiers_and_windows() -> None:
    over = """
    [models."acme/large"]
    endpoints = [{ provider = "acme", cost = { input = "2", output = "4" } }]
    """
    tables = compile_files([("a.toml", FULL), ("b.toml", over)])
    (endpoint,) = tables.endpoints["acme/large"]
    assert endpoint.price is not None
    assert (endpoint.price.input_pico, endpoint.price.long, endpoint.windows) == (2_000_000, None, ())
    assert endpoint.upstream_model == "acme-large-v1"
    assert tables.price_sources == {"acme/large": ""}


def test_operator_files_extend_the_package() -> None:
    tables = load([("mine.toml", MODEL + '[aliases]\n"big" = "acme/large"\n"quick" = "gammainfra/fast"\n')])
    assert "acme/large" in tables.models
    assert "anthropic/claude-opus-4-7" in tables.models
    assert tables.aliases["big"] == "acme/large"


def test_the_package_files_come_sorted_by_name() -> None:
    names = [name for name, _ in built_in()]
    assert names == sorted(names)
    assert "catalog/models/anthropic.toml" in names


@pytest.mark.parametrize(
    ("price", "pico"), [("0", 0), ("5", 5_000_000), ("0.003625", 3_625), ("0.000001", 1), ("1.2500000", 1_250_000)]
)
def test_prices_become_integers_exactly(price: str, pico: int) -> None:
    assert pico_per_token(price) == pico


@pytest.mark.parametrize("price", ["0.0000001", "-1", "1e3", "", "five", "1,5"])
def test_a_price_that_is_no_exact_integer_is_an_error(price: str) -> None:
    with pytest.raises(ValueError, match=r"use at most 6 places|plain decimal"):
        pico_per_token(price)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vendor = ", "file0.toml: "),
        ("vendors = 'acme'", "file0.toml: Object contains unknown field `vendors`"),
        ('vendor = "acme"\n[models."x"]\ncolour = 1', 'file0.toml: [models."x"]: Object contains unknown field'),
        ('vendor = "acme"\n[models."x"]\ntitle = "X"', "says no limit: add limit = "),
        (MODEL.replace("1000", "0"), "says no limit"),
        (MODEL.replace("output = 100", "output = 0"), "says no limit"),
        (MODEL.replace('vendor = "acme"', ""), "'large' is not a model id: write vendor/name"),
        (MODEL.replace("acme", "gammainfra"), "is not a model id"),
        (MODEL + "quality = { beauty = 0.5 }", "quality.beauty = 0.5: labels are reasoning, code"),
        (MODEL + "quality = { code = 1.5 }", "values 0 to 1"),
        (MODEL + "quality = { code = 0.5 }", "add quality_source"),
        (MODEL + 'chain = ["acme/small"]', "chain names acme/small"),
        (MODEL + 'chain = ["acme/large"]', "only other models"),
        (MODEL + 'endpoints = [{ provider = "" }]', "name one"),
        (MODEL + 'endpoints = [{ provider = "a", long_above = 5 }]', "give both or neither"),
        (
            MODEL + 'endpoints = [{ provider = "a", tiers = { flex = { cost = { input = "1", output = "1" } } } }]',
            "service tiers without a cost",
        ),
        (
            MODEL + 'endpoints = [{ provider = "a", long_above = 5, long_cost = { input = "1", output = "1" } }]',
            "add cost",
        ),
        (
            MODEL + 'endpoints = [{ provider = "a", windows = [{ cost = { input = "1", output = "1" } }] }]',
            "add cost",
        ),
        (MODEL + 'endpoints = [{ provider = "a", cost = { input = "-1", output = "1" } }]', "as text"),
        (MODEL + 'endpoints = [{ provider = "a", cost = { input = 1, output = "1" } }]', "Expected `str`"),
        (MODEL + '[aliases]\n"big" = "acme/huge"', "file0.toml: [aliases]: 'big' points to 'acme/huge'"),
        (FULL.replace('["00:00-24:00"]', '["9-5"]'), "write a span within one day, such as 01:00-04:00"),
        (FULL.replace('["00:00-24:00"]', '["09:00-05:00"]'), "write a span within one day"),
        (FULL.replace('["00:00-24:00"]', '["09:00-24:30"]'), "write a span within one day"),
        (FULL.replace("hours_utc", "weekdays = [0], hours_utc"), "1 is Monday, 7 is Sunday"),
        (FULL.replace("hours_utc", "weekdays = [], hours_utc"), "1 is Monday, 7 is Sunday"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_its_table_and_the_remedy(text: str, said: str) -> None:
    message = compiled_error(text)
    assert message.startswith("file0.toml: ")
    assert said in message


def test_the_error_names_the_file_that_spoke_last_about_the_model() -> None:
    over = '[models."acme/large"]\nchain = ["acme/none"]'
    assert compiled_error(FULL, over).startswith('file1.toml: [models."acme/large"]: chain names acme/none')
