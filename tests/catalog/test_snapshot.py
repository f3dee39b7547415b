from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gammainfra.catalog.load import compile_files, load
from gammainfra.catalog.snapshot import Catalog, build, show_price

MONDAY_NIGHT = datetime(2026, 11, 23, 2, tzinfo=UTC).timestamp()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
CATALOG = build(
    load(),
    ["anthropic", "deepseek", "my-vllm"],
    aliases={"GPT-4": "claude-opus-4-7", "claude-haiku-*": "gammainfra/auto", "quick": "gammainfra/fast"},
    chains={"my-coder": ["claude-opus-4-7", "my-vllm/q"]},
)


def rows(catalog: Catalog, *, everything: bool = False) -> dict[str, Any]:
    listing: Any = json.loads(json.dumps(catalog.listing(NOON, everything=everything)))
    assert listing["object"] == "list"
    return {row["id"]: row for row in listing["data"]}


def test_only_endpoints_of_configured_providers_exist() -> None:
    opus, gpt = CATALOG.models["anthropic/claude-opus-4-7"], CATALOG.models["openai/gpt-5"]
    assert [endpoint.name for endpoint in CATALOG.endpoints_for(opus, NOON)] == ["anthropic/claude-opus-4-7"]
    assert CATALOG.endpoints_for(gpt, NOON) == ()
    assert {model.vendor for model in CATALOG.offered()} == {"anthropic", "deepseek"}


def test_endpoints_carry_the_price_in_force() -> None:
    model = CATALOG.resolve("deepseek-v4-flash").models[0]
    (peak,), (usual,) = CATALOG.endpoints_for(model, MONDAY_NIGHT), CATALOG.endpoints_for(model, NOON)
    assert peak.price is not None
    assert usual.price is not None
    assert peak.price.output_pico == 2 * usual.price.output_pico


def test_a_model_that_passes_through_has_one_unpriced_endpoint() -> None:
    model = CATALOG.resolve_chain(["my-vllm/Qwen/Coder"]).models[0]
    (endpoint,) = CATALOG.endpoints_for(model, NOON)
    assert (endpoint.provider, endpoint.upstream_model, endpoint.price) == ("my-vllm", "Qwen/Coder", None)
    assert endpoint.name == "my-vllm/Qwen/Coder"


def test_the_listing_has_aliases_own_names_and_configured_models() -> None:
    listed = rows(CATALOG)
    assert {"gammainfra/auto", "gammainfra/fast", "my-coder", "anthropic/claude-opus-4-7"} <= set(listed)
    assert "openai/gpt-5" not in listed
    # An alias of one model is listed with its price; one with a * is no name that can be asked for.
    assert listed["GPT-4"]["pricing"] == listed["anthropic/claude-opus-4-7"]["pricing"]
    assert listed["quick"]["context_length"] == listed["gammainfra/fast"]["context_length"]
    assert "claude-haiku-*" not in listed
    assert "openai/gpt-5" in rows(CATALOG, everything=True)


def test_a_listed_model_has_the_fields_that_openrouters_clients_read() -> None:
    row = rows(CATALOG)["anthropic/claude-opus-4-7"]
    assert row["object"] == "model"
    assert row["owned_by"] == "anthropic"
    assert row["created"] == int(datetime(2026, 4, 16, tzinfo=UTC).timestamp())
    assert row["context_length"] == 1_000_000
    assert row["pricing"] == {
        "prompt": "0.000005",
        "completion": "0.000025",
        "input_cache_read": "0.0000005",
        "input_cache_write": "0.00000625",
    }
    assert row["architecture"] == {
        "modality": "text+image+file->text",
        "input_modalities": ["text", "image", "file"],
        "output_modalities": ["text"],
        "tokenizer": "Claude",
    }
    assert row["top_provider"]["max_completion_tokens"] == 128_000
    assert "temperature" not in row["supported_parameters"]
    assert {"tools", "reasoning", "structured_outputs", "max_tokens"} <= set(row["supported_parameters"])


def test_auto_can_do_what_any_offered_model_can_and_has_no_price() -> None:
    row = rows(CATALOG)["gammainfra/auto"]
    assert row["context_length"] == 1_000_000
    assert row["pricing"] == {}
    assert "tools" in row["supported_parameters"]


def test_an_unpriced_model_shows_no_price_at_all() -> None:
    text = """
    vendor = "acme"
    [models."x"]
    limit = { context = 9, output = 3 }
    does = []
    endpoints = [{ provider = "acme" }]
    """
    row = rows(build(compile_files([("a.toml", text)]), ["acme"]))["acme/x"]
    assert row["pricing"] == {}
    assert row["created"] == 0
    assert row["architecture"]["tokenizer"] == "Other"
    assert "response_format" not in row["supported_parameters"]


def test_without_providers_nothing_but_the_two_aliases_is_listed() -> None:
    listed = rows(build(load(), []))
    assert set(listed) == {"gammainfra/auto", "gammainfra/fast"}
    assert listed["gammainfra/auto"]["context_length"] == 0


@pytest.mark.parametrize(
    ("pico", "shown"),
    [(0, "0"), (1, "0.000000000001"), (1_250_000, "0.00000125"), (1_000_000_000_000, "1"), (10**13, "10")],
)
def test_prices_are_printed_exactly(pico: int, shown: str) -> None:
    assert show_price(pico) == shown
