"""Reads the input items of a request into hub messages: neighbours of one voice become one turn.

Reasoning, text and calls that follow each other are one assistant message; results that follow each other are one user
message. A turn ends where another voice begins, so no later item changes an earlier turn. Nothing is repaired here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gammainfra.domain.chat import Message, Part, Role, Text, ToolCall, ToolResult
from gammainfra.wire.arguments import json_text
from gammainfra.wire.lenient import refused
from gammainfra.wire.openai_responses.content import read_content
from gammainfra.wire.openai_responses.items import voice_of
from gammainfra.wire.openai_responses.reasoning import read_reasoning
from gammainfra.wire.openai_responses.tools import LOCAL_SHELL, TOOL_SEARCH, Toolbox, hub_name, text_arguments

_ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


@dataclass(slots=True)
class Conversation:
    """The messages so far. ``tools`` takes tools that items declare; ``dropped`` are the types of items left out."""

    tools: Toolbox
    messages: list[Message] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    _turn: list[Part] = field(default_factory=list)  # open: of the assistant, or of results
    _turn_role: Role = "assistant"

    def read(self, given: object, instructions: object) -> None:
        """Read ``input`` (text or items) after ``instructions``. Refused 400 for what cannot be understood."""
        if isinstance(instructions, str) and instructions:
            self.messages.append(Message("system", (Text(instructions),)))
        elif isinstance(instructions, list):
            self._read_items(instructions, "instructions")
        if isinstance(given, str):
            self.messages.append(Message("user", (Text(given),)))
        elif isinstance(given, list):
            self._read_items(given, "input")
        else:
            raise refused("`input`: expected a text or a list of items", "input")
        self._end_turn()

    def _read_items(self, items: list[object], where: str) -> None:
        for index, item in enumerate(items):
            at = f"{where}[{index}]"
            if not isinstance(item, dict):
                raise refused(f"`{at}`: expected an object", at)
            kind, execution = item.get("type"), item.get("execution")
            match voice_of(kind, execution, at):
                case "message":
                    self._read_message(item, at)
                case "thought":
                    self._say("assistant", read_reasoning(item))
                case "call":
                    self._say("assistant", [call_of(item)])
                case "result":
                    self._say("user", [_result(item, f"{at}.output")])
                    self._declare(item)
                case "tools":
                    self._declare(item)
                case _:
                    self.dropped.append(f"input.{kind}")

    def _declare(self, item: Mapping[str, Any]) -> None:
        tools = item.get("tools")
        if isinstance(tools, list):
            self.tools.add(tools)

    def _read_message(self, item: Mapping[str, Any], at: str) -> None:
        role = _ROLES.get(str(item.get("role")))
        if role is None:
            allowed = ", ".join(sorted(_ROLES))
            raise refused(f"`{at}.role`: {str(item.get('role'))[:40]!r} is not one of {allowed}", f"{at}.role")
        parts = read_content(item.get("content"), f"{at}.content")
        if role == "assistant":
            self._say("assistant", parts)
        else:
            self._end_turn()
            self.messages.append(Message(role, parts))

    def _say(self, role: Role, parts: Sequence[Part]) -> None:
        if role != self._turn_role:
            self._end_turn()
            self._turn_role = role
        self._turn.extend(parts)

    def _end_turn(self) -> None:
        if self._turn:
            self.messages.append(Message(self._turn_role, tuple(self._turn)))
            self._turn = []


def call_id_of(item: Mapping[str, Any]) -> str:
    """What ties a call to its result; items of the local shell have it in ``id`` only."""
    for name in ("call_id", "id"):
        value = item.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def call_of(item: Mapping[str, Any]) -> ToolCall:
    """The call that an item of voice ``call`` makes, of whatever kind of tool."""
    call_id, name = call_id_of(item), item.get("name")
    name = hub_name(name if isinstance(name, str) else "", item.get("namespace"))
    match item["type"]:
        case "custom_tool_call":
            return ToolCall(call_id, name, text_arguments(str(item.get("input") or "")))
        case "local_shell_call":
            return ToolCall(call_id, LOCAL_SHELL, _shell_arguments(item.get("action")))
        case "tool_search_call":
            return ToolCall(call_id, TOOL_SEARCH, json_text(item.get("arguments")))
        case _:
            return ToolCall(call_id, name, json_text(item.get("arguments")))


def _shell_arguments(action: object) -> str:
    """What of a shell action the model said."""
    asked = action if isinstance(action, dict) else {}
    return json_text(
        {name: value for name, value in asked.items() if value is not None and name not in {"type", "env"}}
    )


def _result(item: Mapping[str, Any], at: str) -> ToolResult:
    output = item.get("output")
    if item["type"] == "tool_search_output":
        tools = item.get("tools")
        found = [tool.get("name") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
        output = "Tools found: " + json_text(found)  # they are declared to the model as a whole
    elif isinstance(output, dict):  # some clients send what their tool returned, as it is
        output = json_text(output)
    return ToolResult(call_id_of(item), read_content(output, at))
