"""Walks over a request's messages once, contents left raw, and says what an OpenAI endpoint would not take of them.

It decides whether the messages can travel verbatim (``tidy`` and ``paired``), need local mending (not ``tidy``) or
the hub (not ``paired``). It never changes anything and reads no more text than its flags need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from msgspec import UNSET, Raw, Struct, UnsetType

from gammainfra.domain.sketch import Need
from gammainfra.wire.content_text import PARTS, Part, content_text
from gammainfra.wire.lenient import NONE, read_body, refused

ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
SAFE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")

_QUOTE: Final = ord('"')
_BRACKET: Final = ord("[")
_TEXT_PARTS: Final = frozenset({"text"})
_ASSISTANT_PARTS: Final = frozenset({"text", "refusal"})
_USER_PARTS: Final = frozenset({"text", "image_url", "input_audio", "file"})
_NEEDS: Final[dict[str, Need]] = {
    "image_url": "images",
    "input_image": "images",
    "image": "images",
    "file": "documents",
    "input_file": "documents",
    "document": "documents",
    "input_audio": "audio",
}


class Function(Struct, forbid_unknown_fields=True):
    """The function of a call; ``arguments`` is JSON text inside a JSON string, and stays raw."""

    name: str | None = None
    arguments: Raw = NONE


class Call(Struct, forbid_unknown_fields=True):
    """A tool call with nothing on it that OpenAI does not define."""

    id: str | None = None
    type: str | None = None
    function: Function | None = None


class StrictMessage(Struct, forbid_unknown_fields=True):
    """A message with nothing on it that OpenAI does not define: what its own SDK echoes back."""

    role: str
    content: Raw = NONE
    name: str | None = None
    tool_calls: list[Call] | UnsetType | None = UNSET
    tool_call_id: str | None = None
    function_call: Raw = NONE
    refusal: Raw = NONE
    audio: Raw = NONE
    annotations: Raw = NONE


class LooseFunction(Struct):
    """As Function, with anything else beside it."""

    name: str | None = None
    arguments: Raw = NONE


class LooseCall(Struct):
    """As Call, with anything else beside it."""

    id: str | None = None
    type: str | None = None
    function: LooseFunction | None = None


class LooseMessage(Struct):
    """As StrictMessage, with anything else beside it."""

    role: str
    content: Raw = NONE
    tool_calls: list[LooseCall] | UnsetType | None = UNSET
    tool_call_id: str | None = None
    function_call: Raw = NONE
    cache_control: Raw = NONE


Message = StrictMessage | LooseMessage


@dataclass(slots=True)
class Survey:
    """What the walk found. ``open_ids`` are calls of the last assistant message that still lack results."""

    tidy: bool = True
    paired: bool = True
    needs: set[Need] = field(default_factory=set)
    call_ids: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    open_ids: set[str] = field(default_factory=set)
    call_repeated: bool = False
    cache_marks: int = 0
    first_user: Message | None = None
    last_user: Message | None = None


def survey(messages: Sequence[Message]) -> Survey:
    """Walk over ``messages`` in order; Refused 400 for an unknown role or a content that is no content."""
    found = Survey()
    for index, message in enumerate(messages):
        match message.role:
            case "assistant":
                _leave_group(found)
                _see_assistant(found, message, index)
            case "tool":
                _see_tool(found, message, index)
            case "user":
                _leave_group(found)
                _see_content(found, message, index, _USER_PARTS)
                found.first_user = found.first_user or message
                found.last_user = message
            case "system" | "developer":
                _leave_group(found)
                _see_content(found, message, index, _TEXT_PARTS)
            case "function":
                found.paired = False
            case role:
                refuse_role(role, index)
        if isinstance(message, LooseMessage) and _is_set(message.cache_control):
            found.cache_marks += 1
            found.tidy = False
    return found


def refuse_role(role: object, index: int) -> NoReturn:
    """Raise Refused 400 for a role that no dialect knows."""
    shown = role if isinstance(role, str) else type(role).__name__
    allowed = ", ".join(sorted(ROLES))
    raise refused(f"`messages[{index}].role`: {shown[:40]!r} is not one of {allowed}", f"messages[{index}].role")


def text_of(message: Message | None, limit: int) -> str:
    """The text of a message, string or text parts, cut to ``limit`` characters."""
    return "" if message is None else content_text(message.content, limit)


def _is_set(raw: Raw) -> bool:
    return raw is not NONE and bytes(raw) != b"null"


def _leave_group(found: Survey) -> None:
    if found.open_ids:
        found.paired = False
        found.open_ids = set()


def _see_assistant(found: Survey, message: Message, index: int) -> None:
    calls = message.tool_calls
    _see_content(found, message, index, _ASSISTANT_PARTS, may_be_empty=bool(calls))
    if _is_set(message.function_call):
        found.paired = False
    if not calls:
        if calls is not UNSET:
            found.tidy = False
        return
    for call in calls:
        shown = call.id or ""
        found.call_ids.append(shown)
        if shown in found.seen:
            found.call_repeated = True
            found.paired = False
        if not SAFE_ID.match(shown) or call.function is None or not call.function.name:
            found.paired = False
        elif call.type != "function" or not _looks_like_object(call.function.arguments):
            found.tidy = False
        found.seen.add(shown)
        found.open_ids.add(shown)


def _see_tool(found: Survey, message: Message, index: int) -> None:
    if message.tool_call_id in found.open_ids:
        found.open_ids.discard(message.tool_call_id)
    else:
        found.paired = False
    tidy = found.tidy
    found.tidy = True
    _see_content(found, message, index, _TEXT_PARTS)
    if not found.tidy:
        found.paired = False  # images move to a message of their own, which is the hub's business
    found.tidy = tidy


def _see_content(
    found: Survey, message: Message, index: int, known: frozenset[str], *, may_be_empty: bool = False
) -> None:
    raw = message.content
    if raw is NONE:
        found.tidy = found.tidy and may_be_empty
        return
    first = memoryview(raw)[0]
    if first == _QUOTE:
        return
    if first == _BRACKET:
        _see_parts(found, read_body(bytes(raw), PARTS, f"messages[{index}].content"), known)
    elif bytes(raw) == b"null":
        found.tidy = found.tidy and may_be_empty
    else:
        param = f"messages[{index}].content"
        raise refused(f"`{param}`: expected a string, a list of parts or null", param)


def _see_parts(found: Survey, parts: list[Part | str], known: frozenset[str]) -> None:
    if not parts:
        found.tidy = False
    for part in parts:
        if isinstance(part, str):
            found.tidy = False
            continue
        if part.type not in known:
            found.tidy = False
        if part.cache_control is not NONE and _is_set(part.cache_control):
            found.cache_marks += 1
            found.tidy = False
        need = _NEEDS.get(part.type)
        if need is not None:
            found.needs.add(need)


def _looks_like_object(raw: Raw) -> bool:
    """Whether arguments look like the text of an object: the whole text is parsed by nobody on the short way."""
    text = bytes(raw)
    return text.startswith(b'"{') and text.endswith(b'}"')
