"""Mends single messages that only carry what OpenAI's endpoint does not know: marks, reasoning, odd arguments.

It never changes which messages there are, their order, their calls or their text: where that is needed it says so.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.wire.arguments import json_text, object_text
from gammainfra.wire.lenient import read_body
from gammainfra.wire.openai_chat.survey import LooseMessage, StrictMessage, survey

_LOOSE: Final = msgspec.json.Decoder(list[LooseMessage])
_MESSAGES: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_ANY: Final = msgspec.json.Decoder()
_KNOWN: Final = frozenset(StrictMessage.__struct_fields__)
_REASONING: Final = ("thinking_blocks", "reasoning_details", "reasoning_content", "reasoning")
_PARTS: Final = frozenset({"text", "image_url", "input_audio", "file", "refusal"})
_EMPTY: Final = (b"null", b"[]")


def mend_messages(raw: bytes) -> tuple[Raw, int] | None:
    """``messages`` as OpenAI takes them, and how many of them lost reasoning; None when that needs the hub."""
    loose = read_body(raw, _LOOSE)
    found = survey(loose)
    if not found.paired or found.open_ids:
        return None
    messages = read_body(raw, _MESSAGES)
    lost = 0
    for message in messages:
        lost += any(bytes(message.get(name, b"null")) not in _EMPTY for name in _REASONING)
        if not _mend(message):
            return None
    return Raw(msgspec.json.encode(messages)), lost


def _mend(message: dict[str, Any]) -> bool:
    """Mend one message in place; False when a part of it has no place in this dialect."""
    for name in message.keys() - _KNOWN:
        del message[name]
    calls = bytes(message.get("tool_calls", b"null"))
    if calls in _EMPTY:
        message.pop("tool_calls", None)
    else:
        message["tool_calls"] = [_call(call) for call in read_body(calls, _ANY)]
    content = bytes(message.get("content", b"null"))
    if content.startswith(b"["):
        return _mend_parts(message, read_body(content, _ANY))
    if content == b"null" and "tool_calls" not in message:
        message["content"] = ""
    return True


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = object_text(json_text(function.get("arguments")))
    return {"id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _mend_parts(message: dict[str, Any], parts: list[Any]) -> bool:
    mended: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, str):
            mended.append({"type": "text", "text": part})
        elif part.get("type") in _PARTS:
            part.pop("cache_control", None)
            mended.append(part)
        else:
            return False
    message["content"] = mended or ""
    return True
