from __future__ import annotations

from typing import Any

import pytest

from gammainfra.domain.chat import ToolCall, ToolChoice, ToolSpec
from gammainfra.domain.endpoint import Capabilities
from gammainfra.wire.anthropic import PROVIDER
from tests.wire.anthropic.rules import body, request, target
from tests.wire.conversations import assistant, call, result, user

F, G = ToolSpec("f"), ToolSpec("g")
EMPTY = {"type": "object", "properties": {}}


def sent(**fields: Any) -> dict[str, Any]:
    return body(request(user("hi"), **fields))


def dropped(to: dict[str, Any] | None = None, **fields: Any) -> tuple[str, ...]:
    return PROVIDER.write_request(request(user("hi"), **fields), target(**(to or {}))).dropped_params


def test_a_tool_without_parameters_takes_an_empty_object() -> None:
    # bifrost#3511: OpenAI's shape of tools is a 400 for every client.
    assert sent(tools=(F,))["tools"] == [{"name": "f", "input_schema": EMPTY}]


def test_a_schema_travels_as_it_is() -> None:
    schema = {"$schema": "x", "type": "object", "properties": {"a": {"anyOf": [{"type": "string"}]}}, "required": ["a"]}
    assert sent(tools=(ToolSpec("f", "d", schema),))["tools"] == [
        {"name": "f", "description": "d", "input_schema": schema}
    ]


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}),
        ({"type": ["object", "null"]}, {"type": "object"}),
        (
            {"oneOf": [{"properties": {"a": {}}}, "odd", {"type": "null"}], "anyOf": "odd", "properties": {"b": {}}},
            {"properties": {"a": {}, "b": {}}, "type": "object"},
        ),
        ({"type": "object", "allOf": [{"properties": {"a": {}}}]}, {"type": "object", "properties": {"a": {}}}),
    ],
)
def test_a_schema_that_is_no_plain_object_becomes_one(parameters: dict[str, Any], schema: dict[str, Any]) -> None:
    assert sent(tools=(ToolSpec("f", None, parameters),))["tools"][0]["input_schema"] == schema


def test_of_two_tools_with_one_name_the_first_is_declared() -> None:
    tools = (F, ToolSpec("f", "again"))
    assert sent(tools=tools)["tools"] == [{"name": "f", "input_schema": EMPTY}]


def test_strict_is_kept_where_the_model_can_be_held_to_it() -> None:
    tools = (ToolSpec("f", strict=True), ToolSpec("g", strict=False))
    assert [tool.get("strict") for tool in sent(tools=tools)["tools"]] == [True, None]
    assert dropped(tools=tools) == ()


@pytest.mark.parametrize(
    ("to", "count"),
    [
        ({"capabilities": Capabilities(200_000, 8192)}, 1),
        ({"drop": frozenset({"strict"})}, 1),
        ({}, 21),  # more strict tools than this are a 400, and agents declare 25 and more
    ],
)
def test_strict_is_dropped_and_named_where_it_is_refused(to: dict[str, Any], count: int) -> None:
    tools = tuple(ToolSpec(f"f{n}", strict=True) for n in range(count))
    assert dropped(to, tools=tools) == ("strict",)
    assert b"strict" not in PROVIDER.write_request(request(user("hi"), tools=tools), target(**to)).body


def test_a_history_of_calls_without_tools_gets_stubs_that_cannot_be_called() -> None:
    # earendil-works/pi#149
    history = (user("hi"), assistant(call("1"), ToolCall("2", "g", ""), call("3")), user(result("1")))
    written = body(request(*history, tool_choice=ToolChoice("required")))
    assert written["tools"] == [{"name": name, "input_schema": {"type": "object"}} for name in ("f", "g")]
    assert written["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, None),
        (ToolChoice("auto"), None),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", "g"), {"type": "tool", "name": "g"}),
    ],
)
def test_a_tool_choice_has_its_counterpart(choice: ToolChoice | None, written: dict[str, str] | None) -> None:
    assert sent(tools=(F, G), tool_choice=choice).get("tool_choice") == written


def test_allowed_tools_are_the_only_ones_declared() -> None:
    written = sent(tools=(F, G), tool_choice=ToolChoice("required", allowed=("g",)))
    assert [tool["name"] for tool in written["tools"]] == ["g"]
    assert written["tool_choice"] == {"type": "any"}
    assert len(sent(tools=(F, G), tool_choice=ToolChoice("auto", allowed=("unknown",)))["tools"]) == 2


def test_one_call_at_a_time_is_said_beside_any_choice() -> None:
    assert sent(tools=(F,), parallel_tool_calls=False)["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    forced = sent(tools=(F,), parallel_tool_calls=False, tool_choice=ToolChoice("named", "f"))["tool_choice"]
    assert forced == {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    assert "tool_choice" not in sent(parallel_tool_calls=False)
    refused = {"drop": frozenset({"parallel_tool_calls"})}
    assert dropped(refused, tools=(F,), parallel_tool_calls=False) == ("parallel_tool_calls",)


@pytest.mark.parametrize(
    "to",
    [
        {"capabilities": Capabilities(200_000, 8192, forced_tool_choice=False)},
        {"drop": frozenset({"tool_choice"})},
    ],
)
def test_a_model_that_cannot_be_forced_is_asked_and_the_choice_is_named(to: dict[str, Any]) -> None:
    asked = request(user("hi"), tools=(F,), tool_choice=ToolChoice("required"))
    assert "tool_choice" not in body(asked, **to)
    assert PROVIDER.write_request(asked, target(**to)).dropped_params == ("tool_choice",)
