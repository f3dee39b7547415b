"""One hub request as one generateContent body: the order of the work, and nothing that a single part decides.

What is sent for the past is a pure function of the past: no clock, no randomness, no later turn changes an earlier
one. Model and method stand in the address, not in the body.
"""

from __future__ import annotations

from itertools import takewhile
from urllib.parse import quote

import msgspec

from gammainfra.domain.chat import ChatRequest, Message, Text, ToolCall
from gammainfra.domain.target import Target, Written
from gammainfra.wire.gemini import contents, parameters, tools
from gammainfra.wire.gemini.notes import Block, Notes
from gammainfra.wire.repair import NOTHING_SAID, repair
from gammainfra.wire.tool_ids import upstream_ids


def write_request(request: ChatRequest, target: Target, made_by: str) -> Written:
    """The body and path for ``target``, with the names of everything that could not be said there."""
    opening, history = _halves(request.messages)
    ids = upstream_ids((part.id for m in history for part in m.parts if isinstance(part, ToolCall)), target.id_rule)
    notes = Notes(target, made_by, ids)
    declared = tools.write_tools(request, notes)
    form, instruction = parameters.answer_form(request, notes)
    system = contents.write_system(opening, notes)
    if instruction is not None:
        system.append({"text": instruction})
    turns = contents.write_contents(history, notes)
    contents.write_ending(turns, prefill=target.capabilities.prefill and not notes.refuses("prefill"))
    parameters.name_unsayable(request, notes)
    optional: Block = {
        "systemInstruction": {"parts": system} if system else None,
        "tools": [{"functionDeclarations": declared}] if declared else None,
        "toolConfig": tools.write_tool_config(request, notes) if declared else None,
        "generationConfig": parameters.generation_config(request, notes) | form,
    }
    body = {name: value for name, value in optional.items() if value}
    body["contents"] = turns
    method = "streamGenerateContent?alt=sse" if target.stream else "generateContent"
    return Written(
        body=msgspec.json.encode(body),
        dropped_params=tuple(notes.dropped),
        dropped_context=(f"thinking={notes.lost_thinking}",) if notes.lost_thinking else (),
        call_ids=tuple((shown, sent) for shown, sent in ids.items() if shown != sent),
        tool_names=tuple(notes.names.items()),
        path=f"/{quote(target.model, safe='')}:{method}",
    )


def _halves(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The system messages that open the conversation, and the rest, each repaired; the rest begins with the user."""
    opening = tuple(takewhile(lambda message: message.role == "system", messages))
    rest = messages[len(opening) :]
    if not rest or rest[0].role == "assistant":
        rest = (Message("user", (Text(NOTHING_SAID),)), *rest)
    return repair(opening), repair(rest)
