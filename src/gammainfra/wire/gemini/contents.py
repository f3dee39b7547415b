"""Messages of the hub as ``contents``: user and model turns of parts, with thought signatures where they belong.

It decides the shape of every part and which parts cannot be said here; what is left out is named in the Notes. It
never pairs calls with results (``wire.repair`` did) and looks at no later message, so earlier turns never change.
Rules: https://ai.google.dev/gemini-api/docs/function-calling and /thought-signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

import msgspec

from gammainfra.domain.chat import (
    Document,
    Image,
    Message,
    OpaquePart,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gammainfra.wire.gemini.media import document_part, image_part
from gammainfra.wire.gemini.notes import Block, Notes
from gammainfra.wire.gemini.tools import tool_name
from gammainfra.wire.repair import NOTHING_SAID

# Stands where a signature is demanded and the call was made elsewhere: documented for histories of other models. On
# siblings of a parallel call it made gemini-3.5 answer nothing, so it is put on the first call only.
UNSIGNED: Final = "skip_thought_signature_validator"


def write_system(messages: Iterable[Message], notes: Notes) -> list[Block]:
    """The system messages that open a conversation, as parts of ``systemInstruction``: its text only."""
    parts: list[Block] = []
    for message in messages:
        for part in message.parts:
            if isinstance(part, Text):
                parts.append({"text": part.text})
            else:
                notes.drop("system")
    return parts


def write_contents(messages: Iterable[Message], notes: Notes) -> list[Block]:
    """The rest of the conversation, which begins with a user message. Turns alternate, and no turn is empty.

    A system message on its way becomes a note in the user turn where it stands: hoisting it would change what was
    sent before it. Its place is never between a call and its results.
    """
    turns: list[Block] = []
    for message in messages:
        match message.role:
            case "assistant":
                _append(turns, "model", _model(message.parts, notes))
            case "user":
                _append(turns, "user", _user(message.parts, notes) or [{"text": NOTHING_SAID}])
            case "system":
                _append(turns, "user", _reminders(message.parts, notes))
            case _:
                assert_never(message.role)
    return turns


def write_ending(turns: list[Block], *, prefill: bool) -> None:
    """End the conversation with a user turn, unless the model continues its own text (``prefill``)."""
    if turns[-1]["role"] == "model" and not prefill:
        turns.append({"role": "user", "parts": [{"text": NOTHING_SAID}]})


def _append(turns: list[Block], role: str, parts: list[Block]) -> None:
    last = turns[-1] if turns else None
    if last is not None and last["role"] == role:
        last["parts"] = [*_parts_of(last), *parts]
    elif parts:
        turns.append({"role": role, "parts": parts})


def _parts_of(turn: Block) -> list[Block]:
    parts = turn["parts"]
    return parts if isinstance(parts, list) else []


def _reminders(parts: Iterable[Part], notes: Notes) -> list[Block]:
    written: list[Block] = []
    for part in parts:
        if isinstance(part, Text):
            written.append({"text": f"<system-reminder>\n{part.text}\n</system-reminder>"})
        else:
            notes.drop("system")
    return written


# ---- what the model said --------------------------------------------------------------------------------------------
def _model(parts: Iterable[Part], notes: Notes) -> list[Block]:
    """A turn of the model, in its own order, signed as it was.

    Summaries of thoughts are not sent back: the signatures hold the thoughts themselves.
    """
    signatures: list[tuple[str, str]] = []
    written: list[Block] = []
    texts: list[Block] = []
    calls: dict[str, Block] = {}
    for part in parts:
        match part:
            case Thinking():
                signatures += _signature(part, notes)
            case Text():
                texts.append({"text": part.text})
                written.append(texts[-1])
            case ToolCall():
                calls[part.id] = _call(part, notes)
                written.append(calls[part.id])
            case _:
                written += _media(part, notes)
    _sign(signatures, texts, calls, notes)
    return written


def _call(part: ToolCall, notes: Notes) -> Block:
    name = notes.calls[part.id] = tool_name(part.name, notes)
    return {"functionCall": {"id": notes.ids[part.id], "name": name, "args": _arguments(part.arguments)}}


def _signature(part: Thinking, notes: Notes) -> list[tuple[str, str]]:
    """The (call id, signature) of a thought of this service; of another's nothing is left."""
    signature = part.redacted or part.signature
    is_own = part.format == notes.made_by and part.origin.provider in {"", notes.target.provider}
    if not is_own or (signature and notes.target.drop_thinking):
        notes.lost_thinking += 1
        return []
    return [(part.id, signature)] if signature else []


def _sign(signatures: list[tuple[str, str]], texts: list[Block], calls: dict[str, Block], notes: Notes) -> None:
    """Put every signature to the part that it came with: the call of its id, else the text, else the first call.

    A client may know a call by another id than the one its signature names.
    """
    first = next(iter(calls.values()), None)
    loose: list[tuple[str, str]] = []
    for call_id, signature in signatures:
        if call_id in calls:
            calls[call_id]["thoughtSignature"] = signature
        else:
            loose.append((call_id, signature))
    for call_id, signature in loose:
        if texts and (not call_id or first is None):
            texts[-1]["thoughtSignature"] = signature
        elif first is not None and "thoughtSignature" not in first:
            first["thoughtSignature"] = signature
        else:
            notes.lost_thinking += 1
    if first is not None and notes.demands_signatures:
        first.setdefault("thoughtSignature", UNSIGNED)


def _arguments(arguments: str) -> object:
    """``args`` must be an object: odd values are wrapped, nothing is nothing, and a cut text stays as it is."""
    if not arguments.strip():
        return {}
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"__raw_arguments": arguments}  # cut by the token limit
    return msgspec.Raw(arguments.encode()) if isinstance(decoded, dict) else {"_": decoded}


# ---- what was said to it --------------------------------------------------------------------------------------------
def _user(parts: Iterable[Part], notes: Notes) -> list[Block]:
    """A turn of the user: all results first, in the order of their calls, then their pictures and files, then the rest.

    A result holds text only: models before Gemini 3 refuse media inside ``functionResponse``.
    """
    order = list(notes.calls)
    results: list[tuple[int, Block]] = []
    media: list[Block] = []
    rest: list[Block] = []
    for part in parts:
        if isinstance(part, ToolResult):
            results.append((order.index(part.call_id), _result(part, notes)))
            shown = [one for inner in part.parts if not isinstance(inner, Text) for one in _media(inner, notes)]
            if shown:
                media += [{"text": f"Returned by {notes.calls[part.call_id]}:"}, *shown]
        elif isinstance(part, Text):
            rest.append({"text": part.text})
        else:
            rest += _media(part, notes)
    results.sort(key=lambda result: result[0])
    return [*(block for _, block in results), *media, *rest]


def _result(part: ToolResult, notes: Notes) -> Block:
    """``output`` and ``error`` are the keys that the API's reference names."""
    text = "\n".join(inner.text for inner in part.parts if isinstance(inner, Text))
    response = {"error" if part.is_error else "output": text}
    return {
        "functionResponse": {"id": notes.ids[part.call_id], "name": notes.calls[part.call_id], "response": response}
    }


def _media(part: Part, notes: Notes) -> list[Block]:
    """A picture or file; what cannot be said here is named."""
    match part:
        case Image():
            block, name = image_part(part), "image_url"
        case Document():
            block, name = document_part(part), "file"
        case OpaquePart(dialect, opaque):
            block, name = None, str((opaque.get("type") if isinstance(opaque, dict) else None) or dialect)
        case _:  # repair leaves nothing else where it does not belong, but in results anything may stand
            block, name = None, "tool_content"
    if block is None:
        notes.drop(name)
        return []
    return [block]
