from __future__ import annotations

from typing import Any

import pytest

from gammainfra.domain.chat import ToolChoice, ToolSpec
from tests.wire.conversations import user
from tests.wire.gemini.shapes import TOOLS, body, written


def declared(*tools: ToolSpec) -> Any:
    return body(user("a"), tools=tools)["tools"][0]["functionDeclarations"]


def config(choice: ToolChoice | None, to: dict[str, Any] | None = None, **fields: Any) -> Any:
    sent = body(user("a"), to=to, **{"tools": TOOLS, "tool_choice": choice, **fields})
    return sent.get("toolConfig", {}).get("functionCallingConfig")


def test_a_tool_without_parameters_has_no_schema() -> None:
    for parameters in (None, {}, {"type": "object", "properties": {}}):
        assert declared(ToolSpec("f", None, parameters)) == [{"name": "f", "description": ""}]


def test_a_schema_is_an_objects() -> None:
    (tool,) = declared(ToolSpec("f", "d", {"properties": {"x": {"$schema": "y"}}}))
    assert tool["parametersJsonSchema"] == {"properties": {"x": {}}, "type": "object"}


def test_two_tools_of_a_name_are_one() -> None:
    assert [tool["name"] for tool in declared(ToolSpec("f"), ToolSpec("f"), ToolSpec("g"))] == ["f", "g"]


@pytest.mark.parametrize("name", ["1st", "a b", "ä", "", "x" * 65, "__ä"])
def test_a_name_that_is_refused_is_sent_as_its_head_and_a_hash(name: str) -> None:
    (tool,) = declared(ToolSpec(name))
    assert len(tool["name"]) <= 64
    assert tool["name"][0] == "_"
    assert written(user("a"), tools=(ToolSpec(name),)).tool_names == ((name, tool["name"]),)


@pytest.mark.parametrize("name", ["f", "_f", "mcp:srv.read-file", "x" * 64])
def test_a_name_that_is_accepted_stays(name: str) -> None:
    assert declared(ToolSpec(name))[0]["name"] == name


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (ToolChoice(), None),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", "g"), {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        (ToolChoice("named", "unknown"), {"mode": "ANY"}),
        (ToolChoice("required", allowed=("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", allowed=("f", "x")), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", allowed=("x",)), None),
    ],
)
def test_every_form_of_tool_choice(choice: ToolChoice | None, sent: object) -> None:
    assert config(choice) == sent


def test_strict_tools_are_validated_where_the_model_may_choose() -> None:
    strict = (ToolSpec("f", strict=True),)
    assert config(None, tools=strict) == {"mode": "VALIDATED"}
    assert config(ToolChoice("required"), tools=strict) == {"mode": "ANY"}
    assert config(None, to={"drop": frozenset({"strict"})}, tools=strict) is None


def test_a_model_that_cannot_be_forced_chooses_itself_and_that_is_named() -> None:
    unforced = {"capabilities": {"forced_tool_choice": False}}
    assert config(ToolChoice("required"), to=unforced) is None
    refused = {"drop": frozenset({"tool_choice"})}
    for choice in (ToolChoice("required"), ToolChoice("auto", allowed=("f",))):
        made = written(user("a"), to=refused, tools=TOOLS, tool_choice=choice)
        assert made.dropped_params == ("tool_choice",)
    assert written(user("a"), to=refused, tools=TOOLS).dropped_params == ()


def test_without_tools_nothing_is_configured() -> None:
    assert "toolConfig" not in body(user("a"), tool_choice=ToolChoice("required"))


def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    assert written(user("a"), tools=TOOLS, parallel_tool_calls=False).dropped_params == ("parallel_tool_calls",)
