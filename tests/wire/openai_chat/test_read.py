from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    OpaquePart,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.failure import Refused
from gammainfra.wire.openai_chat import CLIENT
from tests.wire.openai_chat.shapes import TOOL, Json, body, call, calls, tool, user

SIGNED = Thinking("t", "s", format="anthropic-claude-v1")


def read(*messages: Json, **more: object) -> ChatRequest:
    return CLIENT.read_request(body(*messages, **more))


def parts(message: Json) -> tuple[Part, ...]:
    return read(message).messages[0].parts


def said(**more: object) -> tuple[Part, ...]:
    return parts({"role": "assistant", "content": "x", **more})


def refusal(raw: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        CLIENT.read_request(raw)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value


def test_every_role_has_its_place_and_results_join() -> None:
    messages = read(
        {"role": "system", "content": "s"},
        {"role": "developer", "content": "d"},
        user("u", name="bob"),
        calls(call("a"), call("b", ""), content="x", name="bot"),
        tool("b", "rb"),
        tool("a", [{"type": "text", "text": "ra"}]),
        user("env"),
        tool("c", None),
    ).messages
    assert messages == (
        Message("system", (Text("s"),)),
        Message("system", (Text("d"),)),
        Message("user", (Text("u"),), "bob"),
        Message("assistant", (Text("x"), ToolCall("a", "f", '{"x":1}'), ToolCall("b", "f", "")), "bot"),
        Message("user", (ToolResult("b", (Text("rb"),)), ToolResult("a", (Text("ra"),)))),
        Message("user", (Text("env"),)),
        Message("user", (ToolResult("c"),)),
    )


def test_legacy_functions_become_tools() -> None:
    request = read(
        user(),
        {"role": "assistant", "content": None, "function_call": {"name": "g", "arguments": "{}"}},
        {"role": "function", "name": "g", "content": "r"},
        {"role": "function", "name": "g", "content": "orphan"},
        functions=[{"name": "g", "parameters": {"type": "object"}}],
        function_call={"name": "g"},
    )
    assert request.messages[1:] == (
        Message("assistant", (ToolCall("call_legacy_1", "g", "{}"),)),
        Message("user", (ToolResult("call_legacy_1", (Text("r"),)), ToolResult("", (Text("orphan"),)))),
    )
    assert request.tools == (ToolSpec("g", parameters={"type": "object"}),)
    assert request.tool_choice == ToolChoice("named", "g")


def test_an_unanswered_function_of_another_name_waits() -> None:
    messages = read(
        {"role": "assistant", "content": None, "function_call": {"name": "g"}},
        {"role": "assistant", "content": None, "function_call": {"name": "h", "arguments": {"a": 1}}},
        {"role": "function", "name": "h", "content": "r"},
    ).messages
    assert messages[1].parts == (ToolCall("call_legacy_1", "h", '{"a":1}'),)
    assert messages[2].parts == (ToolResult("call_legacy_1", (Text("r"),)),)


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("x", Text("x")),
        ({"type": "input_text", "text": "x"}, Text("x")),
        ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}, Text("x", "5m")),
        ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text("x", "1h")),
        ({"type": "text", "text": "x", "cache_control": True}, Text("x")),
        (
            {"type": "image_url", "image_url": {"url": "data:image/PNG;charset=x;base64,AA==", "detail": "low"}},
            Image("image/png", "AA==", detail="low"),
        ),
        ({"type": "image_url", "image_url": {"url": "https://a/b.png"}}, Image(url="https://a/b.png")),
        ({"type": "image_url", "image_url": "https://a/b.png"}, Image(url="https://a/b.png")),
        ({"type": "input_image", "image_url": "data:image/png,xx"}, Image(url="data:image/png,xx")),
        ({"type": "input_image", "image_url": "data:image/png;base64"}, Image(url="data:image/png;base64")),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
            Image("image/png", "AA=="),
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            Document("application/pdf", "JVBE", name="a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "JVBE"}}, Document("application/pdf", "JVBE")),
        ({"type": "file", "file": {"file_data": "https://a/b.pdf"}}, Document(url="https://a/b.pdf")),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(file_id="file-1")),
        ({"type": "input_file", "file_url": "https://a/b.pdf"}, Document(url="https://a/b.pdf")),
        (
            {"type": "input_audio", "input_audio": {"data": "AA"}, "cache_control": {}},
            OpaquePart("openai_chat", {"type": "input_audio", "input_audio": {"data": "AA"}}, "5m"),
        ),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}, ToolCall("a", "f", '{"x":1}')),
        (
            {"type": "tool_result", "tool_use_id": "a", "content": "r", "is_error": True},
            ToolResult("a", (Text("r"),), is_error=True),
        ),
        ({"type": "thinking", "thinking": [{"type": "text", "text": "t"}, "?"]}, Thinking("t")),
        ({"type": "thinking", "thinking": "t", "signature": "s"}, Thinking("t", "s")),
    ],
)
def test_parts_are_mapped(block: object, part: Part) -> None:
    assert parts(user([block])) == (part,)


def test_content_may_be_one_part_empty_or_nothing() -> None:
    assert parts(user({"type": "text", "text": "x"})) == (Text("x"),)
    assert parts(user("")) == parts(user(None)) == ()


def test_a_mark_on_a_message_marks_its_last_part() -> None:
    mark = {"type": "ephemeral"}
    assert parts(user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], cache_control=mark)) == (
        Text("a"),
        Text("b", "5m"),
    )
    assert parts(tool(content="r", cache_control=mark)) == (ToolResult("call_1", (Text("r"),), cache="5m"),)
    assert parts(calls(call(), cache_control=mark)) == (ToolCall("call_1", "f", '{"x":1}', "5m"),)
    thought = {"role": "assistant", "content": "", "reasoning": "t", "cache_control": mark}
    assert parts(thought) == (Thinking("t"),)


@pytest.mark.parametrize(
    ("fields", "thoughts"),
    [
        ({"reasoning_content": "t"}, [Thinking("t")]),
        ({"reasoning": "t", "reasoning_content": " "}, [Thinking("t")]),
        ({"reasoning": None, "reasoning_content": ""}, []),
        (
            {
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "t", "signature": "s"},
                    {"type": "thinking"},
                    {"type": "redacted_thinking", "data": "d"},
                    "?",
                ],
                "reasoning_content": "t",
            },
            [SIGNED, Thinking(redacted="d", format="anthropic-claude-v1")],
        ),
        ({"thinking_blocks": [], "reasoning_content": "t"}, [Thinking("t")]),
        (
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "a", "format": "anthropic-claude-v1", "index": 0},
                    {"type": "reasoning.text", "text": "b", "index": 0},
                    {"type": "reasoning.text", "signature": "s", "index": 0},
                    {"type": "reasoning.text", "text": "c", "index": 1},
                    {"type": "reasoning.encrypted", "data": "d", "id": "rs_1", "index": 2},
                    {"type": "reasoning.encrypted", "data": "e", "id": "rs_2", "index": 2},
                    {"type": "reasoning.summary", "summary": "u", "format": "openai-responses-v1"},
                    {"type": "reasoning.text"},
                    {"type": "other"},
                    "?",
                ],
                "reasoning": "ab",
            },
            [
                Thinking("ab", "s", format="anthropic-claude-v1"),
                Thinking("c"),
                Thinking(redacted="d", id="rs_1"),
                Thinking(redacted="e", id="rs_2"),
                Thinking("u", format="openai-responses-v1"),
            ],
        ),
        (
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}], "reasoning": "t"},
            [Thinking("t"), Thinking(redacted="d")],
        ),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}]}, [Thinking(redacted="d")]),
    ],
)
def test_earlier_reasoning_is_read_once_from_the_field_that_keeps_most(fields: Json, thoughts: list[Thinking]) -> None:
    assert said(**fields) == (*thoughts, Text("x"))


def test_a_thinking_part_makes_the_fields_copies() -> None:
    content = [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}]
    assert said(content=content, reasoning_content="t") == (Thinking("t"), Text("x"))


def test_a_signature_on_a_call_stands_before_it() -> None:
    signed = call(extra_content={"google": {"thought_signature": "sig"}})
    plain = call("b", extra_content={"google": {}})
    assert said(tool_calls=[signed, plain]) == (
        Text("x"),
        Thinking(signature="sig", format="google-gemini-v1", id="call_1"),
        ToolCall("call_1", "f", '{"x":1}'),
        ToolCall("b", "f", '{"x":1}'),
    )


def test_a_call_said_twice_is_one() -> None:
    content = [{"type": "tool_use", "id": "call_1", "name": "f", "input": {"x": 1}}]
    assert said(content=content, tool_calls=[call()]) == (ToolCall("call_1", "f", '{"x":1}'),)


def test_odd_calls_and_refusals_survive() -> None:
    custom = {"id": "b", "type": "custom", "custom": {"name": "g", "input": "text"}}
    assert said(refusal="no", tool_calls=[custom, {"id": 7}], name="") == (
        Text("x"),
        OpaquePart("openai_chat", {"type": "refusal", "refusal": "no"}),
        ToolCall("b", "g", "text"),
        ToolCall("", "", ""),
    )
    assert said(refusal=None, tool_calls=None) == (Text("x"),)


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([7], "messages[0]"),
        ([{"role": "bot"}], "messages[0].role"),
        ([{"role": None}], "messages[0].role"),
        ([{"role": "user", "content": 7}], "messages[0].content"),
        ([{"role": "user", "content": [7]}], "messages[0].content"),
        ([{"role": "assistant", "tool_calls": "x"}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": ["x"]}], "messages[0].tool_calls"),
        ([], "messages"),
        ("x", "messages"),
    ],
)
def test_messages_that_mean_nothing_are_refused_by_name(messages: object, param: str) -> None:
    assert refusal(json.dumps({"model": "m", "messages": messages}).encode()).param == param


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"[]", None),
        (b"{}", "model"),
        (body(tools=["x"]), "tools[0]"),
        (body(tools=[{"type": "function", "function": {}}]), "tools[0]"),
        (body(functions=["x"]), "functions[0]"),
        (body(temperature="hot"), "temperature"),
        (body(temperature=True), "temperature"),
        (body(top_p=[]), "top_p"),
        (body(seed="inf"), "seed"),
    ],
)
def test_bodies_that_mean_nothing_are_refused_by_name(raw: bytes, param: str | None) -> None:
    assert refusal(raw).param == param


def test_parameters_are_read() -> None:
    request = read(
        stream=True,
        tools=[TOOL],
        tool_choice="required",
        parallel_tool_calls=False,
        max_completion_tokens=77,
        max_tokens=88,
        temperature="0.5",
        top_p=0.9,
        top_k=40,
        stop="END",
        seed=7,
        reasoning_effort="high",
        n=2,
        user="u",
        logit_bias={"1": 2},
        verbosity=None,
        models=["x"],
        provider={},
        usage={"include": True},
        transforms=[],
    )
    assert (request.model, request.stream, request.n, request.user, request.seed) == ("m", True, 2, "u", 7)
    assert (request.max_tokens, request.temperature, request.top_p, request.top_k) == (77, 0.5, 0.9, 40)
    assert (request.stop, request.effort, request.parallel_tool_calls) == (("END",), "high", False)
    assert request.tools == (ToolSpec("f", "d", {"type": "object"}),)
    assert request.tool_choice == ToolChoice("required")
    assert request.extra == {"logit_bias": {"1": 2}}


def test_tools_come_in_several_shapes() -> None:
    mark = {"type": "ephemeral"}
    tools = [
        {"type": "function", "function": {"name": "a", "strict": True}, "cache_control": mark},
        {"name": "b", "input_schema": {"type": "object"}, "description": "d"},
        {"type": "custom", "custom": {"name": "c"}},
    ]
    assert read(tools=tools).tools == (
        ToolSpec("a", strict=True, cache="5m"),
        ToolSpec("b", "d", {"type": "object"}),
        ToolSpec("c"),
    )
    assert read(tools={}, functions=None).tools == ()


ALLOWED: Json = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}, {"name": "g"}, "?"]}


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        (None, None),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("any", ToolChoice("required")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", "f")),
        ({"type": "tool", "name": "f"}, ToolChoice("named", "f")),
        ({"type": "allowed_tools", "allowed_tools": ALLOWED}, ToolChoice("required", allowed=("f", "g"))),
        ({"type": "allowed_tools", "mode": "auto", "tools": {}}, ToolChoice("auto", allowed=())),
        ({"type": "weird"}, None),
    ],
)
def test_every_tool_choice_is_read(given: object, choice: ToolChoice | None) -> None:
    assert read(tool_choice=given).tool_choice == choice


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, ResponseFormat("json_object")),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}}},
            ResponseFormat("json_schema", {"type": "object"}, "x", strict=True),
        ),
        ({"type": "json_schema", "json_schema": {}}, ResponseFormat("json_schema", None, "answer")),
    ],
)
def test_response_formats_are_read(given: Json, wanted: ResponseFormat | None) -> None:
    assert read(response_format=given).response_format == wanted


@pytest.mark.parametrize(
    ("more", "effort", "budget"),
    [
        ({}, None, None),
        ({"reasoning": {"effort": "low"}}, "low", None),
        ({"reasoning": {"max_tokens": 2000}, "reasoning_effort": "high"}, "high", 2000),
        ({"reasoning": {"enabled": False}}, "none", None),
        ({"thinking": {"type": "disabled"}}, "none", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, None, 4096),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, None, None),
    ],
)
def test_effort_is_read_in_any_vendors_words(more: Json, effort: str | None, budget: int | None) -> None:
    request = read(**more)
    assert (request.effort, request.thinking_budget) == (effort, budget)


@pytest.mark.parametrize(
    ("more", "limit"), [({"max_tokens": -1}, None), ({"max_tokens": ""}, None), ({"max_tokens": 9.0}, 9), ({}, None)]
)
def test_a_limit_that_is_none_is_not_read(more: Json, limit: int | None) -> None:
    assert read(**more).max_tokens == limit


@pytest.mark.parametrize(("given", "stops"), [(["a", "", 7, "b"], ("a", "b")), (7, ()), ("", ())])
def test_stops_are_texts(given: Any, stops: tuple[str, ...]) -> None:
    assert read(stop=given).stop == stops
