"""Tool declarations and the choice among them, as the Messages API accepts them.

It decides names, schemas and ``tool_choice``. It never drops a tool the client declared, except one whose name is
already taken. Rules: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from gammainfra.domain.chat import ChatRequest, Message, ToolCall, ToolSpec
from gammainfra.domain.ids import base62
from gammainfra.wire.anthropic.notes import Block, Notes

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_HEAD_CHARS: Final = 54
_NAME_HASH_CHARS: Final = 9

# More strict tools than this are a 400 (structured outputs, "Schema complexity limits"); agents declare 25 and more.
_STRICT_TOOLS: Final = 20


def tool_name(name: str, notes: Notes) -> str:
    """The name to send: itself when it is accepted, else its readable head and a hash of the whole name."""
    if _NAME.match(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    head = _NOT_IN_NAME.sub("_", name)[:_NAME_HEAD_CHARS]
    sent = f"{head}_{base62(int.from_bytes(digest, 'big'), _NAME_HASH_CHARS)}"
    notes.names[name] = sent
    return sent


def write_tools(request: ChatRequest, notes: Notes) -> list[Block]:
    """The declarations: the client's, restricted to ``allowed_tools``; stubs when only the history has calls.

    A history with calls but no ``tools`` is refused; the stubs name what was called and are never offered.
    """
    specs = _offered(request)
    if not specs:
        return [notes.markable(_stub(name, notes), None) for name in _called(request.messages)]
    strict = _keeps_strict(specs, notes)
    written: dict[str, Block] = {}
    for spec in specs:
        name = tool_name(spec.name, notes)
        if name in written:
            continue
        tool: Block = {"name": name}
        if spec.description:
            tool["description"] = spec.description
        tool["input_schema"] = _input_schema(spec.parameters)
        if spec.strict and strict:
            tool["strict"] = True
        written[name] = notes.markable(tool, spec.cache)
    return list(written.values())


def is_forced(request: ChatRequest, notes: Notes) -> bool:
    """Whether the model will be made to call a tool."""
    choice = request.tool_choice
    if choice is None or choice.mode not in {"required", "named"} or not request.tools:
        return False
    return notes.target.capabilities.forced_tool_choice and not notes.refuses("tool_choice")


def write_tool_choice(request: ChatRequest, notes: Notes) -> Block | None:
    """Auto / none / required / named as auto / none / any / tool. A model that refuses to be forced gets ``auto``.

    No instruction takes the place of a refused choice: it would have to stand in what the next request repeats.
    """
    if not request.tools:
        return {"type": "none"} if _called(request.messages) else None
    choice = request.tool_choice
    mode = choice.mode if choice is not None else "auto"
    if mode in {"required", "named"} and not is_forced(request, notes):
        notes.drop("tool_choice")
        mode = "auto"
    if mode == "none":
        return {"type": "none"}
    written: Block = {"type": "any" if mode == "required" else "auto"}
    if mode == "named" and choice is not None:
        written = {"type": "tool", "name": tool_name(choice.name, notes)}
    if request.parallel_tool_calls is False:
        if notes.refuses("parallel_tool_calls"):
            notes.drop("parallel_tool_calls")
        else:
            written["disable_parallel_tool_use"] = True
    is_default = written == {"type": "auto"}
    return None if is_default else written


def _offered(request: ChatRequest) -> Sequence[ToolSpec]:
    allowed = request.tool_choice.allowed if request.tool_choice is not None else None
    if allowed is None:
        return request.tools
    return [spec for spec in request.tools if spec.name in allowed] or request.tools


def _called(messages: Sequence[Message]) -> list[str]:
    """Names of the tools that the history calls, in order of their first call."""
    calls = (part for message in messages for part in message.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(call.name for call in calls))


def _stub(name: str, notes: Notes) -> Block:
    return {"name": tool_name(name, notes), "input_schema": {"type": "object"}}


def _keeps_strict(specs: Sequence[ToolSpec], notes: Notes) -> bool:
    count = sum(bool(spec.strict) for spec in specs)
    if not count:
        return False
    able = "json_schema" in notes.target.capabilities.does and not notes.refuses("strict")
    if able and count <= _STRICT_TOOLS:
        return True
    notes.drop("strict")
    return False


def _input_schema(parameters: Mapping[str, object] | None) -> Block:
    """The schema as an object schema. Alternatives at its top are refused, so their properties are offered together."""
    if not parameters:
        return {"type": "object", "properties": {}}
    schema = {key: value for key, value in parameters.items() if key not in {"oneOf", "anyOf", "allOf"}}
    schema["type"] = "object"
    if len(schema) < len(parameters) + ("type" not in parameters):
        merged: Block = {}
        for key in ("allOf", "anyOf", "oneOf"):
            merged |= _properties_of(parameters.get(key))
        own = schema.get("properties")
        schema["properties"] = merged | (own if isinstance(own, dict) else {})
    return schema


def _properties_of(branches: object) -> Block:
    merged: Block = {}
    for branch in branches if isinstance(branches, list) else []:
        properties = branch.get("properties") if isinstance(branch, dict) else None
        if isinstance(properties, dict):
            merged |= properties
    return merged
