"""Walks over a Messages request once and says whether Anthropic would take its messages as they stand.

``clean`` means verbatim: calls and results are paired in neighbouring messages, results first, no id twice, no empty
text, no thought that another vendor made. It never changes anything; whoever is not clean takes the hub.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import Raw, Struct

from gammainfra.domain.sketch import Need
from gammainfra.wire.anthropic.thoughts import SEAL
from gammainfra.wire.lenient import NONE, check_depth, read_body, refused

REMINDER: Final = "<system-reminder>"

_SAFE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_BLANK: Final = re.compile(rb'"(?:[ \t]|\\[nrt])*"\Z')
_BLANK_TEXT_INSIDE: Final = re.compile(rb'"text"\s*:\s*"(?:[ \t]|\\[nrt])*"')
_MARK_INSIDE: Final = re.compile(rb'"cache_control"\s*:\s*\{')
_KIND_INSIDE: Final = re.compile(rb'"type"\s*:\s*"(image|document)"')
_UNSIGNED: Final = (b'""', b"null", b"")
_SEALED: Final = b'"' + SEAL.encode()
_STRING: Final = msgspec.json.Decoder(str)
_NEEDS: Final[dict[str, Need]] = {"image": "images", "document": "documents"}
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


class Block(Struct):
    """A content block; only what is decided by is typed."""

    type: str = ""
    text: Raw = NONE
    id: str | None = None
    name: str | None = None
    input: Raw = NONE
    tool_use_id: str | None = None
    content: Raw = NONE
    signature: Raw = NONE
    data: Raw = NONE
    cache_control: Raw = NONE


class Message(Struct):
    """A message."""

    role: str
    content: str | list[Block | str] | None = None
    output_config: Raw = NONE  # a beta's


@dataclass(slots=True)
class Survey:
    """What the walk found. ``open_ids`` are calls of the last assistant message that still lack results."""

    clean: bool = True
    needs: set[Need] = field(default_factory=set)
    call_ids: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    open_ids: set[str] = field(default_factory=set)
    call_repeated: bool = False
    cache_marks: int = 0
    system_turns: int = 0
    turn_config: bool = False
    roles: list[str] = field(default_factory=list)
    first_user: Message | None = None
    last_user: Message | None = None


def survey(messages: Sequence[Message]) -> Survey:
    """Walk over ``messages`` in order; Refused 400 for an unknown role.

    A user message that opens with results counts as role ``tool``, as it is one in other dialects.
    """
    found = Survey(clean=messages[0].role == "user")
    for index, message in enumerate(messages):
        blocks = _blocks(message, found)
        role = message.role
        match role:
            case "assistant":
                _leave_group(found)
                _see_assistant(found, blocks)
            case "user":
                answers = _see_user(found, blocks)
                role = "tool" if answers else "user"
                if not answers or len(blocks) > answers:
                    found.first_user = found.first_user or message
                    found.last_user = message
                found.clean = found.clean and not found.open_ids
            case "system":
                found.system_turns += 1
                found.clean = found.clean and not found.open_ids
            case _:
                param = f"messages[{index}].role"
                raise refused(f"`{param}`: {role[:40]!r} is not one of assistant, system, user", param)
        found.turn_config = found.turn_config or is_given(message.output_config)
        found.roles.append(role)
    found.clean = found.clean and not found.open_ids
    return found


def _blocks(message: Message, found: Survey) -> list[Block]:
    content = message.content
    if isinstance(content, str):
        found.clean = found.clean and bool(content) and not content.isspace()
        return []
    blocks = [block for block in content or () if isinstance(block, Block)]
    if not blocks or len(blocks) < len(content or ()):
        found.clean = False
    for block in blocks:
        found.cache_marks += is_given(block.cache_control)
        if block.type == "text" and not has_text(block):
            found.clean = False
        if block.type in _NEEDS:
            found.needs.add(_NEEDS[block.type])
    return blocks


def has_text(block: Block) -> bool:
    """Whether a text block says anything: Anthropic refuses those that do not."""
    return bytes(block.text)[:1] == b'"' and not _BLANK.match(bytes(block.text))


def is_given(raw: Raw) -> bool:
    """Whether a field is there and not null."""
    return raw is not NONE and bytes(raw) != b"null"


def _leave_group(found: Survey) -> None:
    if found.open_ids:
        found.clean = False
        found.open_ids = set()


def _see_assistant(found: Survey, blocks: Sequence[Block]) -> None:
    for block in blocks:
        match block.type:
            case "tool_use":
                _see_call(found, block)
            case "thinking":
                found.clean = found.clean and not _is_foreign(block.signature)
            case "redacted_thinking":
                found.clean = found.clean and not _is_foreign(block.data)
            case "tool_result":
                found.clean = False
            case _:
                pass
    if blocks and blocks[-1].type in _THOUGHTS:
        found.clean = False


def _see_call(found: Survey, block: Block) -> None:
    shown = block.id or ""
    found.call_ids.append(shown)
    if shown in found.seen:
        found.call_repeated = True
        found.clean = False
    is_object = bytes(block.input)[:1] == b"{"
    if not (is_object and block.name and _SAFE_ID.match(shown)):
        found.clean = False
    if is_object:
        check_depth(block.input, "messages")
    found.seen.add(shown)
    found.open_ids.add(shown)


def _is_foreign(raw: Raw) -> bool:
    """Whether a signature or an opaque thought cannot be Anthropic's."""
    text = bytes(raw)
    return text in _UNSIGNED or text.startswith(_SEALED)


def _see_user(found: Survey, blocks: Sequence[Block]) -> int:
    """How many results the message opens with."""
    answers = 0
    for index, block in enumerate(blocks):
        match block.type:
            case "tool_result":
                if index == answers and block.tool_use_id in found.open_ids:
                    answers += 1
                    found.open_ids.discard(block.tool_use_id)
                else:
                    found.clean = False
                _see_result(found, bytes(block.content))
            case "tool_use" | "thinking" | "redacted_thinking":
                found.clean = False
            case _:
                pass
    return answers


def _see_result(found: Survey, content: bytes) -> None:
    if content[:1] != b"[":
        return
    found.needs.update(_NEEDS[kind.decode()] for kind in _KIND_INSIDE.findall(content))
    if _BLANK_TEXT_INSIDE.search(content) or _MARK_INSIDE.search(content):
        found.clean = False


def text_of(message: Message | None, limit: int) -> str:
    """What was said in a message, cut to ``limit`` characters: notes that a client wraps for the model come last."""
    if message is None or message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content[:limit]
    said: list[str] = []
    notes: list[str] = []
    for block in message.content:
        text = block if isinstance(block, str) else _text(block)
        if text:
            (notes if text.lstrip().startswith(REMINDER) else said).append(text[:limit])
    return "\n".join(said or notes)[:limit]


def _text(block: Block) -> str:
    is_text = block.type == "text" and bytes(block.text)[:1] == b'"'
    return read_body(bytes(block.text), _STRING) if is_text else ""
