from __future__ import annotations

from typing import Any

import pytest

from gammainfra.domain.endpoint import Capabilities
from tests.wire.anthropic.rules import ABLE
from tests.wire.anthropic.spoken import MARK, TOOL, assistant, copied, result, sent, text, use, user

CLEAN = (user(text(cache_control=MARK)), assistant(use()), user(result()))
ADAPTIVE = Capabilities(200_000, 64_000, frozenset({"tools", "json_schema"}), thinking="adaptive")


def test_messages_tools_and_system_travel_as_they_came() -> None:
    asked = {"tools": [{**TOOL, "eager_input_streaming": True}], "system": [text("s")], "metadata": {"user_id": "u"}}
    made = copied(*CLEAN, to={"stream": True, "model": "claude"}, **asked)
    assert sent(made) == {
        "model": "claude", "max_tokens": 100, "messages": list(CLEAN), "stream": True, **asked,
    }  # fmt: skip
    assert made is not None
    assert (made.dropped_params, made.headers) == ((), {})


def test_what_steers_the_gateway_goes_silently_and_what_changes_the_price_is_named() -> None:
    made = copied(*CLEAN, models=["x"], provider={}, speed="fast", service_tier="auto", stream=False, temperature=None)
    assert sent(made).keys() == {"model", "max_tokens", "messages"}
    assert made is not None
    assert made.dropped_params == ("speed", "service_tier")


def test_a_field_that_is_still_a_beta_brings_its_header() -> None:
    made = copied(*CLEAN, context_management={"edits": []}, mcp_servers=[])
    assert made is not None
    assert made.headers == {"anthropic-beta": "context-management-2025-06-27,mcp-client-2025-11-20"}


def test_plain_parameters_that_the_model_refuses_are_left_out_and_named() -> None:
    asked = {"temperature": 1, "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "top_k": 3}
    made = copied(*CLEAN, to={"drop": frozenset({"temperature", "stop", "user", "seed"})}, **asked)
    assert sent(made).keys() == {"model", "max_tokens", "messages", "top_k"}
    assert made is not None
    assert made.dropped_params == ("temperature", "stop", "user")


@pytest.mark.parametrize(
    ("capabilities", "asked"),
    [
        (ABLE, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (ABLE, {"thinking": {"type": "disabled"}}),
        (ADAPTIVE, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (ADAPTIVE, {"output_config": {"format": {"type": "json_schema", "schema": {}}}}),
        (ADAPTIVE, {"tool_choice": {"type": "any"}, "tools": [TOOL]}),
        (ADAPTIVE, {"thinking": None, "tool_choice": "odd"}),
    ],
)
def test_what_the_model_takes_travels(capabilities: Capabilities, asked: dict[str, Any]) -> None:
    given = {name: value for name, value in asked.items() if value is not None}
    assert sent(copied(*CLEAN, to={"capabilities": capabilities}, **asked)).items() >= given.items()


@pytest.mark.parametrize(
    ("to", "asked"),
    [
        ({"dialect": "openai_chat"}, {}),
        ({"owns_dialect": False}, {}),
        ({"drop_thinking": True}, {}),
        ({"renames": {"max_tokens": "limit"}}, {}),
        ({"drop": frozenset({"tool_choice"})}, {}),
        ({"clamp_max_tokens": 50}, {}),
        ({}, {"max_tokens": 64_001}),
        ({}, {"max_tokens": ...}),
        ({}, {"thinking": {"type": "adaptive"}}),
        ({}, {"output_config": {"effort": "low"}}),
        ({}, {"output_format": {"type": "json_schema", "schema": {}}}),
        ({"capabilities": ADAPTIVE}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ({"capabilities": Capabilities(1, 100)}, {"thinking": {"type": "disabled"}}),
        ({"capabilities": Capabilities(1, 100)}, {"output_config": {"format": {"type": "json_schema", "schema": {}}}}),
        ({"capabilities": Capabilities(1, 100, forced_tool_choice=False)}, {"tool_choice": {"type": "any"}}),
    ],
    ids=str,
)
def test_whoever_needs_more_than_that_takes_the_hub(to: dict[str, Any], asked: dict[str, Any]) -> None:
    assert copied(*CLEAN, to=to, **asked) is None


def test_messages_that_need_mending_or_marking_take_the_hub() -> None:
    assert copied(user(), assistant(use())) is None
    marks = [text(cache_control=MARK)] * 5
    assert copied(user(*marks)) is None
    assert copied(user(text()), to={"automatic_cache_marks": True}) is None
    assert copied(*CLEAN, to={"automatic_cache_marks": True}) is not None


def test_text_to_be_continued_travels_to_a_model_that_does_so() -> None:
    prefill = (user(text()), assistant(text("It")))
    able = Capabilities(1, 100, prefill=True)
    assert copied(*prefill) is None
    assert sent(copied(*prefill, to={"capabilities": able}))["messages"] == list(prefill)


def test_a_system_message_on_the_way_travels_to_the_model_it_was_written_for() -> None:
    noted = (*CLEAN, {"role": "system", "content": "note"})
    asked = {"model": "anthropic/claude-opus-5-5"}
    assert sent(copied(*noted, to={"model": "claude-opus-5-5"}, **asked))["messages"] == list(noted)
    assert copied(*noted, to={"model": "claude-sonnet-4-6"}, **asked) is None
