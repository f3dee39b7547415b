"""One hub request as one Messages-API body: the order of the work, and nothing that a single part decides.

What is sent for the past is a pure function of the past: no clock, no randomness, no later turn changes
an earlier one, content is always in block form, and cache marks are laid on at the very end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import msgspec

from gammainfra.domain.chat import ChatRequest, Message, Text, ToolCall
from gammainfra.domain.target import Target, Written
from gammainfra.wire.anthropic import betas, blocks, params, tools
from gammainfra.wire.anthropic.fields import NATIVE_FIELDS, betas_of
from gammainfra.wire.anthropic.notes import Block, Notes, Turn
from gammainfra.wire.cache_marks import automatic_ends, kept_marks
from gammainfra.wire.repair import NOTHING_SAID, repair
from gammainfra.wire.tool_ids import upstream_ids


def write_request(request: ChatRequest, target: Target) -> Written:
    """The body for ``target``, with the names of everything that could not be said there."""
    opening, history = _halves(request.messages)
    ids = upstream_ids((part.id for m in history for part in m.parts if isinstance(part, ToolCall)), target.id_rule)
    notes = Notes(target, ids)
    limit = params.max_tokens(request, notes)
    form, instruction = params.answer_form(request, notes)

    native = _native(request, notes)
    served: Sequence[Block] = native.pop("tools", ())
    taken = {tool.get("name") for tool in served}
    declared = [*(tool for tool in tools.write_tools(request, notes) if tool["name"] not in taken), *served]
    choice = tools.write_tool_choice(request, notes) if request.tools or not served else None
    system = blocks.write_system(opening, notes)
    if instruction is not None:
        system.append(notes.markable({"type": "text", "text": instruction}, None))
    turns = blocks.write_messages(history, notes)
    prefill = target.capabilities.prefill and not notes.refuses("prefill")
    blocks.write_ending(turns, notes, prefill=prefill)

    reasoning = params.reasoning(
        request,
        notes,
        limit,
        forced=tools.is_forced(request, notes),
        unfit=turns[-1].role == "assistant" or blocks.open_loop_lacks_thinking(turns),
    )
    params.name_unsayable(request, notes)
    _mark(notes, declared, system, turns)

    output: Block = {}
    if form is not None:
        output["format"] = form
    if reasoning.effort is not None:
        output["effort"] = reasoning.effort
    body: Block = {"model": target.model, "max_tokens": limit}
    optional: Block = {
        "tools": declared,
        "tool_choice": choice,
        "system": system,
        "thinking": reasoning.thinking,
        "output_config": output,
        "metadata": params.metadata(request, notes),
    }
    body |= {name: value for name, value in optional.items() if value}
    body |= params.sampling(request, notes, thinking=reasoning.is_on)
    body |= native
    body["messages"] = turns
    if target.stream:
        body["stream"] = True
    if betas.is_lost(target):
        notes.drop(betas.HEADER)
    return Written(
        body=msgspec.json.encode(params.renamed(body, notes)),
        dropped_params=tuple(notes.dropped),
        dropped_context=(f"thinking={notes.lost_thinking}",) if notes.lost_thinking else (),
        call_ids=tuple((shown, sent) for shown, sent in ids.items() if shown != sent),
        headers=betas.header(target, (*notes.betas, *betas_of(native))),
        tool_names=tuple(notes.names.items()),
    )


def _native(request: ChatRequest, notes: Notes) -> dict[str, Any]:
    """What a client of this dialect asked of Anthropic itself; named where the hub has no place for it.

    ``tools`` are declarations of tools that Anthropic runs or knows the schema of.
    """
    if request.dialect != blocks.DIALECT:
        return {}
    kept: dict[str, Any] = {}
    for name, value in request.extra.items():
        if notes.target.owns_dialect and (name == "tools" or name in NATIVE_FIELDS):
            kept[name] = value
        else:
            notes.drop(name)
    return kept


def _halves(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The system messages that open the conversation, and the rest, each repaired; the rest begins with the user."""
    opening = tuple(takewhile(lambda message: message.role == "system", messages))
    rest = messages[len(opening) :]
    if not rest or rest[0].role == "assistant":
        rest = (Message("user", (Text(NOTHING_SAID),)), *rest)
    return repair(opening), repair(rest)


def _mark(notes: Notes, declared: Sequence[Block], system: Sequence[Block], turns: Sequence[Turn]) -> None:
    """Lay on the client's cache marks, or our own where it set none and the target asks for them."""
    if notes.refuses("cache_control"):
        return
    marks = [mark for _, mark in notes.marks]
    if any(mark is not None for mark in marks):
        for (block, _), mark in zip(notes.marks, kept_marks(marks), strict=True):
            if mark is not None:
                block["cache_control"] = {"type": "ephemeral", "ttl": "1h"} if mark == "1h" else {"type": "ephemeral"}
        return
    if not notes.target.automatic_cache_marks:
        return
    ends = [(system or declared)[-1:], *(turns[index].content for index in automatic_ends([t.role for t in turns]))]
    for end in ends:
        for block in end[-1:]:
            block["cache_control"] = {"type": "ephemeral"}
