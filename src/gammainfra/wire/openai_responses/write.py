"""Writes the hub as a Responses request, stateless: the whole conversation with every request, nothing stored.

It decides the whole body but the items (``write_items``). It is a pure function of the request and the target; what
Responses has no word for (stop sequences, seeds, penalties) is left out and named by OpenAI's Chat Completions name.
Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from gammainfra.domain.chat import ChatRequest, ResponseFormat, ToolCall, ToolChoice, ToolSpec
from gammainfra.domain.target import Target, Written
from gammainfra.wire.openai_responses.write_items import write_items
from gammainfra.wire.repair import repair
from gammainfra.wire.tool_ids import upstream_ids
from gammainfra.wire.tool_names import sent_name

INCLUDE: Final = "reasoning.encrypted_content"
_MIN_OUTPUT_TOKENS: Final = 16  # a smaller limit is a 400
_USER_CHARS: Final = 64
_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}
# Fields of OpenAI's that both of its dialects call by the same name.
_SHARED: Final = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier"})
_EFFORT_BY_BUDGET: Final = ((2048, "low"), (8192, "medium"))


def write_request(request: ChatRequest, target: Target) -> Written:
    """The body for ``target``, and the names of everything that could not be said."""
    messages = repair(request.messages)
    ids = upstream_ids((part.id for m in messages for part in m.parts if isinstance(part, ToolCall)), target.id_rule)
    items = write_items(messages, target, ids)
    dropped = dict.fromkeys(items.dropped)
    text = _text(request, target, dropped)
    fields: dict[str, Any] = {
        "model": target.model,
        "input": items.items,
        **stateless(),
        "max_output_tokens": output_limit(request.max_tokens, target),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "reasoning": _reasoning(request, target),
        "text": text or None,
        "user": _user(request.user),
        **_tools(request, target, dropped),
        **{name: value for name, value in request.extra.items() if name in _SHARED},
    }
    refused = refuses(target)
    body = {name: value for name, value in fields.items() if value is not None and name not in refused}
    dropped |= dict.fromkeys(name for name, value in fields.items() if value is not None and name in refused)
    dropped |= dict.fromkeys(_unsayable(request))
    if target.stream:
        body["stream"] = True
    return Written(
        msgspec.json.encode(body),
        dropped_params=tuple(dropped),
        dropped_context=(f"thinking={items.lost_thoughts}",) if items.lost_thoughts else (),
        call_ids=tuple((shown, sent) for shown, sent in ids.items() if shown != sent),
        tool_names=tuple((tool.name, sent) for tool in request.tools if (sent := sent_name(tool.name)) != tool.name),
    )


def stateless() -> dict[str, Any]:
    """What every request says: nothing is kept, and reasoning comes back sealed instead."""
    return {"store": False, "include": [INCLUDE]}


def refuses(target: Target) -> frozenset[str]:
    """The refused parameters, by this dialect's names too."""
    refused = target.drop | target.capabilities.refuses
    return refused | {"max_output_tokens"} if "max_tokens" in refused else refused


def output_limit(wanted: int | None, target: Target) -> int | None:
    """The output limit to send: the client's, within what the target takes; None when there is none."""
    limits = [limit for limit in (wanted, target.clamp_max_tokens) if limit is not None]
    return max(_MIN_OUTPUT_TOKENS, min(limits)) if limits else None


def _unsayable(request: ChatRequest) -> list[str]:
    """What the client asked for and this dialect has no word for."""
    asked = {
        "stop": bool(request.stop),
        "seed": request.seed is not None,
        "top_k": request.top_k is not None,
        "n": request.n > 1,
    }
    known = _SHARED | {"verbosity"}
    return [*(name for name, is_asked in asked.items() if is_asked), *(n for n in request.extra if n not in known)]


def _reasoning(request: ChatRequest, target: Target) -> dict[str, Any] | None:
    """Effort, and a summary of the thoughts for the reader; nothing for a model that does not reason."""
    refused = target.drop | target.capabilities.refuses
    if target.capabilities.thinking == "none":
        return None
    reasoning: dict[str, Any] = {"summary": "auto"}
    effort = request.effort
    if effort is None and request.thinking_budget is not None:
        budget = request.thinking_budget
        effort = next((name for most, name in _EFFORT_BY_BUDGET if budget <= most), "high")
    if effort is not None and "reasoning_effort" not in refused:
        reasoning["effort"] = effort
    return reasoning


def _text(request: ChatRequest, target: Target, dropped: dict[str, None]) -> dict[str, Any]:
    """Form and length of the answer."""
    text: dict[str, Any] = {}
    if request.response_format is not None:
        form = _format(request.response_format, target)
        if form is None:
            dropped["response_format"] = None
        else:
            text["format"] = form
    if request.extra.get("verbosity") is not None:
        text["verbosity"] = request.extra["verbosity"]
    return text


def _format(wanted: ResponseFormat, target: Target) -> dict[str, Any] | None:
    if wanted.kind not in target.capabilities.does:
        return None
    if wanted.kind == "json_object" or wanted.schema is None:
        return {"type": "json_object"}
    form = {"type": "json_schema", "name": wanted.name or "answer", "schema": wanted.schema}
    return form if wanted.strict is None else {**form, "strict": wanted.strict}


def _tools(request: ChatRequest, target: Target, dropped: dict[str, None]) -> dict[str, Any]:
    """Tools and what goes with them: a choice without tools is refused."""
    if not request.tools:
        return {}
    fields: dict[str, Any] = {"tools": [_tool(tool) for tool in request.tools]}
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    choice = request.tool_choice
    if choice is not None and choice.mode in {"required", "named"} and not target.capabilities.forced_tool_choice:
        dropped["tool_choice"] = None
    elif choice is not None:
        fields["tool_choice"] = _choice(choice)
    return fields


def _tool(tool: ToolSpec) -> dict[str, Any]:
    """A function. ``strict`` is True here unless it is named, and then rewrites the schema."""
    written: dict[str, Any] = {"type": "function", "name": sent_name(tool.name)}
    if tool.description:
        written["description"] = tool.description
    written["parameters"] = tool.parameters if tool.parameters is not None else _NO_PARAMETERS
    return {**written, "strict": tool.strict is True}


def _choice(choice: ToolChoice) -> object:
    if choice.allowed is not None:
        tools = [{"type": "function", "name": sent_name(name)} for name in choice.allowed]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
    if choice.mode == "named":
        return {"type": "function", "name": sent_name(choice.name)}
    return choice.mode


def _user(user: str | None) -> str | None:
    """Who the client's user is; a name longer than OpenAI takes is replaced by its SHA-256."""
    if user is None or len(user) <= _USER_CHARS:
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
