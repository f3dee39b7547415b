"""Tools of every kind as functions, which is what all providers know, and calls back in the kind the client declared.

A custom (free-form) tool becomes a function with one text argument, a tool of a namespace gets a joint name, Codex's
local shell and the client's tool search become functions with their documented arguments. Tools that OpenAI's servers
carry out themselves have no counterpart elsewhere: they are left out and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gammainfra.domain.chat import ToolSpec
from gammainfra.domain.sketch import ToolForm
from gammainfra.wire.lenient import refused

LOCAL_SHELL: Final = "local_shell"
TOOL_SEARCH: Final = "tool_search"
_TEXT_ARGUMENT: Final = "input"
_SHELL_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "command": {"type": "array", "items": {"type": "string"}, "description": "The program and its arguments."},
        "working_directory": {"type": "string"},
        "timeout_ms": {"type": "integer"},
    },
    "required": ["command"],
}


@dataclass(slots=True)
class Toolbox:
    """``specs`` by their names in the hub; ``forms`` of those that are no plain functions; ``dropped`` by type."""

    specs: dict[str, ToolSpec] = field(default_factory=dict)
    forms: dict[str, ToolForm] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    def add(self, tools: Iterable[object], at: str = "tools", namespace: str = "") -> None:
        """Add tools as a request declares them; of two with one name the first stays. Refused 400 without a name."""
        for index, tool in enumerate(tools):
            where = f"{at}[{index}]"
            match tool:
                case {"type": "namespace", "name": str(space), "tools": list(inner)}:
                    self.add(inner, f"{where}.tools", space)
                case {"type": "custom"} if isinstance(tool, dict):
                    self._add_custom(tool, where, namespace)
                case {"type": "local_shell"}:
                    spec = ToolSpec(LOCAL_SHELL, "Runs a command on the user's machine.", _SHELL_PARAMETERS)
                    self._put(spec, ToolForm("local_shell", LOCAL_SHELL))
                case {"type": "tool_search", "execution": "client"} if isinstance(tool, dict):
                    self._put(_spec(TOOL_SEARCH, tool), ToolForm("tool_search", TOOL_SEARCH))
                case {"type": "tool_search"}:
                    pass  # every tool that it could find is declared already
                case {"type": "function"} | {"name": str()} if isinstance(tool, dict):
                    self._add_function(tool, where, namespace)
                case {"type": str(kind)}:
                    self.dropped.append(f"tools.{kind}")
                case _:
                    raise refused(f"`{where}`: expected a tool with a type", where)

    def _add_function(self, tool: Mapping[str, Any], where: str, namespace: str) -> None:
        inner = tool.get("function")
        if isinstance(inner, dict):  # as Chat Completions nests it
            tool = inner
        name = _name(tool, where)
        hub = hub_name(name, namespace)
        self._put(_spec(hub, tool), ToolForm("function", name, namespace) if hub != name else None)

    def _add_custom(self, tool: Mapping[str, Any], where: str, namespace: str) -> None:
        name = _name(tool, where)
        described = _text(tool.get("description"))
        match tool.get("format"):
            case {"type": "grammar", "syntax": str(syntax), "definition": str(definition)}:
                described += f"\n\n`{_TEXT_ARGUMENT}` must follow this {syntax} grammar:\n{definition}"
            case _:
                pass
        argument = {"type": "string", "description": "The whole input of the tool, as plain text."}
        parameters = {
            "type": "object",
            "properties": {_TEXT_ARGUMENT: argument},
            "required": [_TEXT_ARGUMENT],
            "additionalProperties": False,
        }
        spec = ToolSpec(hub_name(name, namespace), described.strip() or None, parameters)
        self._put(spec, ToolForm("custom", name, namespace))

    def _put(self, spec: ToolSpec, form: ToolForm | None) -> None:
        if spec.name not in self.specs:
            self.specs[spec.name] = spec
            if form is not None:
                self.forms[spec.name] = form


def hub_name(name: str, namespace: object) -> str:
    """One name for a tool of a namespace. Hosted tool search repeats a plain function's name as its namespace."""
    if not isinstance(namespace, str) or namespace in {"", name}:
        return name
    return namespace + name if namespace.endswith("__") else f"{namespace}__{name}"


def _spec(name: str, tool: Mapping[str, Any]) -> ToolSpec:
    parameters, strict = tool.get("parameters"), tool.get("strict")
    return ToolSpec(
        name,
        _text(tool.get("description")) or None,
        parameters if isinstance(parameters, dict) else None,
        strict if isinstance(strict, bool) else None,
    )


def _name(tool: Mapping[str, Any], where: str) -> str:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        raise refused(f"`{where}.name`: name the tool", f"{where}.name")
    return name


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


# ---- calls --------------------------------------------------------------------------------------------------------
def text_arguments(text: str) -> str:
    """The input of a custom tool as a function's arguments."""
    return msgspec.json.encode({_TEXT_ARGUMENT: text}).decode()


def _object_of(arguments: str) -> dict[str, Any]:
    """The arguments as an object; {} when they are none (an answer cut by its token limit)."""
    try:
        found = msgspec.json.decode(arguments)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _input_of(arguments: str) -> str:
    """The text a model meant: the one argument, whatever it called it; else the arguments as they are."""
    found = _object_of(arguments)
    texts = [value for value in found.values() if isinstance(value, str)]
    chosen = found.get(_TEXT_ARGUMENT)
    if isinstance(chosen, str):
        return chosen
    return texts[0] if len(texts) == len(found) == 1 else arguments


def call_item(form: ToolForm, call_id: str, arguments: str) -> dict[str, Any]:
    """A call as an output item of its kind, without id and status."""
    space = {"namespace": form.namespace} if form.namespace else {}
    match form.kind:
        case "custom":
            made = {"type": "custom_tool_call", "call_id": call_id, "name": form.name}
            return {**made, **space, "input": _input_of(arguments)}
        case "local_shell":
            action = {"env": {}, "command": [], **_object_of(arguments), "type": "exec"}
            return {"type": "local_shell_call", "call_id": call_id, "action": action}
        case "tool_search":
            made = {"type": "tool_search_call", "call_id": call_id, "execution": "client"}
            return {**made, "arguments": _object_of(arguments)}
        case _:
            made = {"type": "function_call", "call_id": call_id, "name": form.name}
            return {**made, **space, "arguments": arguments}
