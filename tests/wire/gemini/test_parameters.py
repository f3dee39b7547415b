from __future__ import annotations

from typing import Any

import pytest

from gammainfra.domain.chat import ResponseFormat
from tests.wire.conversations import system, user
from tests.wire.gemini.shapes import TOOLS, TWO, body, written

SCHEMA = {"type": "object", "properties": {"x": {"const": 1}}}


def config(to: dict[str, Any] | None = None, **fields: Any) -> Any:
    return body(user("a"), to=to, **fields).get("generationConfig", {})


def dropped(to: dict[str, Any] | None = None, **fields: Any) -> tuple[str, ...]:
    return written(user("a"), to=to, **fields).dropped_params


def test_limits_and_sampling_stay_within_what_is_accepted() -> None:
    asked: dict[str, Any] = {
        "max_tokens": 99_999,
        "temperature": 3.0,
        "top_p": 0.5,
        "top_k": 4,
        "seed": 7,
        "stop": ("a", "b"),
    }
    assert config(**asked) == {
        "maxOutputTokens": 65_536,
        "temperature": 2.0,
        "topP": 0.5,
        "topK": 4,
        "seed": 7,
        "stopSequences": ["a", "b"],
    }
    assert config(to={"clamp_max_tokens": 10}, max_tokens=0) == {"maxOutputTokens": 1}
    assert config() == {}


def test_what_a_model_refuses_is_left_out_and_named() -> None:
    names = ("max_tokens", "temperature", "seed", "n", "reasoning_effort")
    asked: dict[str, Any] = {"max_tokens": 5, "temperature": 1.0, "seed": 1, "n": 2, "effort": "low"}
    assert dropped(to={"drop": frozenset(names)}, **asked) == (*names[:3], "reasoning_effort", "n")
    assert dropped(to={"capabilities": {"refuses": frozenset({"temperature"})}}, temperature=1.0) == ("temperature",)


def test_at_most_five_stops_and_none_of_them_empty() -> None:
    stops = ("", *"abcdef")
    assert config(stop=stops)["stopSequences"] == list("abcde")
    assert dropped(stop=stops) == ("stop",)
    assert dropped(stop=("a",)) == ()
    assert config(stop=("",)) == {}


def test_a_seed_that_does_not_fit_is_left_out() -> None:
    assert dropped(seed=1 << 40) == ("seed",)
    assert config(seed=1 << 40) == {}


def test_several_answers_are_candidates() -> None:
    assert config(n=3) == {"candidateCount": 3}
    assert config(n=20) == {"candidateCount": 8}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"effort": "none"}, {"thinkingLevel": "low", "includeThoughts": False}),
        ({"effort": "minimal"}, {"thinkingLevel": "low", "includeThoughts": True}),
        ({"effort": "medium"}, {"thinkingLevel": "medium", "includeThoughts": True}),
        ({"effort": "max"}, {"thinkingLevel": "high", "includeThoughts": True}),
        ({"thinking_budget": 1024}, {"thinkingLevel": "low", "includeThoughts": True}),
        ({"thinking_budget": 8000}, {"thinkingLevel": "medium", "includeThoughts": True}),
        ({"thinking_budget": 30_000}, {"thinkingLevel": "high", "includeThoughts": True}),
        ({}, None),
    ],
)
def test_gemini_3_thinks_by_level(asked: dict[str, Any], sent: object) -> None:
    assert config(**asked).get("thinkingConfig") == sent


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"effort": "none"}, {"thinkingBudget": 0, "includeThoughts": False}),
        ({"effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}),
        ({"effort": "high"}, {"thinkingBudget": 24_576, "includeThoughts": True}),
        ({"thinking_budget": 9}, {"thinkingBudget": 512, "includeThoughts": True}),
        ({"thinking_budget": 99_000}, {"thinkingBudget": 24_576, "includeThoughts": True}),
    ],
)
def test_models_before_it_think_by_budget(asked: dict[str, Any], sent: object) -> None:
    assert config(to={"capabilities": TWO}, **asked)["thinkingConfig"] == sent


def test_an_effort_that_nobody_knows_and_a_model_that_does_not_think() -> None:
    assert dropped(effort="extreme") == ("reasoning_effort",)
    silent = {"capabilities": {"thinking": "none"}}
    assert dropped(to=silent, effort="low") == ("reasoning_effort",)
    assert dropped(to=silent, effort="none") == ()


def test_the_form_of_the_answer() -> None:
    form = ResponseFormat("json_schema", SCHEMA)
    sent = config(response_format=form, tools=TOOLS)
    assert sent["responseMimeType"] == "application/json"
    assert sent["responseJsonSchema"] == {"type": "object", "properties": {"x": {"enum": [1]}}}
    assert config(response_format=ResponseFormat("json_object")) == {"responseMimeType": "application/json"}
    assert config(to={"capabilities": TWO}, response_format=form)["responseMimeType"] == "application/json"


def test_a_form_that_cannot_be_asked_for_is_told_and_named() -> None:
    form = ResponseFormat("json_schema", SCHEMA)
    asked: dict[str, Any] = {"response_format": form, "tools": TOOLS, "to": {"capabilities": TWO}}
    sent = body(system("S"), user("a"), **asked)
    assert "generationConfig" not in sent
    assert '"const":1' in sent["systemInstruction"]["parts"][1]["text"]
    assert written(user("a"), **asked).dropped_params == ("response_format",)
    unable = {"capabilities": {"does": frozenset({"tools"})}}
    told = body(user("a"), to=unable, response_format=ResponseFormat("json_object"))["systemInstruction"]["parts"]
    assert told[0]["text"].startswith("Answer with one JSON object")


def test_what_gemini_has_no_word_for_is_named() -> None:
    extra = {"logprobs": True, "presence_penalty": 0.1, "modalities": ["text"], "verbosity": "low", "top_a": 0}
    assert dropped(extra=extra, user="u") == ("user", "logprobs", "presence_penalty", "verbosity")
