"""Writes the hub as a Chat Completions request, for OpenAI itself and for hosts that speak its dialect.

It decides the whole body: repaired and re-identified messages, tools, limits, effort, response format. It is a pure
function of the request and the target, and it never invents a parameter that the client or the target did not name.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from gammainfra.domain.chat import ChatRequest, ResponseFormat, ToolChoice, ToolSpec
from gammainfra.domain.target import Target, Written
from gammainfra.wire.openai_chat.parameters import STOPS, Rules, effort_fields, effort_for, fit, limited, rules_for
from gammainfra.wire.openai_chat.read_messages import DIALECT
from gammainfra.wire.openai_chat.write_messages import write_messages
from gammainfra.wire.repair import repair
from gammainfra.wire.tool_names import sent_name

_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_USER_CHARS: Final = 64
# What another dialect calls by the same name and means the same by.
_SHARED: Final[dict[str, frozenset[str]]] = {
    "openai_responses": frozenset({"verbosity", "service_tier", "prompt_cache_key", "safety_identifier"}),
}
_SCHEMA_NOTE: Final = "Answer with one JSON object and nothing else. It must follow this JSON schema: "


def write_request(request: ChatRequest, target: Target) -> Written:
    """The body for ``target``, and the names of everything that it does not take."""
    rules = rules_for(target)
    written = write_messages(repair(request.messages), target)
    dropped = list(dict.fromkeys(written.dropped))
    messages = written.messages
    body: dict[str, Any] = {"model": target.model, "messages": messages}
    if request.tools:
        can_force = target.capabilities.forced_tool_choice
        body.update(_tool_fields(request, rules, dropped, can_force=can_force))
    if request.response_format is not None:
        body.update(_response_format(request.response_format, target, messages, dropped))
    body.update(_plain_fields(request, target, dropped))
    known = request.extra.keys() if request.dialect == DIALECT else _SHARED.get(request.dialect, frozenset())
    body.update({name: value for name, value in request.extra.items() if name in known and name not in body})
    dropped += [name for name in request.extra if name not in known]
    if not _keeps_metadata(body):
        body.pop("metadata", None)
    fitting, left_out = fit(body, rules)
    _stream(fitting, target, rules)
    lost = written.lost_thoughts
    return Written(
        msgspec.json.encode(fitting),
        dropped_params=tuple(dict.fromkeys(dropped + left_out)),
        dropped_context=(f"thinking={lost}",) if lost else (),
        call_ids=tuple(pair for pair in written.call_ids.items() if pair[0] != pair[1]),
        tool_names=tuple((tool.name, sent) for tool in request.tools if (sent := sent_name(tool.name)) != tool.name),
    )


def _keeps_metadata(body: dict[str, Any]) -> bool:
    """OpenAI takes metadata for stored completions only; otherwise it was meant for the gateway."""
    return body.get("store") is True


def _stream(body: dict[str, Any], target: Target, rules: Rules) -> None:
    if target.stream:
        body["stream"] = True
        if "stream_options" not in rules.refuses:
            body["stream_options"] = {"include_usage": True}


def _plain_fields(request: ChatRequest, target: Target, dropped: list[str]) -> dict[str, Any]:
    if len(request.stop) > STOPS:
        dropped.append("stop")
    fields: dict[str, Any] = {
        "max_tokens": limited(request.max_tokens, target),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "n": request.n if request.n > 1 else None,
        "stop": list(request.stop[:STOPS]) or None,
        "seed": request.seed,
        **effort_fields(effort_for(request.effort, request.thinking_budget), target),
        "user": _user(request.user),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _user(user: str | None) -> str | None:
    """Who the client's user is; a name longer than OpenAI takes (Claude Code's is) is replaced by its SHA-256."""
    if user is None or len(user) <= _USER_CHARS:
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def is_forced(choice: ToolChoice) -> bool:
    """Whether the model must call something."""
    return choice.mode in {"required", "named"}


def _tool_fields(request: ChatRequest, rules: Rules, dropped: list[str], *, can_force: bool) -> dict[str, Any]:
    """Tools and what goes with them: a choice without tools is refused by OpenAI, so it stands here only."""
    tools = request.tools
    choice: object = None
    wanted = request.tool_choice
    if wanted is not None and wanted.allowed is not None and not rules.owns_dialect:
        tools = tuple(tool for tool in tools if tool.name in wanted.allowed) or tools
        choice = wanted.mode
    elif wanted is not None:
        choice = _choice(wanted)
    if wanted is not None and is_forced(wanted) and not can_force:
        dropped.append("tool_choice")
        choice = None
    fields: dict[str, Any] = {"tools": [_tool(tool, rules, dropped) for tool in tools]}
    if choice is not None:
        fields["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _tool(tool: ToolSpec, rules: Rules, dropped: list[str]) -> dict[str, Any]:
    function: dict[str, Any] = {"name": sent_name(tool.name)}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters if tool.parameters is not None else _NO_PARAMETERS
    if tool.strict is not None:
        if "strict" not in rules.refuses:
            function["strict"] = tool.strict
        elif tool.strict and "strict" not in dropped:
            dropped.append("strict")
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> object:
    if choice.allowed is not None:
        tools = [{"type": "function", "function": {"name": sent_name(name)}} for name in choice.allowed]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": tools}}
    if choice.mode == "named":
        return {"type": "function", "function": {"name": sent_name(choice.name)}}
    return choice.mode


def _response_format(
    wanted: ResponseFormat, target: Target, messages: list[dict[str, Any]], dropped: list[str]
) -> dict[str, Any]:
    """The format as asked, or the nearest one: a schema that the model cannot be held to is told in words."""
    does = target.capabilities.does
    if wanted.kind == "json_schema" and wanted.schema is not None:
        if "json_schema" in does:
            inner: dict[str, Any] = {"name": wanted.name or "answer", "schema": wanted.schema}
            if wanted.strict is not None:
                inner["strict"] = wanted.strict
            return {"response_format": {"type": "json_schema", "json_schema": inner}}
        dropped.append("response_format.json_schema")
        schema = msgspec.json.encode(wanted.schema).decode()
        place = 0
        while place < len(messages) and messages[place]["role"] == "system":
            place += 1
        messages.insert(place, {"role": "system", "content": _SCHEMA_NOTE + schema})
    if "json_object" in does or "json_schema" in does:
        return {"response_format": {"type": "json_object"}}
    dropped.append("response_format")
    return {}
