"""Reads a whole Chat Completions body into the hub: the slow, typed way, for when the endpoint speaks otherwise.

Several spellings of one wish become one field; fields that steer the gateway (OpenRouter's and ours) are left out
because the sketch has them; every other unknown field is kept in ``extra`` by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gammainfra.domain.chat import ChatRequest, ResponseFormat, ToolChoice, ToolSpec
from gammainfra.wire.cache_marks import cache_mark
from gammainfra.wire.effort import read_effort
from gammainfra.wire.gateway_fields import GATEWAY_FIELDS
from gammainfra.wire.lenient import read_body, refused
from gammainfra.wire.numbers import number, whole
from gammainfra.wire.openai_chat.read_messages import DIALECT, read_messages

_ANY: Final = msgspec.json.Decoder()
_READ: Final = GATEWAY_FIELDS | {
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "response_format",
    "n",
    "user",
}


def read_request(raw: bytes) -> ChatRequest:
    """The hub form of ``raw``; Refused 400 ``invalid_request`` for what cannot be understood."""
    body = read_body(raw, _ANY)
    if not isinstance(body, dict):
        raise refused("the body: expected a JSON object")
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str) or not model:
        raise refused("`model`: name a model", "model")
    if not isinstance(messages, list) or not messages:
        raise refused("`messages`: expected a list of at least one message", "messages")
    effort, budget = read_effort(body)
    return ChatRequest(
        dialect=DIALECT,
        model=model,
        messages=read_messages(messages),
        stream=body.get("stream") is True,
        tools=_tools(body),
        tool_choice=_tool_choice(body),
        parallel_tool_calls=_boolean(body.get("parallel_tool_calls")),
        max_tokens=read_max_tokens(body),
        temperature=number(body, "temperature"),
        top_p=number(body, "top_p"),
        top_k=whole(number(body, "top_k")),
        stop=_stop(body.get("stop")),
        seed=whole(number(body, "seed")),
        effort=effort,
        thinking_budget=budget,
        response_format=read_response_format(body.get("response_format")),
        n=whole(number(body, "n")) or 1,
        user=_string(body.get("user")),
        extra={name: value for name, value in body.items() if name not in _READ and value is not None},
    )


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def read_max_tokens(body: Mapping[str, Any]) -> int | None:
    """The limit under either name; 0 and negative numbers are clients' ways to say none."""
    limit = whole(number(body, "max_completion_tokens"))
    if limit is None:
        limit = whole(number(body, "max_tokens"))
    return limit if limit is not None and limit > 0 else None


def _stop(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    return tuple(text for text in value if isinstance(text, str) and text) if isinstance(value, list) else ()


def read_response_format(value: object) -> ResponseFormat | None:
    """``response_format``; ``text`` is the same as none, and so is what no provider defines."""
    match value:
        case {"type": "json_object"}:
            return ResponseFormat("json_object")
        case {"type": "json_schema", "json_schema": dict(wanted)}:
            schema = wanted.get("schema")
            return ResponseFormat(
                "json_schema",
                schema if isinstance(schema, dict) else None,
                _string(wanted.get("name")) or "answer",
                _boolean(wanted.get("strict")),
            )
        case _:
            return None


def _tools(body: Mapping[str, Any]) -> tuple[ToolSpec, ...]:
    tools, functions = body.get("tools"), body.get("functions")
    found = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools if isinstance(tools, list) else ())]
    if isinstance(functions, list):
        found += [_function(function, f"functions[{index}]") for index, function in enumerate(functions)]
    return tuple(found)


def _tool(tool: object, param: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise refused(f"`{param}`: expected an object", param)
    function = tool.get("function") or tool.get("custom")
    if isinstance(function, dict):
        return _function({"cache_control": tool.get("cache_control"), **function}, param)
    return _function(tool, param)  # the flat shape of other dialects


def _function(function: object, param: str) -> ToolSpec:
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise refused(f"`{param}`: expected a function with a name", param)
    parameters = function.get("parameters", function.get("input_schema"))
    return ToolSpec(
        name,
        _string(function.get("description")),
        parameters if isinstance(parameters, dict) else None,
        _boolean(function.get("strict")),
        cache_mark(function),
    )


def _tool_choice(body: Mapping[str, Any]) -> ToolChoice | None:
    choice: Any = body.get("tool_choice")
    if choice is None:
        choice = body.get("function_call")
    match choice:
        case "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case "required" | "any":
            return ToolChoice("required")
        case {"type": "auto" | "none" as mode}:
            return ToolChoice(mode)
        case {"type": "required" | "any"}:
            return ToolChoice("required")
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return ToolChoice("named", name)
        case {"type": "allowed_tools"}:
            inner = choice.get("allowed_tools")
            return _allowed(inner if isinstance(inner, dict) else choice)
        case _:
            return None


def _allowed(allowed: Mapping[str, Any]) -> ToolChoice:
    """``allowed_tools``: the mode and the names of the tools that may be called."""
    names: list[str] = []
    tools = allowed.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        match tool:
            case {"function": {"name": str(name)}} | {"name": str(name)}:
                names.append(name)
            case _:
                pass
    return ToolChoice("required" if allowed.get("mode") == "required" else "auto", allowed=tuple(names))
