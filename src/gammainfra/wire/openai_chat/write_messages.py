"""Writes hub messages for an OpenAI-compatible endpoint: pure in the messages and the target, stable as they grow.

Expects repaired messages. It decides where results, pictures and earlier reasoning go; what has no place in this
dialect is left out and named. Each message is written from itself alone, so a later turn never changes an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

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
from gammainfra.wire.openai_chat.read_messages import DIALECT
from gammainfra.wire.openai_chat.thinking import details_of
from gammainfra.wire.tool_ids import upstream_ids
from gammainfra.wire.tool_names import sent_name

UNKNOWN_REASONING: Final = "The reasoning of this step was not kept."
EMPTY_RESULT: Final = "(empty)"
BRIDGE: Final = "Understood."  # what an assistant says between a tool's result and what a user shows of it
_PICTURES: Final = "Pictures returned by the tools above:"
_ASSISTANT_BLOCKS: Final = frozenset({"refusal"})
_SPEAKER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")

P = TypeVar("P", Text, Thinking, ToolCall, ToolResult)


@dataclass(slots=True)
class WrittenMessages:
    """The messages, the names of content that was left out, how many thoughts were, and the ids that changed."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    lost_thoughts: int = 0
    call_ids: Mapping[str, str] = field(default_factory=dict)


def write_messages(messages: Iterable[Message], target: Target) -> WrittenMessages:
    """Write repaired ``messages`` for ``target``."""
    messages = tuple(messages)
    calls = (part.id for message in messages for part in _only(message.parts, ToolCall))
    written = WrittenMessages(call_ids=upstream_ids(calls, target.id_rule))
    marks = "cache_control" in target.accepts
    for message in messages:
        if message.role == "assistant":
            _write_assistant(written, message, target)
        elif message.role == "user":
            _write_user(written, message, target, marks=marks)
        else:
            _add(written, message, "system", _blocks(message.parts, written, marks=marks), target)
    if "prefix" in target.accepts and written.messages and _is_begun(written.messages[-1]):
        written.messages[-1]["prefix"] = True
    return written


def _is_begun(entry: Mapping[str, Any]) -> bool:
    """Whether the conversation ends in an answer that the model shall continue."""
    return bool(entry["role"] == "assistant" and "tool_calls" not in entry)


def _only(parts: Iterable[Part], kind: type[P]) -> list[P]:
    return [part for part in parts if isinstance(part, kind)]


def _add(written: WrittenMessages, message: Message, role: str, blocks: list[dict[str, Any]], target: Target) -> None:
    if not blocks:
        return
    last = written.messages[-1] if written.messages else {}
    if last.get("role") == "tool" and not target.user_after_tool:
        if all(block["type"] == "text" for block in blocks):
            last["content"] = "\n\n".join([last["content"], *(block["text"] for block in blocks)])
            return
        written.messages.append({"role": "assistant", "content": BRIDGE})
    only = blocks[0]
    plain = len(blocks) == 1 and only["type"] == "text" and "cache_control" not in only
    entry: dict[str, Any] = {"role": role, "content": only["text"] if plain else blocks}
    _name(entry, message, target)
    written.messages.append(entry)


def _name(entry: dict[str, Any], message: Message, target: Target) -> None:
    if message.name is not None and not target.strict_messages and _SPEAKER.match(message.name):
        entry["name"] = message.name


def _write_user(written: WrittenMessages, message: Message, target: Target, *, marks: bool) -> None:
    pictures: list[dict[str, Any]] = []
    results = _only(message.parts, ToolResult)
    for result in results:
        texts = [part.text for part in _only(result.parts, Text)]
        others = [part for part in result.parts if not isinstance(part, Text)]
        pictures += _blocks(others, written, marks=False)
        entry = {
            "role": "tool",
            "tool_call_id": written.call_ids.get(result.call_id, result.call_id),
            "content": "\n".join(texts) or EMPTY_RESULT,
        }
        written.messages.append(entry)
    said = _blocks([part for part in message.parts if not isinstance(part, ToolResult)], written, marks=marks)
    if pictures:
        said = [{"type": "text", "text": _PICTURES}, *pictures, *said]
    _add(written, message, "user", said, target)


def _write_assistant(written: WrittenMessages, message: Message, target: Target) -> None:
    texts: list[str] = []
    refusals: list[str] = []
    for part in message.parts:
        match part:
            case Text(text=text):
                texts.append(text)
            case OpaquePart(dialect="openai_chat", block={"type": "refusal", "refusal": str(refusal)}):
                refusals.append(refusal)
            case Thinking() | ToolCall():
                pass
            case _:
                written.dropped.append(_kind(part))
    calls = [_call(call, written.call_ids) for call in _only(message.parts, ToolCall)]
    if not (texts or refusals or calls):
        written.lost_thoughts += len(_only(message.parts, Thinking))
        return
    if target.strict_messages:
        texts, refusals = texts + refusals, []
    entry: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts) if texts else None}
    if refusals:
        entry["refusal"] = "\n".join(refusals)
    _place_reasoning(written, entry, _only(message.parts, Thinking), target, has_calls=bool(calls))
    if calls:
        entry["tool_calls"] = calls
    _name(entry, message, target)
    written.messages.append(entry)


def _place_reasoning(
    written: WrittenMessages, entry: dict[str, Any], thoughts: list[Thinking], target: Target, *, has_calls: bool
) -> None:
    """Put earlier reasoning where the target wants it. Signed and opaque thoughts are readable to their maker only."""
    where = "reasoning_content" if target.reasoning_required else target.reasoning_field
    kept: list[Thinking] = []
    if where and not target.drop_thinking:
        details = where == "reasoning_details"
        kept = thoughts if details else [one for one in thoughts if one.text and not one.signature]
    written.lost_thoughts += len(thoughts) - len(kept)
    if where == "reasoning_details":
        if kept:
            entry["reasoning_details"] = [details_of(thought, index) for index, thought in enumerate(kept)]
        return
    text = "\n".join(thought.text for thought in kept)
    if text.strip() and where == "thinking_part":
        said = [{"type": "text", "text": entry["content"]}] if entry["content"] else []
        entry["content"] = [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *said]
    elif text.strip():
        entry["reasoning" if where == "reasoning" else "reasoning_content"] = text
    elif target.reasoning_required and has_calls:
        entry["reasoning_content"] = UNKNOWN_REASONING


def _call(call: ToolCall, ids: Mapping[str, str]) -> dict[str, Any]:
    function = {"name": sent_name(call.name), "arguments": object_text(call.arguments)}
    return {"id": ids[call.id], "type": "function", "function": function}


def _blocks(parts: Iterable[Part], written: WrittenMessages, *, marks: bool) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for part in parts:
        block = _block(part)
        if block is None:
            written.dropped.append(_kind(part))
            continue
        if marks and part.cache is not None:  # type: ignore[union-attr]
            block["cache_control"] = _mark(part.cache)  # type: ignore[union-attr]
        blocks.append(block)
    return blocks


def _mark(cache: CacheMark) -> dict[str, str]:
    return {"type": "ephemeral", "ttl": "1h"} if cache == "1h" else {"type": "ephemeral"}


def _block(part: Part) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            return _image(part)
        case Document():
            return _document(part)
        case OpaquePart(dialect="openai_chat", block=dict(block)) if block.get("type") not in _ASSISTANT_BLOCKS:
            return dict(block)
        case _:
            return None


def _image(image: Image) -> dict[str, Any] | None:
    url = image.url
    if image.data:
        media_type = "image/jpeg" if image.media_type == "image/jpg" else image.media_type
        url = f"data:{media_type or 'image/png'};base64,{image.data}"
    if not url:
        return None
    return {"type": "image_url", "image_url": {"url": url, "detail": image.detail} if image.detail else {"url": url}}


def _document(document: Document) -> dict[str, Any] | None:
    """A file part takes bytes or an uploaded file's id; a mere URL is told in words, since nothing fetches it."""
    if document.data:
        media_type = document.media_type or "application/pdf"
        file = {
            "filename": document.name or "document.pdf",
            "file_data": f"data:{media_type};base64,{document.data}",
        }
        return {"type": "file", "file": file}
    if document.file_id:
        return {"type": "file", "file": {"file_id": document.file_id}}
    return {"type": "text", "text": f"Document: {document.url}"} if document.url else None


def _kind(part: Part) -> str:
    """The name of content that was left out: ``messages.<type>``."""
    if isinstance(part, OpaquePart) and isinstance(part.block, dict):
        return f"messages.{part.block.get('type', DIALECT)}"
    return f"messages.{type(part).__name__.lower()}"
