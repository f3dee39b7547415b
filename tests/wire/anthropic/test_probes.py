"""Odd requests of the field, each written so that the API's documented rules accept it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gammainfra.domain.chat import (
    Document,
    Image,
    Message,
    OpaquePart,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.endpoint import Capabilities
from gammainfra.wire.anthropic import PROVIDER
from tests.wire.anthropic.rules import refusals, request, target
from tests.wire.conversations import PNG, assistant, call, result, system, user

F = ToolSpec("f", "d", {"type": "object", "properties": {"x": {"type": "string"}}})
PDF = "JVBERi0xLjQK"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TURN = (user("hi"), assistant(call("call_1")), user(result("call_1")))


def marked(text: str, cache: Any = "5m") -> Text:
    return Text(text, cache)


def loop(*said: Part | str, answers: tuple[Part | str, ...] = (result("call_1"),)) -> dict[str, Any]:
    return {"messages": (user("hi"), assistant(*said), user(*answers)), "tools": (F,)}


PROBES: dict[str, dict[str, Any]] = {
    "parallel results merged": {
        "messages": (user("hi"), assistant(call("1"), call("2")), user(result("1")), user(result("2"))),
        "tools": (F,),
    },
    "results out of order": loop(call("1"), call("2"), answers=(result("2"), result("1"))),
    "user text between results": loop(call("1"), call("2"), answers=(result("1"), "note", result("2"))),
    "missing result (interrupted)": loop(call("1"), call("2"), answers=(result("1"), "go")),
    "orphan result (trimmed history)": {"messages": (user("hi"), user(result("9")), user("go")), "tools": (F,)},
    "duplicate id in two turns": {"messages": (*TURN, *TURN[1:]), "tools": (F,)},
    "duplicate id in one turn": loop(
        call("0", '{"x":"1"}'), call("0", '{"x":"2"}'), answers=(result("0", "a"), result("0", "b"))
    ),
    "empty id": loop(call(""), answers=(result(""),)),
    "id bad chars": loop(call("functions.f:0"), answers=(result("functions.f:0"),)),
    "two ids that sanitise alike": loop(call("f.1"), call("f:1"), answers=(result("f.1", "A"), result("f:1", "B"))),
    "gemini id with signature": loop(
        call("call_ab__thought__" + "Ab+/" * 200), answers=(result("call_ab__thought__" + "Ab+/" * 200),)
    ),
    "arguments empty": loop(call("call_1", "")),
    "arguments truncated JSON": loop(call("call_1", '{"x": "ab')),
    "arguments JSON array": loop(call("call_1", "[1]")),
    "arguments nested beyond reading": loop(call("call_1", "[" * 100_000)),
    "assistant content empty": loop("", call("call_1")),
    "empty assistant text turn": {"messages": (user("hi"), assistant(""), user("go"))},
    "tool result empty string": loop(call("call_1"), answers=(result("call_1", ""),)),
    "tool result parts + image": loop(
        call("call_1"), answers=(ToolResult("call_1", (Text("a"), Image("image/png", PNG))),)
    ),
    "system mid conversation": {"messages": (system("S1"), user("hi"), assistant("a"), system("S2"), user("go"))},
    "system between call and result": {
        "messages": (user("hi"), assistant(call("call_1")), system("S"), user(result("call_1"))),
        "tools": (F,),
    },
    "tool history, no tools param": {"messages": TURN},
    "tool_choice required": {"tools": (F,), "tool_choice": ToolChoice("required"), "effort": "high"},
    "tool_choice none": {"tools": (F,), "tool_choice": ToolChoice("none")},
    "tool_choice named": {"tools": (F,), "tool_choice": ToolChoice("named", "f")},
    "tool_choice allowed_tools": {
        "tools": (F, ToolSpec("g")),
        "tool_choice": ToolChoice("required", allowed=("f",)),
    },
    "tool_choice without tools": {"tool_choice": ToolChoice("required")},
    "parallel_tool_calls false": {"tools": (F,), "parallel_tool_calls": False},
    "strict tool": {"tools": (ToolSpec("f", None, SCHEMA, strict=True),)},
    "tool without parameters": {"tools": (ToolSpec("f"),)},
    "tool with alternatives at the top": {"tools": (ToolSpec("f", None, {"oneOf": [{"properties": {"a": {}}}]}),)},
    "tool declared twice": {"tools": (F, F)},
    "tool name > 64 / bad chars": {"tools": (ToolSpec("mcp.server/" + "a" * 70),)},
    "json_schema": {"response_format": ResponseFormat("json_schema", SCHEMA, "x", strict=True)},
    "json_object": {"response_format": ResponseFormat("json_object")},
    "reasoning_effort high, little room": {"effort": "high", "max_tokens": 2000},
    "reasoning_effort high, no room": {"effort": "high", "max_tokens": 1000},
    "reasoning_effort none": {"effort": "none"},
    "no max_tokens": {},
    "max_completion_tokens": {"max_tokens": 77},
    "max_tokens beyond the model": {"max_tokens": 1_000_000},
    "temperature 1.7 + top_p": {"temperature": 1.7, "top_p": 0.9},
    "temperature 0 while thinking": {"temperature": 0.0, "top_k": 5, "top_p": 0.5, "effort": "low"},
    "stop string / whitespace stop": {"stop": ("END", "\n", " ")},
    "n=2 logprobs seed": {"n": 2, "seed": 7, "user": "u1", "extra": {"logprobs": True, "frequency_penalty": 0.5}},
    "image url": {"messages": (user("x", Image(url="https://example.com/a.png", detail="low")),)},
    "image base64 wrong mime": {"messages": (user(Image("image/jpg", PNG)),)},
    "image of a type nobody takes": {"messages": (user(Image("image/svg+xml", "PHN2Zz4=")),)},
    "pdf file": {"messages": (user(Document(data=f"data:application/pdf;base64,{PDF}", name="a.pdf")),)},
    "input_audio": {"messages": (user("x", OpaquePart("openai_chat", {"type": "input_audio"})),)},
    "cache_control parts": {"messages": (system(marked("S")), user(marked("u", "1h")))},
    "5 cache_control": {"messages": (user(*(marked(f"u{k}") for k in range(5))),)},
    "cache_control inside a result": loop(call("call_1"), answers=(ToolResult("call_1", (marked("r"),)),)),
    "trailing assistant (prefill)": {"messages": (user("hi"), assistant("The answer is "))},
    "assistant first": {"messages": (assistant("hello"), user("hi"))},
    "nothing but a system message": {"messages": (system("S"),)},
    "no message at all": {"messages": ()},
    "foreign reasoning_content": loop(Thinking("deepseek thought"), call("call_1")) | {"effort": "high"},
    "foreign thinking without a signature": loop(Thinking("t", "", format="anthropic-claude-v1"), call("call_1")),
    "openrouter reasoning_details": loop(Thinking("t", "SIG", format="anthropic-claude-v1"), call("call_1")),
    "thinking and nothing else": {
        "messages": (user("hi"), assistant(Thinking("t", "SIG", format="anthropic-claude-v1")), user("go"))
    },
}
TARGETS: dict[str, dict[str, Any]] = {
    "manual thinking": {},
    "adaptive thinking": {"capabilities": Capabilities(200_000, 128_000, thinking="adaptive")},
    "always thinking, nothing allowed": {
        "capabilities": Capabilities(
            200_000,
            64_000,
            thinking="always",
            refuses=frozenset({"temperature", "top_p", "top_k", "stop", "parallel_tool_calls", "user"}),
            forced_tool_choice=False,
        )
    },
    "an old model": {"capabilities": Capabilities(200_000, 8192), "automatic_cache_marks": True},
    "a compatible host": {"owns_dialect": False, "provider": "other", "drop_thinking": True, "stream": True},
}


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("probe", PROBES)
def test_an_odd_request_is_written_as_the_rules_want_it(probe: str, to: str) -> None:
    fields = dict(PROBES[probe])
    messages: tuple[Message, ...] = fields.pop("messages", (user("hi"),))
    out = PROVIDER.write_request(request(*messages, **fields), target(**TARGETS[to]))
    assert refusals(msgspec.json.decode(out.body)) == []
