"""Sketches a Messages request in one pass: what routing, sessions and billing ask, contents left raw.

It refuses only what nobody could answer (no JSON object, no model, no messages, wrong types of what is needed here);
everything else is mapped later or left to Anthropic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from gammainfra.domain.sketch import Need, Sketch
from gammainfra.wire.anthropic.blocks import DIALECT
from gammainfra.wire.anthropic.survey import Block, Message, Survey, has_text, is_given, survey, text_of
from gammainfra.wire.excerpt import HINT_CHARS, PREFIX_CHARS, ROLES_KEPT, TEXT_CHARS, session_of
from gammainfra.wire.lenient import NONE, check_depth, read_body, refused
from gammainfra.wire.preferences import read_preferences

# Claude Code opens its system text with a line that differs in every request: no part of what a task begins with.
BILLING_LINE: Final = "x-anthropic-billing-header:"
_FREE: Final = ("metadata", "output_config", "output_format", "thinking", "tool_choice", "provider")


class _Tool(Struct):
    name: str = ""
    type: str | None = None
    input_schema: Raw = NONE
    cache_control: Raw = NONE


class _Body(Struct, kw_only=True):
    model: str
    messages: list[Message]
    system: str | list[Block | str] | None = None
    tools: list[_Tool] | None = None
    stream: bool | None = None
    max_tokens: int | None = None
    models: list[str] | None = None
    provider: Raw = NONE
    metadata: Raw = NONE
    thinking: Raw = NONE
    output_config: Raw = NONE
    output_format: Raw = NONE
    tool_choice: Raw = NONE
    temperature: Raw = NONE
    top_p: Raw = NONE
    top_k: Raw = NONE
    stop_sequences: Raw = NONE
    cache_control: Raw = NONE


_BODY: Final = msgspec.json.Decoder(_Body, strict=False)
_ANY: Final = msgspec.json.Decoder()


def read_sketch(raw: bytes) -> Sketch:
    """Sketch ``raw``; Refused 400 ``invalid_request`` that names what is wrong and where."""
    body = read_body(raw, _BODY)
    if not body.model:
        raise refused("`model`: name a model", "model")
    if not body.messages:
        raise refused("`messages`: at least one message is needed", "messages")
    _check_depths(body)
    found = survey(body.messages)
    system = _system(body.system, found)
    output, metadata = _object(body.output_config), _object(body.metadata)
    tools = body.tools or []
    is_schema = is_given(body.output_format) or isinstance(output.get("format"), dict)
    user_id = metadata.get("user_id")
    return Sketch(
        dialect=DIALECT,
        model=body.model,
        stream=bool(body.stream),
        n_bytes=len(raw),
        n_messages=len(body.messages),
        n_tools=len(tools),
        tool_names=tuple(tool.name for tool in tools),
        needs=_needs(tools, found, is_schema=is_schema),
        models=tuple(body.models or ()),
        provider=read_preferences(bytes(body.provider)) if is_given(body.provider) else None,
        max_tokens=body.max_tokens if body.max_tokens and body.max_tokens > 0 else None,
        prefix_head=system[:PREFIX_CHARS],
        first_user=text_of(found.first_user, TEXT_CHARS),
        last_user=text_of(found.last_user, TEXT_CHARS),
        roles=tuple(found.roles[-ROLES_KEPT:]),
        call_ids=tuple(found.call_ids),
        call_repeated=found.call_repeated,
        group_open=bool(found.open_ids),
        parameters=_parameters(body, effort=bool(output.get("effort")), is_schema=is_schema),
        cache_marks=found.cache_marks
        + sum(map(is_given, (body.cache_control, *(tool.cache_control for tool in tools)))),
        clean=found.clean,
        session_hint=_hint(metadata.get("session_id")) or _hint(session_of(user_id)),
        system_turns=found.system_turns,
        turn_config=found.turn_config,
        user=_hint(user_id),
    )


def _object(raw: Raw) -> Mapping[str, Any]:
    value = _ANY.decode(raw) if is_given(raw) else None
    return value if isinstance(value, dict) else {}


def _system(system: str | list[Block | str] | None, found: Survey) -> str:
    """The system text without the client's billing line; blocks are counted and judged as those of messages."""
    if isinstance(system, str):
        found.clean = found.clean and bool(system.strip())
        return system
    for block in system or ():
        if isinstance(block, str) or not has_text(block):
            found.clean = False
        else:
            found.cache_marks += is_given(block.cache_control)
    texts = [text_of(Message("system", [block]), PREFIX_CHARS) for block in system or ()]
    return "\n".join(text for text in texts if not text.startswith(BILLING_LINE))


def _needs(tools: list[_Tool], found: Survey, *, is_schema: bool) -> frozenset[Need]:
    needs = found.needs
    if tools:
        needs.add("tools")
    if is_schema:
        needs.add("json_schema")
    return frozenset(needs)


def _parameters(body: _Body, *, effort: bool, is_schema: bool) -> frozenset[str]:
    """The optional parameters in the names that routing knows (OpenAI's)."""
    given = {
        "tools": bool(body.tools),
        "tool_choice": is_given(body.tool_choice),
        "max_tokens": body.max_tokens is not None,
        "temperature": is_given(body.temperature),
        "top_p": is_given(body.top_p),
        "top_k": is_given(body.top_k),
        "stop": is_given(body.stop_sequences),
        "response_format": is_schema,
        "reasoning_effort": effort or is_given(body.thinking),
    }
    return frozenset(name for name, is_set in given.items() if is_set)


def _hint(value: object) -> str | None:
    """``value`` when it can be a name: short printable text."""
    usable = isinstance(value, str) and 0 < len(value) <= HINT_CHARS and value.isprintable()
    return value if usable and isinstance(value, str) else None


def _check_depths(body: _Body) -> None:
    for index, tool in enumerate(body.tools or ()):
        if tool.input_schema is not NONE:
            check_depth(tool.input_schema, f"tools[{index}]")
    for name in _FREE:
        value: Raw = getattr(body, name)
        if value is not NONE:
            check_depth(value, name)
