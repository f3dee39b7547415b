"""Hub messages as Converse content blocks: one part, one block, each with the cache mark that it shall carry.

It decides the shape of every block and which parts cannot be said here; what is left out is named in the Notes. It
looks at no later message, so earlier blocks never change.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

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
from gammainfra.domain.target import Target
from gammainfra.wire.arguments import object_text
from gammainfra.wire.repair import NOTHING_SAID
from gammainfra.wire.tool_names import sent_name

Block = dict[str, Any]
Item = tuple[Block, CacheMark | None]

_CLAUDE_SIGNED: Final = "anthropic-claude-v1"
_IMAGES: Final = frozenset({"png", "jpeg", "gif", "webp"})
_DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_NAME_CHARS: Final = 100


@dataclass(slots=True)
class Notes:
    """``dropped`` are OpenAI's names, in order; ``unfit``: the history cannot be continued with manual thinking."""

    target: Target
    ids: Mapping[str, str]
    dropped: dict[str, None] = field(default_factory=dict)
    lost_thinking: int = 0
    unfit: bool = False
    documents: int = 0

    @property
    def refused(self) -> frozenset[str]:
        """Parameters that the target answers with a 400, or that a repair asked to leave out."""
        return self.target.drop | self.target.capabilities.refuses

    def drop(self, name: str) -> None:
        """Name something that this request leaves out."""
        self.dropped[name] = None


def write_system(messages: Iterable[Message], notes: Notes) -> list[Item]:
    """The system messages that open a conversation: text only."""
    return [({"text": text}, mark) for message in messages for text, mark in _texts(message, notes)]


def write_messages(messages: Iterable[Message], notes: Notes) -> list[tuple[str, list[Item]]]:
    """The conversation, which begins with a user message: turns alternate, no turn is empty, the last is the user's.

    A system message on its way becomes a note in the user's turn: hoisting it would change what was sent before it.
    """
    turns: list[tuple[str, list[Item]]] = []
    for message in messages:
        if message.role == "assistant":
            _append(turns, "assistant", _assistant(message.parts, notes))
        elif message.role == "user":
            _append(turns, "user", _content(message.parts, notes) or [({"text": NOTHING_SAID}, None)])
        else:
            reminders = [
                (f"<system-reminder>\n{text}\n</system-reminder>", mark) for text, mark in _texts(message, notes)
            ]
            _append(turns, "user", [({"text": text}, mark) for text, mark in reminders])
    if turns[-1][0] == "assistant":
        turns.append(("user", [({"text": NOTHING_SAID}, None)]))
    for role, items in turns:
        if role == "user" and any("document" in block for block, _ in items) and not any("text" in b for b, _ in items):
            items.append(({"text": NOTHING_SAID}, None))  # a document alone is a 400
    return turns


def _texts(message: Message, notes: Notes) -> list[tuple[str, CacheMark | None]]:
    for part in message.parts:
        if not isinstance(part, Text):
            notes.drop("system")
    return [(part.text, part.cache) for part in message.parts if isinstance(part, Text)]


def _append(turns: list[tuple[str, list[Item]]], role: str, items: list[Item]) -> None:
    if turns and turns[-1][0] == role:
        turns[-1][1].extend(items)
    elif items:
        turns.append((role, items))


def _content(parts: Iterable[Part], notes: Notes) -> list[Item]:
    return [item for part in parts if (item := _item(part, notes)) is not None]


def _assistant(parts: Iterable[Part], notes: Notes) -> list[Item]:
    """A turn of the model: thoughts never stand behind a call, and never last."""
    items = _content(parts, notes)
    calls = [index for index, (block, _) in enumerate(items) if "toolUse" in block]
    if calls and any("reasoningContent" in block for block, _ in items[calls[0] :]):
        items.sort(key=lambda item: "reasoningContent" not in item[0])
    while items and "reasoningContent" in items[-1][0]:
        items.pop()
        notes.lost_thinking += 1
    if calls and "reasoningContent" not in items[0][0]:
        notes.unfit = True
    return items


def _item(part: Part, notes: Notes) -> Item | None:
    match part:
        case Thinking():
            return _thought(part, notes)
        case ToolCall():
            called = {"toolUseId": notes.ids[part.id], "name": sent_name(part.name)}
            return {"toolUse": {**called, "input": msgspec.Raw(object_text(part.arguments).encode())}}, part.cache
        case ToolResult():
            return _result(part, notes)
        case Text() | Image() | Document() | OpaquePart():
            block = _block(part, notes)
            return None if block is None else (block, part.cache)
        case _:
            assert_never(part)


def _block(part: Text | Image | Document | OpaquePart, notes: Notes) -> Block | None:
    block: Block | None = None
    match part:
        case Text(text):
            return {"text": text}
        case Image():
            block, name = _image(part), "image_url"
        case Document():
            block, name = _document(part, notes), "file"
        case OpaquePart():
            name = str(part.block.get("type") if isinstance(part.block, dict) else part.dialect)
        case _:
            assert_never(part)
    if block is None:
        notes.drop(name)
    return block


def _thought(part: Thinking, notes: Notes) -> Item | None:
    """Claude's signed thoughts, which hold wherever it is served, and what this endpoint's own model said."""
    target, origin = notes.target, part.origin
    is_own = origin.provider == target.provider and origin.model == target.model
    is_claude = part.format == _CLAUDE_SIGNED and "anthropic." in target.model and bool(part.signature or part.redacted)
    is_others = bool(origin.account and target.origin_account and origin.account != target.origin_account)
    if target.drop_thinking or is_others or not (is_own or is_claude):
        notes.lost_thinking += 1
        return None
    if part.redacted:
        blob = base64.b64encode(part.redacted.encode()).decode()
        return {"reasoningContent": {"redactedContent": blob}}, None
    said: Block = {"text": part.text, **({"signature": part.signature} if part.signature else {})}
    return {"reasoningContent": {"reasoningText": said}}, None


def _result(part: ToolResult, notes: Notes) -> Item:
    """A result. A mark inside moves to the result: inner blocks cannot be marked."""
    inner = _content(part.parts, notes)
    mark = next((mark for _, mark in reversed(inner) if mark is not None), part.cache)
    written: Block = {
        "toolUseId": notes.ids[part.call_id],
        "content": [block for block, _ in inner] or [{"text": "(empty)"}],
    }
    return {"toolResult": {**written, **({"status": "error"} if part.is_error else {})}}, mark


def _image(part: Image) -> Block | None:
    """By its bytes only: Converse fetches nothing."""
    kind = part.media_type.removeprefix("image/").replace("jpg", "jpeg")
    kind = _sniffed(part.data) or kind
    if not part.data or kind not in _IMAGES:
        return None
    return {"image": {"format": kind, "source": {"bytes": part.data}}}


def _sniffed(encoded: str) -> str | None:
    """The format that the bytes have: a wrong one is refused."""
    try:
        head = base64.b64decode(encoded[:16])
    except binascii.Error:
        return None
    magic = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}
    return next((kind for start, kind in magic.items() if head.startswith(start)), None)


def _document(part: Document, notes: Notes) -> Block | None:
    """By its bytes only. Names are unique in a request, and of few kinds of characters."""
    kind = _DOCUMENTS.get(part.media_type or "application/pdf")
    if not part.data or kind is None:
        return None
    notes.documents += 1
    name = _NOT_IN_NAME.sub(" ", part.name.rpartition(".")[0] or part.name)[:_NAME_CHARS]
    named = f"{' '.join(name.split()) or 'document'} {notes.documents}"
    return {"document": {"format": kind, "name": named, "source": {"bytes": part.data}}}
