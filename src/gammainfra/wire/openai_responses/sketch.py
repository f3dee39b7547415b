"""Sketches a Responses request in one pass: what routing, sessions and billing ask, contents left raw.

It refuses what nobody could answer, and what needs a server that remembers (earlier responses, stored prompts), before
anybody is asked. Everything else is mapped later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from gammainfra.domain import limits
from gammainfra.domain.sketch import Need, Sketch
from gammainfra.wire.content_text import PARTS, content_text
from gammainfra.wire.excerpt import HINT_CHARS, PREFIX_CHARS, ROLES_KEPT, TEXT_CHARS, session_of
from gammainfra.wire.lenient import NONE, check_depth, decode, read_body, refused
from gammainfra.wire.openai_responses.items import DIALECT, stateful, voice_of
from gammainfra.wire.openai_responses.read import read_max_tokens
from gammainfra.wire.openai_responses.tools import Toolbox
from gammainfra.wire.preferences import read_preferences

_SYSTEM: Final = frozenset({"system", "developer"})
_NEEDS: Final[dict[str, Need]] = {"input_image": "images", "input_file": "documents", "input_audio": "audio"}
_STATEFUL: Final = ("previous_response_id", "conversation", "prompt")
# As routing calls them.
_PARAMETERS: Final = {
    "tools": "tools",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_logprobs": "top_logprobs",
    "service_tier": "service_tier",
}
_ECHOED: Final = (
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "top_p",
    "truncation",
    "user",
)
_ECHO_VALUES: Final = attrgetter(*_ECHOED)
_FREE: Final = ("tools", "text", "metadata", "provider", "instructions")


class _Item(Struct):
    type: str | None = None
    role: str | None = None
    content: Raw = NONE
    call_id: str | None = None
    id: str | None = None
    execution: str | None = None
    output: Raw = NONE
    tools: Raw = NONE


class _Body(Struct, kw_only=True):
    model: str
    input: str | list[_Item]
    instructions: Raw = NONE
    stream: bool | None = None
    tools: Raw = NONE
    tool_choice: Raw = NONE
    parallel_tool_calls: Raw = NONE
    max_output_tokens: Raw = NONE
    temperature: Raw = NONE
    top_p: Raw = NONE
    top_logprobs: Raw = NONE
    service_tier: Raw = NONE
    reasoning: Raw = NONE
    text: Raw = NONE
    metadata: Raw = NONE
    client_metadata: Raw = NONE
    session_id: Raw = NONE
    prompt_cache_key: Raw = NONE
    safety_identifier: Raw = NONE
    truncation: Raw = NONE
    user: Raw = NONE
    models: list[str] | None = None
    provider: Raw = NONE
    background: bool | None = None
    previous_response_id: Raw = NONE
    conversation: Raw = NONE
    prompt: Raw = NONE


_BODY: Final = msgspec.json.Decoder(_Body, strict=False)
_ANY: Final = msgspec.json.Decoder()
_DEFAULT_ECHO: Final[dict[str, Any]] = {"tool_choice": "auto", "parallel_tool_calls": True, "metadata": {}}


class _Said(Struct):
    role: str
    content: Raw = NONE


@dataclass(slots=True)
class _Seen:
    """What the walk over the items found. ``roles`` as Chat Completions has them: neighbours of one turn are one."""

    tools: Toolbox
    roles: list[str] = field(default_factory=list)
    system: list[_Said] = field(default_factory=list)
    users: list[_Said] = field(default_factory=list)
    call_ids: dict[str, None] = field(default_factory=dict)
    open_ids: set[str] = field(default_factory=set)
    call_repeated: bool = False
    needs: set[Need] = field(default_factory=set)
    cache_marks: int = 0


def read_sketch(raw: bytes) -> Sketch:
    """Sketch ``raw``; Refused 400 ``invalid_request`` that names what is wrong and where."""
    body = _read(raw)
    tools = Toolbox()
    declared = _value(body.tools)
    if declared is not None and not isinstance(declared, list):
        raise refused("`tools`: expected a list", "tools")
    tools.add(declared or ())
    seen = _walk(body, tools)
    reasoning, text = _object(body.reasoning), _object(body.text)
    names = tuple(tools.specs)
    return Sketch(
        dialect=DIALECT,
        model=body.model,
        stream=bool(body.stream),
        n_bytes=len(raw),
        n_messages=len(seen.roles),
        n_tools=len(names),
        tool_names=names,
        needs=_needs(seen, text, has_tools=bool(names)),
        models=tuple(body.models or ()),
        provider=read_preferences(bytes(body.provider)) if _is_given(body.provider) else None,
        max_tokens=read_max_tokens(_value(body.max_output_tokens)),
        prefix_head=_joined(seen.system, PREFIX_CHARS),
        first_user=content_text(seen.users[0].content, TEXT_CHARS) if seen.users else "",
        last_user=content_text(seen.users[-1].content, TEXT_CHARS) if seen.users else "",
        roles=tuple(seen.roles[-ROLES_KEPT:]),
        call_ids=tuple(seen.call_ids),
        call_repeated=seen.call_repeated,
        group_open=bool(seen.open_ids),
        parameters=_parameters(body, reasoning, text),
        cache_marks=seen.cache_marks,
        clean=False,
        session_hint=_session_hint(body),
        user=_hint(_value(body.user)),
        tool_forms=tools.forms,
        echo=_echo(body),
    )


def _read(raw: bytes) -> _Body:
    body = read_body(raw, _BODY)
    if not body.model:
        raise refused("`model`: name a model", "model")
    if not body.input and not _is_given(body.instructions):
        raise refused("`input`: a text or at least one item is needed", "input")
    for name in _STATEFUL:
        if _is_given(getattr(body, name)):
            raise stateful(name)
    if body.background:
        raise stateful("background")
    for name in _FREE:
        value = getattr(body, name)
        if value is not NONE:
            check_depth(value, name)
    return body


def _is_given(raw: Raw) -> bool:
    return raw is not NONE and bytes(raw) != b"null"


def _value(raw: Raw) -> Any:  # noqa: ANN401 - any JSON
    return None if raw is NONE else decode(bytes(raw), _ANY)


def _object(raw: Raw) -> dict[str, Any]:
    value = _value(raw)
    return value if isinstance(value, dict) else {}


# ---- the items ----------------------------------------------------------------------------------------------------
def _walk(body: _Body, tools: Toolbox) -> _Seen:
    seen = _Seen(tools)
    instructions = bytes(body.instructions)
    if instructions.startswith(b'"') and instructions != b'""':
        _see_message(seen, _Said("system", body.instructions), "instructions")
    if isinstance(body.input, str):
        _see_message(seen, _Said("user", Raw(msgspec.json.encode(body.input))), "input")
        return seen
    for index, item in enumerate(body.input):
        _see_item(seen, item, f"input[{index}]")
    return seen


def _see_item(seen: _Seen, item: _Item, at: str) -> None:
    match voice_of(item.type, item.execution, at):
        case "message":
            _see_message(seen, _Said(item.role or "", item.content), at)
        case "thought":
            _note_role(seen, "assistant")
        case "call":
            call_id = item.call_id or item.id or ""
            seen.call_repeated = seen.call_repeated or call_id in seen.call_ids
            seen.call_ids[call_id] = None
            if seen.roles[-1:] != ["assistant"]:
                seen.open_ids.clear()
            seen.open_ids.add(call_id)
            _note_role(seen, "assistant")
        case "result":
            seen.open_ids.discard(item.call_id or item.id or "")
            _see_parts(seen, item.output, f"{at}.output")
            _see_tools(seen, item)
            seen.roles.append("tool")
        case "tools":
            _see_tools(seen, item)
        case _:
            pass


def _note_role(seen: _Seen, role: str) -> None:
    if seen.roles[-1:] != [role]:
        seen.roles.append(role)


def _see_tools(seen: _Seen, item: _Item) -> None:
    if item.tools is not NONE:
        check_depth(item.tools, "input.tools")
        found = _value(item.tools)
        seen.tools.add(found if isinstance(found, list) else ())


def _see_message(seen: _Seen, message: _Said, at: str) -> None:
    _see_parts(seen, message.content, f"{at}.content")
    if message.role == "assistant":
        _note_role(seen, "assistant")
        return
    seen.open_ids.clear()
    if message.role in _SYSTEM:
        if set(seen.roles) <= {"system"}:
            seen.system.append(message)
        seen.roles.append("system")
    else:
        seen.users.append(message)
        seen.roles.append("user")


def _see_parts(seen: _Seen, content: Raw, at: str) -> None:
    if content is NONE or not bytes(content).startswith(b"["):
        return
    for part in read_body(bytes(content), PARTS, at):
        if not isinstance(part, str):
            seen.cache_marks += part.cache_control is not NONE
            need = _NEEDS.get(part.type)
            if need is not None:
                seen.needs.add(need)


def _joined(messages: Sequence[_Said], left: int) -> str:
    pieces: list[str] = []
    for message in messages:
        if left <= 0:
            break
        pieces.append(content_text(message.content, left))
        left -= len(pieces[-1]) + 1
    return "\n".join(pieces)


# ---- the fields ---------------------------------------------------------------------------------------------------
def _needs(seen: _Seen, text: dict[str, Any], *, has_tools: bool) -> frozenset[Need]:
    needs = seen.needs
    if has_tools:
        needs.add("tools")
    match text.get("format"):
        case {"type": "json_schema"}:
            needs.add("json_schema")
        case {"type": "json_object"}:
            needs.add("json_object")
        case _:
            pass
    return frozenset(needs)


def _parameters(body: _Body, reasoning: dict[str, Any], text: dict[str, Any]) -> frozenset[str]:
    given = {known for name, known in _PARAMETERS.items() if _is_given(getattr(body, name))}
    if reasoning.get("effort") is not None:
        given.add("reasoning_effort")
    if text.get("verbosity") is not None:
        given.add("verbosity")
    match text.get("format"):
        case {"type": "json_schema" | "json_object"}:
            given.add("response_format")
        case _:
            pass
    return frozenset(given)


def _session_hint(body: _Body) -> str | None:
    """A session id in the body (contract C34): metadata, Codex's own metadata, OpenRouter's field, the cache key."""
    metadata = _object(body.metadata)
    return (
        _hint(metadata.get("session_id"))
        or _hint(session_of(metadata.get("user_id")))
        or _hint(_object(body.client_metadata).get("session_id"))
        or _hint(_value(body.session_id))
        or _hint(_value(body.prompt_cache_key))
    )


def _hint(value: object) -> str | None:
    """``value`` when it can be a name: short printable text."""
    usable = isinstance(value, str) and 0 < len(value) <= HINT_CHARS and value.isprintable()
    return value if usable and isinstance(value, str) else None


def _echo(body: _Body) -> bytes:
    given = {name: raw for name, raw in zip(_ECHOED, _ECHO_VALUES(body), strict=True) if _is_given(raw)}
    short = {name: raw for name, raw in given.items() if len(bytes(raw)) <= limits.ECHO_BYTES}
    return msgspec.json.encode({**_DEFAULT_ECHO, **short})
