"""Reads a whole Responses body into the hub, for every provider: none is asked in this dialect.

Fields that steer the gateway or only the answer's own shape are left out; of OpenAI's further fields those that Chat
Completions calls by the same name stay in ``extra``, where its writer finds them. The rest is named there, so that the
caller is told what was dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from gammainfra.domain.chat import ChatRequest, ResponseFormat, ToolChoice
from gammainfra.wire.effort import read_effort
from gammainfra.wire.gateway_fields import GATEWAY_FIELDS
from gammainfra.wire.lenient import read_body, refused
from gammainfra.wire.openai_responses.items import DIALECT
from gammainfra.wire.openai_responses.read_input import Conversation
from gammainfra.wire.openai_responses.tools import Toolbox, hub_name

T = TypeVar("T")

_ANY: Final = msgspec.json.Decoder()
_READ: Final = GATEWAY_FIELDS | {
    "model",
    "input",
    "instructions",
    "stream",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "reasoning",
    "reasoning_effort",
    "thinking",
    "text",
    "user",
}
# What says how the answer is kept or framed: nothing is lost when no provider hears of it.
_UNSAID: Final = frozenset(
    {
        "background",
        "client_metadata",
        "conversation",
        "include",
        "max_tool_calls",
        "metadata",
        "previous_response_id",
        "prompt",
        "store",
        "stream_options",
        "truncation",
    }
)


def read_request(raw: bytes) -> ChatRequest:
    """The hub form of ``raw``; Refused 400 ``invalid_request`` for what cannot be understood."""
    body = read_body(raw, _ANY)
    if not isinstance(body, dict):
        raise refused("the body: expected a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise refused("`model`: name a model", "model")
    tools = Toolbox()
    declared = body.get("tools")
    tools.add(declared if isinstance(declared, list) else ())
    said = Conversation(tools)
    said.read(body.get("input"), body.get("instructions"))
    effort, budget = read_effort(body)
    text = body.get("text")
    text = text if isinstance(text, dict) else {}
    choice, lost_choice = _tool_choice(body.get("tool_choice"), tools)
    extra = {name: value for name, value in body.items() if name not in _READ | _UNSAID and value is not None}
    if text.get("verbosity") is not None:
        extra["verbosity"] = text["verbosity"]
    extra.update(dict.fromkeys([*tools.dropped, *said.dropped, *lost_choice]))
    return ChatRequest(
        dialect=DIALECT,
        model=model,
        messages=tuple(said.messages),
        stream=body.get("stream") is True,
        tools=tuple(tools.specs.values()),
        tool_choice=choice,
        parallel_tool_calls=_of_type(body, "parallel_tool_calls", bool),
        max_tokens=read_max_tokens(body.get("max_output_tokens")),
        temperature=_number(body, "temperature"),
        top_p=_number(body, "top_p"),
        effort=effort,
        thinking_budget=budget,
        response_format=read_text_format(text.get("format")),
        user=_of_type(body, "user", str),
        extra=extra,
    )


def _of_type(body: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = body.get(name)
    return value if isinstance(value, kind) else None


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(f"`{name}`: expected a number", name)
    return value


def read_max_tokens(limit: object) -> int | None:
    """The limit; 0 and negative numbers are clients' ways to say none."""
    return int(limit) if isinstance(limit, int | float) and limit > 0 else None


def read_text_format(wanted: object) -> ResponseFormat | None:
    """``text.format``; plain text is the same as none."""
    match wanted:
        case {"type": "json_object"}:
            return ResponseFormat("json_object")
        case {"type": "json_schema", "schema": dict(schema)} if isinstance(wanted, dict):
            name, strict = wanted.get("name"), wanted.get("strict")
            return ResponseFormat(
                "json_schema",
                schema,
                name if isinstance(name, str) and name else "answer",
                strict if isinstance(strict, bool) else None,
            )
        case _:
            return None


def _tool_choice(choice: object, tools: Toolbox) -> tuple[ToolChoice | None, list[str]]:
    """The choice, and ``tool_choice`` when it names a tool that no provider here can carry out."""
    match choice:
        case "auto" | "none" | "required":
            return ToolChoice(choice), []
        case {"type": "allowed_tools", "tools": list(allowed), **rest}:
            names = tuple(name for tool in allowed if (name := _chosen(tool)) in tools.specs)
            return ToolChoice("required" if rest.get("mode") == "required" else "auto", allowed=names or None), []
        case {"type": str()}:
            name = _chosen(choice)
            return (ToolChoice("named", name), []) if name in tools.specs else (None, ["tool_choice"])
        case _:
            return None, []


def _chosen(tool: object) -> str:
    """The name in the hub of a tool as choices name it; tools without a name go by their type."""
    match tool:
        case {"name": str(name)} if isinstance(tool, dict):
            return hub_name(name, tool.get("namespace"))
        case {"type": str(kind)}:
            return kind
        case _:
            return ""
