"""Messages of the hub as Messages-API content blocks: one part, one block, in an order the API accepts.

It decides the shape of every block and which parts cannot be said here; what is left out is named in the Notes. It
never pairs calls with results (``wire.repair`` did) and looks at no later message, so earlier blocks never change.
Rules: https://platform.claude.com/docs/en/api/messages and the refusals quoted beside them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from itertools import dropwhile, takewhile
from typing import Final, assert_never

import msgspec

from gammainfra.domain.chat import (
    CacheMark,
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
from gammainfra.wire.anthropic.notes import Block, Notes, Turn
from gammainfra.wire.anthropic.tools import tool_name
from gammainfra.wire.repair import NOTHING_SAID

DIALECT: Final = "anthropic"
THINKING_FORMAT: Final = "anthropic-claude-v1"
FILES_BETA: Final = "files-api-2025-04-14"

_MAGIC: Final = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_HEAD_CHARS: Final = 16
_PDF_HEAD: Final = "JVBERi"  # "%PDF-" in base64


def write_system(messages: Iterable[Message], notes: Notes) -> list[Block]:
    """The system messages that open a conversation, as blocks of the top-level ``system``."""
    return _content((part for message in messages for part in message.parts), notes)


def write_messages(messages: Iterable[Message], notes: Notes) -> list[Turn]:
    """The rest of the conversation, which begins with a user message. Turns alternate, and no turn is empty.

    A system message on its way becomes a note in the user turn where it stands: hoisting it would change what was
    sent before it. Its place is never between a call and its results.
    """
    turns: list[Turn] = []
    for message in messages:
        match message.role:
            case "assistant":
                _append(turns, Turn("assistant", _assistant(message.parts, notes)))
            case "user":
                content = _content(message.parts, notes) or [_said(NOTHING_SAID, notes)]
                _append(turns, Turn("user", content))
            case "system":
                _append(turns, Turn("user", _reminders(message.parts, notes)))
            case _:
                assert_never(message.role)
    return turns


def write_ending(turns: list[Turn], notes: Notes, *, prefill: bool) -> None:
    """End the conversation with a user turn, or with text to continue where the model does that (``prefill``).

    From Claude 4.6 on a last assistant turn is a 400; it is then answered by ``NOTHING_SAID``. A text to continue
    may not end in white space ("final assistant content cannot end with trailing whitespace").
    """
    last = turns[-1]
    if last.role == "user":
        return
    if not prefill:
        turns.append(Turn("user", [_said(NOTHING_SAID, notes)]))
    elif last.content[-1]["type"] == "text":
        last.content[-1]["text"] = str(last.content[-1]["text"]).rstrip()


def open_loop_lacks_thinking(turns: Sequence[Turn]) -> bool:
    """Whether a tool-call turn since the last real user turn does not begin with thinking.

    Manual thinking is refused for such a history ("Expected `thinking` or `redacted_thinking`, but found").
    """
    loop = takewhile(lambda turn: turn.role == "assistant" or _has(turn, "tool_result"), reversed(turns))
    calling = (turn for turn in loop if turn.role == "assistant" and _has(turn, "tool_use"))
    return any(not _is_thinking(turn.content[0]) for turn in calling)


def _has(turn: Turn, kind: str) -> bool:
    return any(block["type"] == kind for block in turn.content)


def _append(turns: list[Turn], turn: Turn) -> None:
    if turns and turns[-1].role == turn.role:
        turns[-1].content += turn.content
    elif turn.content:
        turns.append(turn)


def _said(text: str, notes: Notes) -> Block:
    return notes.markable({"type": "text", "text": text}, None)


def _reminders(parts: Iterable[Part], notes: Notes) -> list[Block]:
    """A system message as notes of the user's turn: its text only, since its other blocks are refused there."""
    blocks = []
    for part in parts:
        if isinstance(part, Text):
            text = f"<system-reminder>\n{part.text}\n</system-reminder>"
            blocks.append(notes.markable({"type": "text", "text": text}, part.cache))
        else:
            notes.drop("system")
    return blocks


def _content(parts: Iterable[Part], notes: Notes) -> list[Block]:
    return [block for part in parts if (block := _block(part, notes)) is not None]


def _assistant(parts: Iterable[Part], notes: Notes) -> list[Block]:
    """A turn of the model, in its own order: thinking may stand between text, but never behind a call.

    Behind a call it came from a client that says calls first. "The final block in an assistant message cannot be
    `thinking`", so thinking that led to nothing goes.
    """
    blocks = _content(parts, notes)
    since_call = dropwhile(lambda block: block["type"] != "tool_use", blocks)
    if any(map(_is_thinking, since_call)):
        blocks.sort(key=lambda block: not _is_thinking(block))
    while blocks and _is_thinking(blocks[-1]):
        blocks.pop()
        notes.lost_thinking += 1
    return blocks


def _is_thinking(block: Block) -> bool:
    return block["type"] in {"thinking", "redacted_thinking"}


def _block(part: Part, notes: Notes) -> Block | None:
    """One part as one block, or None when it cannot be said here: then it is named or counted in ``notes``."""
    match part:
        case Thinking():
            return _thinking(part, notes)
        case Text():
            block: Block | None = _text(part, notes)
        case Image():
            block = _image(part, notes)
        case Document():
            block = _document(part, notes)
        case ToolCall():
            name = tool_name(part.name, notes)
            block = {"type": "tool_use", "id": notes.ids[part.id], "name": name, "input": _input(part.arguments)}
        case ToolResult():
            return _result(part, notes)
        case OpaquePart():
            return _opaque(part, notes)
        case _:
            assert_never(part)
    return None if block is None else notes.markable(block, part.cache)


def _text(part: Text, notes: Notes) -> Block:
    written: Block = {"type": "text", "text": part.text}
    if part.citations and notes.target.owns_dialect:
        written["citations"] = list(part.citations)
    return written


def _thinking(part: Thinking, notes: Notes) -> Block | None:
    if not _is_own(part, notes):
        notes.lost_thinking += 1
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _is_own(part: Thinking, notes: Notes) -> bool:
    """Whether the target can read a block: it made it, or nobody knows who did and it is signed the Claude way.

    A signature is bound to the model, on newer ones to the account as well. A compatible host's blocks may be
    unsigned: they are its own by origin alone.
    """
    target, origin = notes.target, part.origin
    if target.drop_thinking or target.capabilities.thinking == "none":
        return False
    signed = bool(part.signature or part.redacted)
    if not origin.provider:
        return signed and part.format == THINKING_FORMAT
    if (origin.provider, origin.model) != (target.provider, target.model):
        return False
    if origin.account and target.origin_account and origin.account != target.origin_account:
        return False
    return signed or not target.owns_dialect


def _input(arguments: str) -> msgspec.Raw | Block:
    """Arguments as the object that the API demands; an object keeps its bytes, anything else is wrapped."""
    if not arguments.strip():
        return {}
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"__raw_arguments": arguments}  # cut by the token limit
    if isinstance(decoded, dict):
        return msgspec.Raw(arguments.encode())
    return {"_": decoded}


def _result(part: ToolResult, notes: Notes) -> Block:
    """A result with its content as a list. A mark inside moves to the result: inner blocks cannot be marked."""
    mark: CacheMark | None = part.cache
    outer = len(notes.marks)
    content = _content(part.parts, notes)
    for _, inner_mark in notes.marks[outer:]:
        mark = inner_mark or mark
    del notes.marks[outer:]
    block: Block = {"type": "tool_result", "tool_use_id": notes.ids[part.call_id], "content": content}
    if part.is_error:
        block["is_error"] = True
    return notes.markable(block, mark)


def _opaque(part: OpaquePart, notes: Notes) -> Block | None:
    kind = part.block.get("type") if isinstance(part.block, dict) else None
    if part.dialect != DIALECT or not notes.target.owns_dialect or not isinstance(part.block, dict):
        notes.drop(str(kind or part.dialect))
        return None
    block: Block = dict(part.block)
    own_mark = block.pop("cache_control", None)
    ttl: CacheMark | None = None
    if isinstance(own_mark, dict):
        ttl = "1h" if own_mark.get("ttl") == "1h" else "5m"
    return notes.markable(block, part.cache or ttl)


def _image(part: Image, notes: Notes) -> Block | None:
    """Base64 with the type that the bytes have: a wrong one is refused, and ``image/jpg`` is not a type at all."""
    if part.url and not part.url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    encoded, declared = _encoded(part.data or part.url, part.media_type)
    media_type = _sniffed(encoded) or declared.replace("image/jpg", "image/jpeg")
    if not encoded or media_type not in _IMAGE_TYPES:
        notes.drop("image_url")
        return None
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": encoded}}


def _encoded(text: str, media_type: str) -> tuple[str, str]:
    """The base64 and media type of ``text``, which may be a data URI (RFC 2397)."""
    if not text.startswith("data:"):
        return text, media_type
    head, _, encoded = text.partition(",")
    return encoded, head.removeprefix("data:").partition(";")[0] or media_type


def _sniffed(encoded: str) -> str | None:
    try:
        head = base64.b64decode(encoded[:_HEAD_CHARS])
    except binascii.Error:
        return None
    if head.startswith(b"RIFF") and head[8:] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if head.startswith(magic)), None)


def _document(part: Document, notes: Notes) -> Block | None:
    source = _document_source(part, notes)
    if source is None:
        notes.drop("file")
        return None
    block: Block = {"type": "document", "source": source}
    if part.name:
        block["title"] = part.name
    if notes.target.owns_dialect:
        if part.context:
            block["context"] = part.context
        if part.cited:
            block["citations"] = {"enabled": True}
    return block


def _document_source(part: Document, notes: Notes) -> Block | None:
    """PDF as base64 or address, plain text as text, a file by the id that this API gave it."""
    if part.file_id:
        if not notes.target.owns_dialect or not part.file_id.startswith("file_"):
            return None  # another provider's file: OpenAI's ids begin with `file-`
        notes.betas[FILES_BETA] = None
        return {"type": "file", "file_id": part.file_id}
    if part.url and not part.url.startswith("data:"):
        return {"type": "url", "url": part.url}
    encoded, media_type = _encoded(part.data or part.url, part.media_type)
    if encoded.startswith(_PDF_HEAD):
        return {"type": "base64", "media_type": "application/pdf", "data": encoded}
    if not media_type.startswith("text/") and media_type != "application/json":
        return None
    try:
        text = base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return {"type": "text", "media_type": "text/plain", "data": text} if text.strip() else None
