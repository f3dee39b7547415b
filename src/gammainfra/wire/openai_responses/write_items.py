"""Hub messages as input items: one item for each call, result and thought, one message for what is said in a row.

Expects repaired messages. Each item is written from itself alone, so a later turn never changes an earlier one. Item
ids are left out (they name nothing that is stored), except those of reasoning, whose seal holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

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
from gammainfra.domain.target import Target
from gammainfra.wire.arguments import object_text
from gammainfra.wire.openai_responses.items import DIALECT
from gammainfra.wire.openai_responses.reasoning import OPENAIS
from gammainfra.wire.tool_names import sent_name

EMPTY_RESULT = "(empty)"


@dataclass(slots=True)
class WrittenItems:
    """The items, the names of content that was left out, and how many thoughts were."""

    items: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    lost_thoughts: int = 0


def write_items(messages: Iterable[Message], target: Target, ids: Mapping[str, str]) -> WrittenItems:
    """Write repaired ``messages`` for ``target``; ``ids`` are the call ids to send."""
    written = WrittenItems()
    for message in messages:
        match message.role:
            case "assistant":
                _write_assistant(written, message, target, ids)
            case "user":
                _write_user(written, message, ids)
            case "system":
                _say(written, "developer", _content(message.parts, written))
            case _:
                assert_never(message.role)
    return written


def _say(written: WrittenItems, role: str, content: list[dict[str, Any]]) -> None:
    if content:
        written.items.append({"type": "message", "role": role, "content": content})


def _write_user(written: WrittenItems, message: Message, ids: Mapping[str, str]) -> None:
    for part in message.parts:
        if isinstance(part, ToolResult):
            output = _content(part.parts, written) or [{"type": "input_text", "text": EMPTY_RESULT}]
            plain = all(block["type"] == "input_text" for block in output)
            written.items.append(
                {
                    "type": "function_call_output",
                    "call_id": ids.get(part.call_id, part.call_id),
                    "output": "\n".join(block["text"] for block in output) if plain else output,
                }
            )
    _say(written, "user", _content([part for part in message.parts if not isinstance(part, ToolResult)], written))


def _write_assistant(written: WrittenItems, message: Message, target: Target, ids: Mapping[str, str]) -> None:
    """A turn in its own order. A thought that nothing follows is refused ("without its required following item")."""
    begun = len(written.items)
    for part in message.parts:
        match part:
            case Text(text):
                block = {"type": "output_text", "text": text}
                last = written.items[-1] if len(written.items) > begun else None
                if last is not None and last["type"] == "message":
                    last["content"].append(block)
                else:
                    _say(written, "assistant", [block])
            case Thinking():
                _think(written, part, target)
            case ToolCall():
                called = {"type": "function_call", "call_id": ids[part.id], "name": sent_name(part.name)}
                written.items.append({**called, "arguments": object_text(part.arguments)})
            case _:
                written.dropped.append(kind_of(part))
    while len(written.items) > begun and written.items[-1]["type"] == "reasoning":
        written.items.pop()
        written.lost_thoughts += 1


def _think(written: WrittenItems, thought: Thinking, target: Target) -> None:
    """What OpenAI sealed goes back with its seal; the readable summary before it belongs to the same item."""
    if not _is_own(thought, target):
        written.lost_thoughts += 1
        return
    if not thought.redacted:
        return  # its seal follows; a summary alone is nothing that a model reads
    written.items.append(
        {"type": "reasoning", **({"id": thought.id} if thought.id else {}), "summary": [],
         "encrypted_content": thought.redacted}
    )  # fmt: skip


def _is_own(thought: Thinking, target: Target) -> bool:
    """Whether the target's models can open it: sealed by OpenAI, for the account whose key asks."""
    origin = thought.origin
    if target.drop_thinking or not target.owns_dialect or thought.format != OPENAIS:
        return False
    if origin.provider and origin.provider != target.provider:
        return False
    return not (origin.account and target.origin_account and origin.account != target.origin_account)


def _content(parts: Iterable[Part], written: WrittenItems) -> list[dict[str, Any]]:
    blocks = []
    for part in parts:
        block = _block(part)
        if block is None:
            written.dropped.append(kind_of(part))
        else:
            blocks.append(block)
    return blocks


def _block(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text):
            return {"type": "input_text", "text": text}
        case Image():
            url = f"data:{part.media_type or 'image/png'};base64,{part.data}" if part.data else part.url
            image = {"type": "input_image", "image_url": url.replace("data:image/jpg;", "data:image/jpeg;")}
            return {**image, "detail": part.detail or "auto"} if url else None
        case Document():
            return _document(part)
        case OpaquePart(dialect, dict(block)) if dialect == DIALECT:
            return dict(block)
        case _:
            return None


def _document(document: Document) -> dict[str, Any] | None:
    file: dict[str, Any] = {"type": "input_file"}
    if document.data:
        media_type = document.media_type or "application/pdf"
        named = {"filename": document.name or "document.pdf"}
        return {**file, **named, "file_data": f"data:{media_type};base64,{document.data}"}
    if document.file_id:
        return {**file, "file_id": document.file_id}
    return {**file, "file_url": document.url} if document.url else None


def kind_of(part: Part) -> str:
    """The name of content that was left out: ``messages.<type>``."""
    if isinstance(part, OpaquePart) and isinstance(part.block, dict):
        return f"messages.{part.block.get('type', part.dialect)}"
    return f"messages.{type(part).__name__.lower()}"
