from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gammainfra.catalog.load import compile_files, load
from gammainfra.catalog.snapshot import Catalog, build, show_price
from gammainfra.domain.failure import Refused

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


def test_models_that_only_the_settings_name_are_listed_without_limits_and_found_under_their_name() -> None:
    served = {"my-vllm": ["Qwen/Coder.2"], "anthropic": ["claude-opus-4-7"]}
    catalog = build(load(), ["anthropic", "my-vllm"], served=served)
    row = rows(catalog)["my-vllm/Qwen/Coder.2"]
    assert (row["context_length"], row["pricing"], row["owned_by"]) == (None, {}, "my-vllm")
    assert row["top_provider"] == {"context_length": None, "max_completion_tokens": None, "is_moderated": False}
    (model,) = catalog.resolve("my-vllm/qwen/coder-2").models
    assert (model.name, model.known) == ("Qwen/Coder.2", False)
    # What the catalog knows there stays the catalog's.
    assert [one.id for one in catalog.names.served] == ["my-vllm/Qwen/Coder.2"]
    assert rows(catalog)["anthropic/claude-opus-4-7"]["context_length"] == 1_000_000


def test_a_near_name_may_be_one_of_the_settings() -> None:
    catalog = build(load(), ["my-vllm"], served={"my-vllm": ["qwen-coder"]})
    with pytest.raises(Refused, match="Did you mean my-vllm/qwen-coder"):
        catalog.resolve("qwen-codr")


def test_what_no_known_provider_serves_is_not_offered_as_if_a_key_were_missing() -> None:
    catalog = build(load(), ["groq"], known=["openai"])
    vendors = {endpoint.provider for several in catalog.everything.values() for endpoint in several}
    assert vendors == {"groq", "openai"}
