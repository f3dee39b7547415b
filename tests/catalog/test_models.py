from __future__ import annotations

from itertools import pairwise

import pytest

from gammainfra.catalog.load import LABELS, LANES, Tables, load
from gammainfra.domain.endpoint import Price

# The published chains, best first.
PUBLISHED = {
    "reasoning": (
        "deepseek/deepseek-v4-pro",
        "openai/gpt-5.4",
        "anthropic/claude-opus-4-6",
        "google/gemini-3.1-pro-preview",
    ),
    "code": (
        "anthropic/claude-sonnet-4-6",
        "openai/gpt-5.4-mini",
        "deepseek/deepseek-v4-flash",
        "mistral/devstral-2512",
    ),
    "chat": (
        "openai/gpt-5-mini",
        "mistral/mistral-small-2603",
        "xai/grok-4-1-fast",
        "groq/llama-3.1-8b-instant",
    ),
    "extraction": ("google/gemini-2.5-flash-lite", "openai/gpt-5-nano", "mistral/mistral-small-2603"),
    "summarize": ("google/gemini-3.1-flash-lite", "deepseek/deepseek-v4-flash"),
}
# The dial's published sample, dial 0 to 1.
DIAL = (
    "anthropic/claude-opus-4-7",
    "anthropic/claude-sonnet-4-6",
    "openai/gpt-5-mini",
    "google/gemini-3-flash-preview",
    "groq/llama-3.1-8b-instant",
)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load()


def test_every_file_of_the_package_loads_and_every_model_has_an_endpoint(tables: Tables) -> None:
    vendors = {model.vendor for model in tables.models.values()}
    assert vendors == {"anthropic", "deepseek", "google", "groq", "mistral", "openai", "xai"}
    assert len(tables.models) >= 60
    assert all(tables.endpoints[model_id] for model_id in tables.models)


def test_every_price_names_its_source_and_day(tables: Tables) -> None:
    for endpoints in tables.endpoints.values():
        for endpoint in endpoints:
            assert endpoint.price is not None
            assert tables.price_sources[endpoint.name].endswith("2026-11-23")


def test_every_model_is_rated_for_every_label_with_a_source(tables: Tables) -> None:
    for model in tables.models.values():
        does = model.capabilities.does
        lanes = {"tools"} if "images" not in does else set(LANES)
        assert set(model.quality) == set(LABELS) | lanes, model.id
        assert model.quality_source.startswith("prior: vendor tier"), model.id


@pytest.mark.parametrize("label", PUBLISHED)
def test_quality_keeps_the_order_of_the_published_chains(tables: Tables, label: str) -> None:
    for better, worse in pairwise(PUBLISHED[label]):
        assert tables.models[better].quality[label] > tables.models[worse].quality[label]


def test_quality_keeps_the_order_of_the_published_dial_sample(tables: Tables) -> None:
    for better, worse in pairwise(DIAL):
        assert tables.models[better].quality["chat"] > tables.models[worse].quality["chat"]


@pytest.mark.parametrize("label", ["reasoning", "code", "chat"])
def test_a_published_chain_is_the_chain_of_its_first_model(tables: Tables, label: str) -> None:
    first, *rest = PUBLISHED[label]
    assert tables.models[first].chain == tuple(rest)


def test_a_model_and_its_chain_span_three_vendors(tables: Tables) -> None:
    for model in tables.models.values():
        chain = [model, *(tables.models[follower] for follower in model.chain)]
        assert 3 <= len(chain) <= 4, model.id
        assert len({one.vendor for one in chain}) >= 3, model.id


def test_no_id_or_alias_contains_the_substrings_that_switch_roo_code(tables: Tables) -> None:
    # Contract C24: Roo Code changes its request shape on these.
    exceptions = {"openai/o3"}
    names = {*tables.models, *tables.aliases, "gammainfra/auto", "gammainfra/fast"}
    assert {name for name in names if any(trap in name for trap in ("o1", "o3", "o4"))} == exceptions


def test_prices_of_the_named_models_are_what_the_vendors_print(tables: Tables) -> None:
    def price(model_id: str) -> Price:
        found = tables.endpoints[model_id][0].price
        assert found is not None
        return found

    assert price("anthropic/claude-opus-4-7") == Price(5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000)
    assert price("openai/gpt-5") == Price(1_250_000, 10_000_000, 125_000, 1_250_000, 1_250_000)
    assert price("deepseek/deepseek-v4-pro") == Price(660_000, 1_980_000, 22_000, 660_000, 660_000)
    long = Price(5_000_000, 22_500_000, 500_000, 5_000_000, 5_000_000)
    assert price("openai/gpt-5.4") == Price(2_500_000, 15_000_000, 250_000, 2_500_000, 2_500_000, 272_000, long)


def test_capabilities_of_the_vendors_are_facts_of_their_documentation(tables: Tables) -> None:
    def able(model_id: str) -> tuple[str, bool, bool]:
        one = tables.models[model_id].capabilities
        return one.thinking, "temperature" in one.refuses, one.forced_tool_choice

    assert able("anthropic/claude-opus-4-5") == ("budget", False, True)
    assert able("anthropic/claude-opus-4-6") == ("adaptive", False, True)
    assert able("anthropic/claude-opus-4-7") == ("adaptive", True, True)
    assert able("anthropic/claude-fable-5-1") == ("adaptive", True, False)
    assert able("openai/gpt-5") == ("effort", True, True)
    assert able("openai/gpt-4.1") == ("none", False, True)
    assert able("deepseek/deepseek-v4-pro") == ("always", False, False)
    assert tables.models["openai/gpt-5"].capabilities.renames == {"max_tokens": "max_completion_tokens"}
    assert tables.models["deepseek/deepseek-v4-pro"].capabilities.renames == {"max_completion_tokens": "max_tokens"}
