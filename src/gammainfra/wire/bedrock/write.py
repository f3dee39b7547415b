"""One hub request as one Converse body: the order of the work, limits, reasoning, tools and cache points.

What is sent for the past is a pure function of the past; cache points are laid on at the very end. What Converse has
no word for is left out and named by OpenAI's name. Rules:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final
from urllib.parse import quote

import msgspec

from gammainfra.domain.chat import CacheMark, ChatRequest, Message, Text, ToolCall
from gammainfra.domain.target import Target, Written
from gammainfra.wire.bedrock.write_blocks import Block, Item, Notes, write_messages, write_system
from gammainfra.wire.cache_marks import automatic_ends, kept_marks
from gammainfra.wire.repair import NOTHING_SAID, repair
from gammainfra.wire.tool_ids import upstream_ids
from gammainfra.wire.tool_names import sent_name

# Models that can be told where to cache; the others answer a cache point with a 400.
_CACHING: Final = ("anthropic.", "amazon.nova")
_CLAUDE: Final = "anthropic."
_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_MIN_BUDGET_TOKENS: Final = 1024
_BUDGET_TOKENS: Final = {"minimal": 1024, "low": 2048, "medium": 4096, "high": 8192}
_MOST_BUDGET_TOKENS: Final = 16_384
_EFFORT_BY_BUDGET: Final = ((2048, "low"), (8192, "medium"))


def write_request(request: ChatRequest, target: Target) -> Written:
    """The body for ``target`` and its path, with the names of everything that could not be said there."""
    opening = tuple(takewhile(lambda message: message.role == "system", request.messages))
    rest = request.messages[len(opening) :]
    if not rest or rest[0].role == "assistant":
        rest = (Message("user", (Text(NOTHING_SAID),)), *rest)
    history = repair(rest)
    calls = [part for message in history for part in message.parts if isinstance(part, ToolCall)]
    notes = Notes(target, upstream_ids((call.id for call in calls), target.id_rule))
    tools, choice = _tools(request, calls, notes)
    system = write_system(repair(opening), notes)
    turns = write_messages(history, notes)
    _mark(notes, tools, system, turns)
    thinking = _thinking(request, notes)
    body: dict[str, Any] = {
        "messages": [{"role": role, "content": _laid(items)} for role, items in turns],
        "system": _laid(system),
        "inferenceConfig": _inference(request, notes, is_thinking="thinking" in thinking),
        "toolConfig": {"tools": _laid(tools), **choice} if tools else {},
        "additionalModelRequestFields": {**thinking, **_further(request, notes, is_thinking="thinking" in thinking)},
        "outputConfig": _form(request, notes),
    }
    if request.stop:
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    _name_unsayable(request, notes)
    method = "converse-stream" if target.stream else "converse"
    return Written(
        body=msgspec.json.encode({name: value for name, value in body.items() if value}),
        dropped_params=tuple(notes.dropped),
        dropped_context=(f"thinking={notes.lost_thinking}",) if notes.lost_thinking else (),
        call_ids=tuple((shown, sent) for shown, sent in notes.ids.items() if shown != sent),
        tool_names=tuple((tool.name, sent) for tool in request.tools if (sent := sent_name(tool.name)) != tool.name),
        path=f"/{quote(target.model, safe=':')}/{method}",
    )


def _tools(request: ChatRequest, calls: Sequence[ToolCall], notes: Notes) -> tuple[list[Item], Block]:
    """Declarations and the choice. A history with calls needs declarations: stubs then name what was called."""
    allowed = request.tool_choice.allowed if request.tool_choice is not None else None
    specs = [tool for tool in request.tools if allowed is None or tool.name in allowed] or request.tools
    if not specs:
        return [(_spec(name, None, None), None) for name in dict.fromkeys(call.name for call in calls)], {}
    items: dict[str, Item] = {}
    for tool in specs:
        written = _spec(tool.name, tool.description, tool.parameters)
        items.setdefault(sent_name(tool.name), (written, tool.cache))
        if tool.strict:
            notes.drop("strict")
    if request.parallel_tool_calls is False:
        notes.drop("parallel_tool_calls")
    return list(items.values()), _choice(request, notes)


def _spec(name: str, description: str | None, parameters: object) -> Block:
    spec: Block = {"name": sent_name(name)}
    if description:
        spec["description"] = description
    return {"toolSpec": {**spec, "inputSchema": {"json": parameters or _NO_PARAMETERS}}}


def _choice(request: ChatRequest, notes: Notes) -> Block:
    """``toolChoice``. Converse cannot say "none", and some models cannot be forced: both are left to the model."""
    choice = request.tool_choice
    if choice is None or choice.mode == "auto":
        return {}
    can_force = notes.target.capabilities.forced_tool_choice and "tool_choice" not in notes.refused
    if choice.mode == "none" or not can_force:
        notes.drop("tool_choice")
        return {}
    if choice.mode == "named":
        return {"toolChoice": {"tool": {"name": sent_name(choice.name)}}}
    return {"toolChoice": {"any": {}}}


def _is_forced(request: ChatRequest, notes: Notes) -> bool:
    return bool(request.tools) and "toolChoice" in _choice(request, notes)


def _limit(request: ChatRequest, notes: Notes) -> int:
    """``maxTokens`` is always said: left out, the model's maximum is taken from the account's quota."""
    target = notes.target
    wanted = request.max_tokens if request.max_tokens is not None else target.default_max_tokens
    bounds = (target.capabilities.max_output_tokens, target.clamp_max_tokens)
    return max(1, min(wanted, *(bound for bound in bounds if bound is not None)))


def _inference(request: ChatRequest, notes: Notes, *, is_thinking: bool) -> Block:
    """Limits and sampling. Temperature wins over ``top_p``: newer models refuse both together."""
    written: Block = {"maxTokens": _limit(request, notes)}
    temperature = None if request.temperature is None else min(max(request.temperature, 0.0), 1.0)
    if temperature is not None:
        if "temperature" in notes.refused or (is_thinking and temperature != 1.0):
            notes.drop("temperature")
        else:
            written["temperature"] = temperature
    if request.top_p is not None:
        if "top_p" in notes.refused or "temperature" in written or is_thinking:
            notes.drop("top_p")
        else:
            written["topP"] = min(max(request.top_p, 0.0), 1.0)
    stop = [sequence for sequence in request.stop if sequence.strip()]
    if stop and "stop" not in notes.refused:
        written["stopSequences"] = stop
    if len(stop) < len(request.stop) or (stop and "stop" in notes.refused):
        notes.drop("stop")
    return written


def _thinking(request: ChatRequest, notes: Notes) -> Block:
    """How a Claude is asked to think; other models are not asked."""
    effort, budget = request.effort, request.thinking_budget
    kind = notes.target.capabilities.thinking
    if effort is None and budget is None:
        return {}
    if kind == "none" or _CLAUDE not in notes.target.model or "reasoning_effort" in notes.refused:
        if effort != "none":
            notes.drop("reasoning_effort")
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}} if kind == "adaptive" else {}
    if kind != "budget":
        level = effort or next(
            (name for most, name in _EFFORT_BY_BUDGET if budget is not None and budget <= most), "high"
        )
        output = {"output_config": {"effort": "low" if level == "minimal" else level}}
        adaptive = kind == "adaptive" and not _is_forced(request, notes)
        return {"thinking": {"type": "adaptive"}, **output} if adaptive else output
    return _manual(request, notes, budget or _BUDGET_TOKENS.get(effort or "", _MOST_BUDGET_TOKENS))


def _manual(request: ChatRequest, notes: Notes, tokens: int) -> Block:
    """Manual thinking: 1024 <= budget < the output limit, never with a forced call or a call without its thought."""
    limit = _limit(request, notes)
    tokens = max(_MIN_BUDGET_TOKENS, tokens if tokens < limit else limit // 2)
    if tokens >= limit or notes.unfit or _is_forced(request, notes):
        notes.drop("reasoning_effort")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def _further(request: ChatRequest, notes: Notes, *, is_thinking: bool) -> Block:
    if request.top_k is None:
        return {}
    if _CLAUDE in notes.target.model and not is_thinking and "top_k" not in notes.refused:
        return {"top_k": request.top_k}
    notes.drop("top_k")
    return {}


def _form(request: ChatRequest, notes: Notes) -> Block:
    """The native form of the answer, for a schema and a model that can be held to it."""
    wanted = request.response_format
    if wanted is None:
        return {}
    able = "json_schema" in notes.target.capabilities.does and "response_format" not in notes.refused
    if wanted.schema is None or not able:
        notes.drop("response_format")
        return {}
    schema = {"name": wanted.name or "answer", "schema": msgspec.json.encode(wanted.schema).decode()}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _name_unsayable(request: ChatRequest, notes: Notes) -> None:
    asked = {"n": request.n > 1, "seed": request.seed is not None, "user": bool(request.user)}
    for name, is_asked in asked.items():
        if is_asked:
            notes.drop(name)
    for name, value in request.extra.items():
        if value:
            notes.drop(name)


def _mark(notes: Notes, tools: list[Item], system: list[Item], turns: list[tuple[str, list[Item]]]) -> None:
    """Keep the client's marks as Bedrock accepts them, or set our own where it set none and the model caches."""
    lists = [tools, system, *(items for _, items in turns)]
    can = any(word in notes.target.model for word in _CACHING) and "cache_control" not in notes.refused
    asked = [mark for items in lists for _, mark in items]
    marks: list[CacheMark | None] = list(kept_marks(asked)) if can else [None] * len(asked)
    for items in lists:
        for index, (block, _) in enumerate(items):
            items[index] = (block, marks.pop(0))
    if can and notes.target.automatic_cache_marks and not any(asked):
        roles = [role for role, _ in turns]
        ends = [system or tools, *(turns[index][1] for index in automatic_ends(roles))]  # type: ignore[arg-type]
        for items in ends:
            if items:
                items[-1] = (items[-1][0], "5m")


def _laid(items: Sequence[Item]) -> list[Block]:
    """The blocks, each marked one followed by a cache point."""
    laid: list[Block] = []
    for block, mark in items:
        laid.append(block)
        if mark is not None:
            laid.append({"cachePoint": {"type": "default", **({"ttl": "1h"} if mark == "1h" else {})}})
    return laid
