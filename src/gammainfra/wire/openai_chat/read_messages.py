"""Reads Chat Completions messages into the hub, mapping everything that has a meaning there.

Tool results become parts of user messages, legacy functions become tools, reasoning fields become Thinking parts.
What the hub does not model stays as an OpaquePart of this dialect. Nothing is repaired here (wire.repair does that).
"""

from __future__ import annotations

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
    Thinking,
    ToolCall,
    ToolResult,
)
from gammainfra.wire.arguments import json_text
from gammainfra.wire.cache_marks import cache_mark
from gammainfra.wire.data_url import data_url
from gammainfra.wire.lenient import refused
from gammainfra.wire.openai_chat.survey import refuse_role
from gammainfra.wire.openai_chat.thinking import read_thinking, signature_of_call

DIALECT: Final = "openai_chat"
_SYSTEM: Final = frozenset({"system", "developer"})


def read_messages(messages: Sequence[object]) -> tuple[Message, ...]:
    """The conversation as hub messages; Refused 400 for a role or content that means nothing."""
    read: list[Message] = []
    results_open = False  # whether the last message holds nothing but results, so that a result joins it
    legacy: list[tuple[str, str]] = []  # (name, id) of function calls that had no ids
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise refused(f"`messages[{index}]`: expected an object", f"messages[{index}]")
        role = message.get("role")
        if role in {"tool", "function"}:
            result = _result(message, index, legacy)
            if results_open:
                read[-1] = replace(read[-1], parts=(*read[-1].parts, result))
            else:
                read.append(Message("user", (result,)))
            results_open = True
            continue
        results_open = False
        if role == "assistant":
            read.append(Message("assistant", _assistant(message, index, legacy), _name(message)))
        elif role == "user" or role in _SYSTEM:
            hub_role: Role = "user" if role == "user" else "system"
            parts = _marked(_parts(message.get("content"), index), message)
            read.append(Message(hub_role, parts, _name(message)))
        else:
            refuse_role(role, index)
    return tuple(read)


def _name(message: Mapping[str, Any]) -> str | None:
    name = message.get("name")
    return name if isinstance(name, str) and name else None


def _marked(parts: tuple[Part, ...], message: Mapping[str, Any]) -> tuple[Part, ...]:
    """A mark on a message marks its last part that can carry one."""
    mark = cache_mark(message)
    if mark is None:
        return parts
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if not isinstance(part, Thinking):
            return (*parts[:place], replace(part, cache=mark), *parts[place + 1 :])
    return parts


def _assistant(message: Mapping[str, Any], index: int, legacy: list[tuple[str, str]]) -> tuple[Part, ...]:
    content = message.get("content")
    parts = list(_parts(content, index))
    if not any(isinstance(part, Thinking) for part in parts):
        parts = [*read_thinking(message), *parts]
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append(OpaquePart(DIALECT, {"type": "refusal", "refusal": refusal}))
    known = {part.id: place for place, part in enumerate(parts) if isinstance(part, ToolCall)}
    calls = message.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise refused(f"`messages[{index}].tool_calls`: expected a list", f"messages[{index}].tool_calls")
    for call in calls or ():
        if not isinstance(call, dict):
            raise refused(f"`messages[{index}].tool_calls`: expected objects", f"messages[{index}].tool_calls")
        read = _call(call)
        if read.id and read.id in known:
            continue  # the same call, said as content and as tool call
        thought = signature_of_call(call)
        if thought is not None:
            parts.append(thought)
        parts.append(read)
    called = message.get("function_call")
    if isinstance(called, dict):
        call_id = f"call_legacy_{index}"
        name = _text(called.get("name"))
        legacy.append((name, call_id))
        parts.append(ToolCall(call_id, name, json_text(called.get("arguments"))))
    return _marked(tuple(parts), message)


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = call.get("function")
    if not isinstance(function, dict):
        custom = call.get("custom")
        function = custom if isinstance(custom, dict) else {}
    arguments = function.get("arguments", function.get("input"))
    return ToolCall(_text(call.get("id")), _text(function.get("name")), json_text(arguments), cache_mark(call))


def _result(message: Mapping[str, Any], index: int, legacy: list[tuple[str, str]]) -> ToolResult:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        call_id = _legacy_id(message.get("name"), legacy)
    parts = tuple(part for part in _parts(message.get("content"), index) if not isinstance(part, Thinking))
    return ToolResult(call_id, parts, cache=cache_mark(message))


def _legacy_id(name: object, legacy: list[tuple[str, str]]) -> str:
    """The id made for the oldest unanswered call of the function ``name``, "" when there is none: an orphan."""
    for place, (called, call_id) in enumerate(legacy):
        if called == name:
            del legacy[place]
            return call_id
    return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parts(content: object, index: int) -> tuple[Part, ...]:
    param = f"messages[{index}].content"
    match content:
        case None:
            return ()
        case str():
            return (Text(content),) if content else ()
        case list():
            return tuple(_part(block, param) for block in content)
        case dict():
            return (_part(content, param),)
        case _:
            raise refused(f"`{param}`: expected a string, a list of parts or null", param)


def _part(block: object, param: str) -> Part:
    if isinstance(block, str):
        return Text(block)
    if not isinstance(block, dict):
        raise refused(f"`{param}`: expected parts to be objects", param)
    mark = cache_mark(block)
    match block:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return Text(text, mark)
        case {"type": "image_url" | "input_image", "image_url": str(url)}:
            return _image(url, _text(block.get("detail")), mark)
        case {"type": "image_url", "image_url": {"url": str(url)} as image}:
            return _image(url, _text(image.get("detail")), mark)
        case {"type": "image", "source": dict(source)}:
            media_type, encoded, url = (_text(source.get(key)) for key in ("media_type", "data", "url"))
            return Image(media_type, encoded, url, cache=mark)
        case {"type": "file", "file": dict(file)}:
            return _file(file, mark)
        case {"type": "input_file"}:
            return _file(block, mark)
        case {"type": "thinking", "thinking": thinking}:
            return Thinking(text=thinking_text(thinking), signature=_text(block.get("signature")))
        case {"type": "tool_use", "id": str(call_id), "name": str(name)}:
            return ToolCall(call_id, name, json_text(block.get("input")), mark)
        case {"type": "tool_result", "tool_use_id": str(call_id)}:
            return ToolResult(
                call_id, _parts(block.get("content"), 0), is_error=block.get("is_error") is True, cache=mark
            )
        case _:
            return OpaquePart(DIALECT, {key: value for key, value in block.items() if key != "cache_control"}, mark)


def thinking_text(thinking: object) -> str:
    """Mistral's thinking part: text, or a list of text parts."""
    if isinstance(thinking, list):
        return "".join(_text(piece.get("text")) for piece in thinking if isinstance(piece, dict))
    return _text(thinking)


def _image(url: str, detail: str, mark: CacheMark | None) -> Image:
    media_type, encoded = data_url(url)
    if encoded:
        return Image(media_type=media_type, data=encoded, detail=detail, cache=mark)
    return Image(url=url, detail=detail, cache=mark)


def _file(file: Mapping[str, Any], mark: CacheMark | None) -> Document:
    name, file_id = _text(file.get("filename")), _text(file.get("file_id"))
    source = _text(file.get("file_data"))
    media_type, encoded = data_url(source)
    if not encoded and source and not source.startswith(("http:", "https:")):
        media_type, encoded = "application/pdf", source  # bare base64, as some clients send it
    url = _text(file.get("file_url")) or ("" if encoded else source)
    return Document(media_type, encoded, url, file_id, name, mark)
