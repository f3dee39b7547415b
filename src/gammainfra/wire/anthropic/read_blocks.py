"""Reads messages of the dialect into the hub, mapping every block that has a meaning there.

What the hub does not model (server tools, search results, blocks of a later day) stays as an OpaquePart of this
dialect. Nothing is repaired here (wire.repair does that).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gammainfra.domain.chat import (
    CacheMark,
    Document,
    Image,
    Message,
    OpaquePart,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from gammainfra.wire.anthropic.blocks import DIALECT
from gammainfra.wire.anthropic.sketch import BILLING_LINE
from gammainfra.wire.anthropic.thoughts import read_redacted, read_thinking
from gammainfra.wire.arguments import json_text
from gammainfra.wire.lenient import refused

_ROLES: Final[dict[object, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_messages(messages: Sequence[object]) -> tuple[Message, ...]:
    """The conversation as hub messages; Refused 400 for a role or content that means nothing."""
    read: list[Message] = []
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise refused(f"`messages[{index}]`: expected an object", f"messages[{index}]")
        role = _ROLES.get(message.get("role"))
        if role is None:
            param = f"messages[{index}].role"
            raise refused(f"`{param}`: expected user, assistant or system", param)
        read.append(Message(role, read_content(message.get("content"), f"messages[{index}].content")))
    return tuple(read)


def read_system(system: object) -> tuple[Message, ...]:
    """The top-level ``system`` as a message that opens the conversation.

    Claude Code's billing line goes: it differs in every request, so every prompt cache behind it would miss.
    """
    parts = read_content(system, "system")
    kept = tuple(part for part in parts if not (isinstance(part, Text) and part.text.startswith(BILLING_LINE)))
    return (Message("system", kept),) if kept else ()


def read_content(content: object, param: str) -> tuple[Part, ...]:
    """A string or a list of blocks as parts."""
    match content:
        case None | "":
            return ()
        case str():
            return (Text(content),)
        case list():
            return tuple(_part(block, param) for block in content)
        case _:
            raise refused(f"`{param}`: expected a string or a list of blocks", param)


def cache_mark(block: Mapping[str, Any]) -> CacheMark | None:
    """The mark that ``cache_control`` sets; anything that is no object sets none."""
    mark = block.get("cache_control")
    if not isinstance(mark, dict):
        return None
    return "1h" if mark.get("ttl") == "1h" else "5m"


def _part(block: object, param: str) -> Part:
    if isinstance(block, str):
        return Text(block)
    if not isinstance(block, dict):
        raise refused(f"`{param}`: expected blocks to be objects", param)
    mark = cache_mark(block)
    match block:
        case {"type": "text", "text": str(text)}:
            citations = block.get("citations")
            return Text(text, mark, tuple(citations) if isinstance(citations, list) else ())
        case {"type": "thinking"}:
            return read_thinking(_text(block.get("thinking")), _text(block.get("signature")))
        case {"type": "redacted_thinking", "data": str(redacted)}:
            return read_redacted(redacted)
        case {"type": "tool_use", "id": str(call_id), "name": str(name)}:
            return ToolCall(call_id, name, json_text(block.get("input")), mark)
        case {"type": "tool_result", "tool_use_id": str(call_id)}:
            return ToolResult(call_id, read_content(block.get("content"), param), block.get("is_error") is True, mark)
        case {"type": "image" | "document" as kind, "source": dict(source)}:
            read = _image(source, mark) if kind == "image" else _described(_document(source, mark), block)
            return read or _opaque(block, mark)
        case _:
            return _opaque(block, mark)


def _opaque(block: Mapping[str, Any], mark: CacheMark | None) -> Part:
    return OpaquePart(DIALECT, {key: value for key, value in block.items() if key != "cache_control"}, mark)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _image(source: Mapping[str, Any], mark: CacheMark | None) -> Part | None:
    match source:
        case {"type": "base64", "data": str(encoded)}:
            return Image(_text(source.get("media_type")), encoded, cache=mark)
        case {"type": "url", "url": str(url)}:
            return Image(url=url, cache=mark)
        case _:
            return None


def _described(document: Document | None, block: Mapping[str, Any]) -> Document | None:
    """A document with what its block says beside the source."""
    if document is None:
        return None
    cited = block.get("citations")
    return replace(
        document,
        name=_text(block.get("title")),
        context=_text(block.get("context")),
        cited=isinstance(cited, dict) and cited.get("enabled") is True,
    )


def _document(source: Mapping[str, Any], mark: CacheMark | None) -> Document | None:
    match source:
        case {"type": "base64", "data": str(encoded)}:
            return Document(_text(source.get("media_type")), encoded, cache=mark)
        case {"type": "text", "data": str(text)}:
            encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
            return Document("text/plain", encoded, cache=mark)
        case {"type": "url", "url": str(url)}:
            return Document(url=url, cache=mark)
        case {"type": "file", "file_id": str(file_id)}:
            return Document(file_id=file_id, cache=mark)
        case _:
            return None
