"""Reads a whole Messages body into the hub: the typed way, for when the endpoint speaks otherwise or must be mended.

Fields that steer the gateway are left out because the sketch has them; every other unknown field is kept in
``extra`` by its name, and so are declarations of tools that Anthropic itself runs (``extra["tools"]``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gammainfra.domain.chat import ChatRequest, ResponseFormat, ToolChoice, ToolSpec
from gammainfra.wire.anthropic.blocks import DIALECT
from gammainfra.wire.anthropic.fields import GATEWAY_FIELDS
from gammainfra.wire.anthropic.read_blocks import cache_mark, read_messages, read_system
from gammainfra.wire.lenient import read_body, refused

_ANY: Final = msgspec.json.Decoder()
_READ: Final = GATEWAY_FIELDS | {
    "cache_control",  # the hub's writer marks a request that has no marks of its own
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
}
# What adaptive thinking does unless an effort is named (platform.claude.com, "Effort").
_USUAL_EFFORT: Final = "high"


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
    tools, served = _tools(body.get("tools"))
    effort, budget = _reasoning(_object(body, "thinking"), _object(body, "output_config"))
    choice, parallel = _tool_choice(_object(body, "tool_choice"))
    extra = {name: value for name, value in body.items() if name not in _READ and value is not None}
    limit = _whole(_number(body, "max_tokens"))
    return ChatRequest(
        dialect=DIALECT,
        model=model,
        messages=(*read_system(body.get("system")), *read_messages(messages)),
        stream=body.get("stream") is True,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        max_tokens=limit if limit is not None and limit > 0 else None,
        temperature=_number(body, "temperature"),
        top_p=_number(body, "top_p"),
        top_k=_whole(_number(body, "top_k")),
        stop=_stop(body.get("stop_sequences")),
        effort=effort,
        thinking_budget=budget,
        response_format=_response_format(body),
        user=_string(_object(body, "metadata").get("user_id")),
        extra={**extra, "tools": served} if served else extra,
    )


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(f"`{name}`: expected a number", name)
    return value


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _stop(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str) and text) if isinstance(value, list) else ()


def _reasoning(thinking: Mapping[str, Any], output: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Effort and budget from ``thinking`` (enabled, adaptive, between_tools, disabled) and ``output_config.effort``."""
    effort = _string(output.get("effort"))
    match thinking.get("type"):
        case "disabled":
            return "none", None
        case "enabled":
            budget = thinking.get("budget_tokens")
            return effort, budget if isinstance(budget, int) and budget > 0 else None
        case None:
            return effort, None
        case _:
            return effort or _USUAL_EFFORT, None


def _response_format(body: Mapping[str, Any]) -> ResponseFormat | None:
    """``output_config.format``, or the beta's ``output_format``."""
    for wanted in (_object(body, "output_config").get("format"), body.get("output_format")):
        match wanted:
            case {"type": "json_schema", "schema": dict(schema)}:
                return ResponseFormat("json_schema", schema, "answer")
            case _:
                pass
    return None


def _tools(tools: object) -> tuple[tuple[ToolSpec, ...], list[object]]:
    """The client's own tools, and the declarations of tools whose schema Anthropic knows or that it runs itself."""
    own: list[ToolSpec] = []
    served: list[object] = []
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        param = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise refused(f"`{param}`: expected an object", param)
        if tool.get("type") not in {None, "custom"}:
            served.append({name: value for name, value in tool.items() if name != "cache_control"})
            continue
        name = _string(tool.get("name"))
        if name is None:
            raise refused(f"`{param}.name`: name the tool", f"{param}.name")
        schema, strict = tool.get("input_schema"), tool.get("strict")
        own.append(
            ToolSpec(
                name,
                _string(tool.get("description")),
                schema if isinstance(schema, dict) else None,
                strict if isinstance(strict, bool) else None,
                cache_mark(tool),
            )
        )
    return tuple(own), served


def _tool_choice(choice: Mapping[str, Any]) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and False when only one call at a time is wanted."""
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    match choice:
        case {"type": "auto" | "none" as mode}:
            return ToolChoice(mode), parallel
        case {"type": "any"}:
            return ToolChoice("required"), parallel
        case {"type": "tool", "name": str(name)}:
            return ToolChoice("named", name), parallel
        case _:
            return None, parallel
