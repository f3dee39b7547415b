from __future__ import annotations

import hashlib
from typing import Any

import pytest

from gammainfra.domain.chat import ResponseFormat, ToolChoice, ToolSpec
from gammainfra.domain.endpoint import Capabilities, ThinkingKind
from gammainfra.wire.anthropic import PROVIDER
from gammainfra.wire.anthropic.schema import closed_schema
from tests.wire.anthropic.rules import body, request, target
from tests.wire.conversations import user

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def sent(to: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return body(request(user("hi"), **fields), **(to or {}))


def dropped(to: dict[str, Any] | None = None, **fields: Any) -> tuple[str, ...]:
    return PROVIDER.write_request(request(user("hi"), **fields), target(**(to or {}))).dropped_params


def kind(thinking: ThinkingKind) -> dict[str, Any]:
    return {"capabilities": Capabilities(200_000, 64_000, thinking=thinking)}


@pytest.mark.parametrize(
    ("wanted", "to", "limit"),
    [
        (None, {}, 32_000),
        (None, {"default_max_tokens": 100_000}, 64_000),
        (77, {}, 77),
        (0, {}, 1),
        (100_000, {}, 64_000),
        (50_000, {"clamp_max_tokens": 21_000}, 21_000),
        (50_000, {"drop": frozenset({"max_tokens"})}, 8192),
    ],
)
def test_max_tokens_is_always_said_and_never_more_than_fits(wanted: int | None, to: dict[str, Any], limit: int) -> None:
    assert sent(to, max_tokens=wanted)["max_tokens"] == limit


# ------------------------------------------------------------------------------------ sampling


@pytest.mark.parametrize(("asked", "said"), [(0.0, 0.0), (0.7, 0.7), (1.7, 1.0), (-1.0, 0.0)])
def test_temperature_is_kept_between_0_and_1(asked: float, said: float) -> None:
    assert sent(temperature=asked)["temperature"] == said


def test_of_temperature_and_top_p_temperature_wins() -> None:
    assert "top_p" not in sent(temperature=0.5, top_p=0.9)
    assert dropped(temperature=0.5, top_p=0.9) == ("top_p",)
    alone = sent(top_p=1.5, top_k=5)
    assert (alone["top_p"], alone["top_k"]) == (1.0, 5)


def test_sampling_that_the_model_refuses_is_dropped_and_named() -> None:
    # models.dev#1468, rocketride#1194: any temperature is a 400 on newer models.
    refuses = frozenset({"temperature", "top_p", "top_k", "stop"})
    to = {"capabilities": Capabilities(200_000, 64_000, refuses=refuses)}
    fields: dict[str, Any] = {"temperature": 0.0, "top_p": 0.9, "top_k": 5, "stop": ("END",)}
    assert dropped(to, **fields) == ("temperature", "top_p", "top_k", "stop")
    assert sent(to, **fields).keys() == {"model", "max_tokens", "messages"}


def test_thinking_narrows_sampling() -> None:
    fields: dict[str, Any] = {"effort": "low", "temperature": 0.0, "top_p": 0.5, "top_k": 5}
    assert dropped(**fields) == ("temperature", "top_p", "top_k")
    assert sent(effort="low", temperature=1.0)["temperature"] == 1.0
    assert sent(effort="low", top_p=0.97)["top_p"] == 0.97


def test_white_space_is_no_stop_sequence() -> None:
    assert sent(stop=("END", "\n", " "))["stop_sequences"] == ["END"]
    assert dropped(stop=("END", "\n")) == ("stop",)
    assert "stop_sequences" not in sent(stop=("\n",))


# ----------------------------------------------------------------------------------- reasoning


@pytest.mark.parametrize(
    ("effort", "max_tokens", "budget"),
    [
        ("minimal", None, 1024),
        ("low", None, 2048),
        ("medium", None, 4096),
        ("high", None, 8192),
        ("xhigh", 64_000, 16_384),
        ("max", 20_000, 10_000),  # half of what there is, so that an answer fits
        ("high", 2000, 1024),
    ],
)
def test_an_effort_becomes_a_budget_below_max_tokens(effort: str, max_tokens: int | None, budget: int) -> None:
    assert sent(effort=effort, max_tokens=max_tokens)["thinking"] == {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(("asked", "said"), [(5000, 5000), (100, 1024), (31_999, 31_999), (40_000, 16_000)])
def test_a_budget_of_the_clients_own_is_kept_where_it_fits(asked: int, said: int) -> None:
    assert sent(thinking_budget=asked)["thinking"]["budget_tokens"] == said


@pytest.mark.parametrize(
    ("to", "fields"),
    [
        ({}, {"effort": "high", "max_tokens": 1024}),
        ({}, {"effort": "extreme"}),
        ({"drop": frozenset({"reasoning_effort"})}, {"effort": "high"}),
        (kind("none"), {"effort": "high"}),
        (kind("none"), {"thinking_budget": 2000}),
        # litellm#8901: a forced tool and thinking are a 400 together.
        ({}, {"effort": "high", "tools": (ToolSpec("f"),), "tool_choice": ToolChoice("required")}),
    ],
)
def test_reasoning_that_cannot_be_had_is_dropped_and_named(to: dict[str, Any], fields: dict[str, Any]) -> None:
    assert dropped(to, **fields) == ("reasoning_effort",)
    assert sent(to, **fields).keys().isdisjoint({"thinking", "output_config"})


@pytest.mark.parametrize("to", [{}, kind("none")])
def test_no_effort_is_no_thinking(to: dict[str, Any]) -> None:
    assert "thinking" not in sent(to, effort="none")
    assert dropped(to, effort="none") == ()


@pytest.mark.parametrize(
    ("thinking", "fields", "block", "effort"),
    [
        ("adaptive", {}, None, None),
        ("adaptive", {"effort": "none"}, {"type": "disabled"}, None),
        ("adaptive", {"effort": "minimal"}, {"type": "adaptive"}, "low"),
        ("adaptive", {"effort": "max"}, {"type": "adaptive"}, "max"),
        ("adaptive", {"thinking_budget": 2000}, {"type": "adaptive"}, "low"),
        ("adaptive", {"thinking_budget": 8000}, {"type": "adaptive"}, "medium"),
        ("adaptive", {"thinking_budget": 20_000}, {"type": "adaptive"}, "high"),
        ("always", {"effort": "none"}, None, "low"),
        ("always", {"effort": "xhigh"}, None, "xhigh"),
        ("effort", {"effort": "medium"}, None, "medium"),
    ],
)
def test_newer_models_take_an_effort(
    thinking: ThinkingKind, fields: dict[str, Any], block: dict[str, str] | None, effort: str | None
) -> None:
    written = sent(kind(thinking), **fields)
    assert written.get("thinking") == block
    assert written.get("output_config", {}).get("effort") == effort


def test_a_forced_call_leaves_adaptive_thinking_unsaid_and_keeps_the_effort() -> None:
    written = sent(kind("adaptive"), effort="high", tools=(ToolSpec("f"),), tool_choice=ToolChoice("required"))
    assert written["output_config"] == {"effort": "high"}
    assert "thinking" not in written


# ------------------------------------------------------------------------- the form of the answer


def test_a_schema_is_native_beside_tools_and_thinking() -> None:
    # litellm PR#12463, #7135, #8901, vercel/ai PR#6577: a made-up json tool confuses tools, finish and thinking.
    wanted = ResponseFormat("json_schema", SCHEMA, "x", strict=True)
    written = sent(response_format=wanted, tools=(ToolSpec("f"),), effort="low")
    assert written["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert len(written["tools"]) == 1
    assert "system" not in written


@pytest.mark.parametrize("wanted", [ResponseFormat("json_object"), ResponseFormat("json_schema")])
def test_json_without_a_schema_is_asked_for_in_words(wanted: ResponseFormat) -> None:
    written = sent(response_format=wanted)
    assert "JSON object" in written["system"][0]["text"]
    assert dropped(response_format=wanted) == ()


def test_a_schema_the_model_cannot_be_held_to_is_told_and_named() -> None:
    wanted = ResponseFormat("json_schema", SCHEMA)
    for to in (kind("none"), {"drop": frozenset({"response_format"})}):
        assert '"required":["a"]' in sent(to, response_format=wanted)["system"][0]["text"]
        assert dropped(to, response_format=wanted) == ("response_format",)


def test_a_schema_is_closed_and_loses_refused_constraints_only() -> None:
    assert closed_schema(SCHEMA) == SCHEMA
    schema = {
        "$schema": "s",
        "properties": {
            "minimum": {"type": "integer", "minimum": 1},
            "list": {"type": "array", "items": {"type": "object"}, "minItems": 2, "maxItems": 3},
            "some": {"type": "array", "minItems": 1, "items": True},
            "either": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/d"}]},
        },
        "$defs": {"d": {"type": "object", "additionalProperties": {"type": "string"}}},
        "enum": [{"minimum": 1}],
    }
    assert closed_schema(schema) == {
        "properties": {
            "minimum": {"type": "integer"},
            "list": {"type": "array", "items": {"type": "object", "additionalProperties": False}},
            "some": {"type": "array", "minItems": 1, "items": True},
            "either": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/d"}]},
        },
        "$defs": {"d": {"type": "object", "additionalProperties": False}},
        "enum": [{"minimum": 1}],
        "additionalProperties": False,
    }


# ---------------------------------------------------------------------------------- everything else


def test_what_no_messages_api_can_do_is_named() -> None:
    extra = {"logprobs": True, "logit_bias": {"1": 1}, "presence_penalty": 0.5, "unknown": 1, "audio": None}
    assert dropped(n=2, seed=0, extra=extra) == ("n", "seed", "logprobs", "logit_bias", "presence_penalty")


def test_what_is_neutral_is_not_named() -> None:
    extra = {"logprobs": False, "frequency_penalty": 0, "modalities": ["text"], "repetition_penalty": 1}
    assert dropped(n=1, extra=extra) == ()


def test_the_user_is_told_as_metadata() -> None:
    assert sent(user="u1")["metadata"] == {"user_id": "u1"}
    assert sent(extra={"safety_identifier": "u2"})["metadata"] == {"user_id": "u2"}
    assert sent(user="u" * 300)["metadata"] == {"user_id": hashlib.sha256(b"u" * 300).hexdigest()}
    assert "metadata" not in sent(extra={"safety_identifier": 7})
    assert dropped({"drop": frozenset({"user"})}, user="u1") == ("user",)


def test_a_host_gets_parameters_by_its_own_names() -> None:
    capabilities = Capabilities(200_000, 64_000, renames={"max_tokens": "max_output"})
    out = PROVIDER.write_request(
        request(user("hi"), user="u"), target(capabilities=capabilities, renames={"metadata": "meta"})
    )
    assert b'"max_output":32000' in out.body
    assert b'"meta":{' in out.body
