from __future__ import annotations

import pytest

from gammainfra.catalog.load import CatalogError, load
from gammainfra.catalog.resolve import Asked, build_names
from gammainfra.domain.failure import Refused

TABLES = load(
    [
        (
            "bedrock.toml",
            """
            [models."anthropic/claude-opus-4-7"]
            endpoints = [{ provider = "bedrock", upstream_model = "us.anthropic.claude-opus-4-7-v1:0" }]
            [aliases]
            "house/best" = "gammainfra/auto"
            "house/quick" = "gammainfra/fast"
            """,
        )
    ]
)
PROVIDERS = ("anthropic", "openai", "deepseek", "my-vllm", "openrouter")
NAMES = build_names(
    TABLES,
    PROVIDERS,
    aliases={
        "claude-haiku-*": "gammainfra/auto",
        "claude-haiku-4-*": "openai/gpt-5-mini",
        "gpt-4": "openai/gpt-4.1",
        "coder": "my-coder",
    },
    chains={
        "my-coder": ["anthropic/claude-opus-4-7", "my-vllm/qwen", "openai/gpt-5"],
        "cheap": ["gammainfra/fast"],
    },
)


def ids(asked: Asked) -> list[str]:
    return [model.id for model in asked.models]


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("anthropic/claude-opus-4-7", "anthropic/claude-opus-4-7"),
        ("claude-opus-4-7", "anthropic/claude-opus-4-7"),
        ("claude-opus-4.7", "anthropic/claude-opus-4-7"),
        ("anthropic/claude-opus-4.7:thinking", "anthropic/claude-opus-4-7"),
        (" Anthropic/Claude-Opus-4-7 ", "anthropic/claude-opus-4-7"),
        ("anthropic/claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("gpt-5-2025-08-07", "openai/gpt-5"),
        ("gpt-5.4", "openai/gpt-5.4"),
        ("gpt-5-4", "openai/gpt-5.4"),
        ("gpt-5.6", "openai/gpt-5.6-sol"),
        ("openai/gpt-4o-mini:free", "openai/gpt-4o-mini"),
        ("deepseek-flash", "deepseek/deepseek-v4-flash"),
        ("x-ai/grok-4.1-fast", "xai/grok-4-1-fast"),
        ("x-ai/grok-4.1-fast:nitro", "xai/grok-4-1-fast"),
        ("xai/grok-4-1-fast-reasoning", "xai/grok-4-1-fast"),
        ("mistralai/mistral-small-2603", "mistral/mistral-small-2603"),
        ("mistralai/devstral-2512:floor", "mistral/devstral-2512"),
        ("meta-llama/llama-3.1-8b-instruct", "groq/llama-3.1-8b-instant"),
        ("openai/gpt-oss-120b:exacto", "groq/gpt-oss-120b"),
        ("groq/openai/gpt-oss-120b", "groq/gpt-oss-120b"),
        ("google/gemini-3-flash", "google/gemini-3-flash-preview"),
        ("o3", "openai/o3"),
        ("gpt-4", "openai/gpt-4.1"),
    ],
)
def test_a_name_in_any_known_spelling_is_its_model(name: str, model_id: str) -> None:
    asked = NAMES.resolve(name)
    assert asked.kind == "pin"
    assert asked.models[0].id == model_id


def test_a_pin_brings_its_published_chain() -> None:
    asked = NAMES.resolve("claude-sonnet-4-6")
    assert ids(asked) == [
        "anthropic/claude-sonnet-4-6",
        "openai/gpt-5.4-mini",
        "deepseek/deepseek-v4-flash",
        "mistral/devstral-2512",
    ]
    assert (asked.alias, asked.provider) == ("", "")


@pytest.mark.parametrize("name", ["bedrock/claude-opus-4-7", "bedrock/us.anthropic.claude-opus-4-7-v1:0"])
def test_another_provider_of_a_known_model_can_be_pinned(name: str) -> None:
    asked = NAMES.resolve(name)
    assert (asked.kind, asked.models[0].id, asked.provider) == ("pin", "anthropic/claude-opus-4-7", "bedrock")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("gammainfra/auto", Asked("auto")),
        ("gammainfra/fast", Asked("fast")),
        ("house/best", Asked("auto")),
        ("house/quick", Asked("fast")),
    ],
)
def test_auto_and_fast_leave_the_choice_to_routing(name: str, asked: Asked) -> None:
    assert NAMES.resolve(name) == asked


def test_aliases_come_before_models_and_the_longest_pattern_wins() -> None:
    assert NAMES.resolve("claude-haiku-5-5") == Asked("auto", alias="claude-haiku-*")
    asked = NAMES.resolve("claude-haiku-4-5-20251001")
    assert (asked.models[0].id, asked.alias) == ("openai/gpt-5-mini", "claude-haiku-4-*")
    assert NAMES.resolve("anthropic/claude-haiku-5-5").alias == ""
    assert NAMES.resolve("gpt-4").alias == "gpt-4"


def test_an_own_name_is_its_chain_and_an_alias_may_point_to_it() -> None:
    asked = NAMES.resolve("my-coder")
    assert asked.kind == "chain"
    assert ids(asked) == ["anthropic/claude-opus-4-7", "my-vllm/qwen", "openai/gpt-5"]
    assert asked.alias == "my-coder"
    assert NAMES.resolve("coder").alias == "coder"
    assert NAMES.resolve("cheap") == Asked("fast", alias="cheap")


@pytest.mark.parametrize(
    ("name", "provider", "sent"),
    [
        ("my-vllm/Qwen/Qwen3.5-Coder:free", "my-vllm", "Qwen/Qwen3.5-Coder:free"),
        ("openrouter/anthropic/claude-opus-4.7", "openrouter", "anthropic/claude-opus-4.7"),
        ("anthropic/claude-opus-9", "anthropic", "claude-opus-9"),
    ],
)
def test_anything_of_a_configured_provider_passes_through_verbatim(name: str, provider: str, sent: str) -> None:
    (model,) = NAMES.resolve(name).models
    assert (model.known, model.vendor, model.name, model.id) == (False, provider, sent, name)


def test_a_vendor_spelled_as_openrouter_does_passes_through_to_our_provider() -> None:
    names = build_names(TABLES, ["xai"])
    (model,) = names.resolve("x-ai/grok-99").models
    assert (model.id, model.vendor) == ("xai/grok-99", "xai")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("claude-opus-47", "Did you mean anthropic/claude-opus-4-7"),
        ("openia/gpt-5", "Did you mean openai/gpt-5"),
        ("mistral/unheard-of", "No provider named 'mistral' is configured."),
        ("zzz", "The model 'zzz' does not exist here. GET /v1/models lists every model"),
        ("", "GET /v1/models"),
        ("openai/", "The model 'openai/' does not exist here."),
        ("x" * 5000, "x" * 200 + "' does not exist"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_near(name: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        NAMES.resolve(name)
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    assert caught.value.retry is False
    assert said in caught.value.message
    assert len(caught.value.message) < 500


def test_the_callers_chain_is_the_first_model_of_each_name_once() -> None:
    asked = NAMES.resolve_chain(["gpt-5", "openai/gpt-5", "my-coder", "gammainfra/auto", "claude-opus-4-6"])
    assert asked.kind == "chain"
    assert ids(asked) == [
        "openai/gpt-5",
        "anthropic/claude-opus-4-7",
        "my-vllm/qwen",
        "anthropic/claude-opus-4-6",
    ]


def test_a_chain_that_begins_with_auto_is_auto() -> None:
    assert NAMES.resolve_chain(["gammainfra/auto", "gpt-5"]) == Asked("auto")


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(Refused, match="invalid_request: models is empty"):
        NAMES.resolve_chain([])


@pytest.mark.parametrize(
    ("aliases", "chains", "said"),
    [
        ({"a": "nowhere"}, {}, 'settings: [aliases."a"]: The model'),
        ({"a": "b", "b": "gpt-5"}, {}, 'settings: [aliases."a"]'),
        ({}, {"mine": ["nowhere"]}, 'settings: [models."mine"]: The model'),
        ({}, {"mine": []}, 'settings: [models."mine"]: models is empty'),
    ],
)
def test_settings_that_point_to_nothing_are_refused_at_start(
    aliases: dict[str, str], chains: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        build_names(TABLES, PROVIDERS, aliases, chains)
    assert said in str(caught.value)


def test_every_model_of_the_catalog_is_found_by_id_and_by_bare_name() -> None:
    names = build_names(TABLES, ())
    for model_id, model in TABLES.models.items():
        assert names.resolve(model_id).models[0] is model
        assert names.resolve(model.name).models[0] is model
