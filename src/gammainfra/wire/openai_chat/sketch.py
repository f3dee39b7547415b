"""Sketches a Chat Completions request in one pass: what routing, sessions and billing ask, contents left raw.

It refuses only what nobody could answer (no JSON object, no model, no messages, wrong types of what is needed here);
everything else is mapped later or left to the provider.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Raw, Struct

from gammainfra.domain.sketch import Need, ProviderPreferences, Sketch
from gammainfra.wire.excerpt import HINT_CHARS, PREFIX_CHARS, ROLES_KEPT, TEXT_CHARS, session_of
from gammainfra.wire.lenient import NONE, check_depth, decode, read_body, refused
from gammainfra.wire.openai_chat import survey
from gammainfra.wire.openai_chat.survey import LooseMessage, StrictMessage, Survey, text_of
from gammainfra.wire.preferences import read_preferences

CHOICES: Final = 128

# Optional parameters as routing knows them (`require_parameters`); what is missing here is not known to anyone.
PARAMETERS: Final = (
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "n",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "verbosity",
    "modalities",
    "audio",
    "prediction",
    "web_search_options",
    "service_tier",
)
_VALUES: Final = attrgetter(*PARAMETERS)
_FREE: Final = ("response_format", "metadata", "provider", "logit_bias", "prediction")
_FREE_VALUES: Final = attrgetter(*_FREE)
_NULL: Final = b"null"


class _Function(Struct):
    name: str = ""
    parameters: Raw = NONE


class _Tool(Struct):
    name: str = ""
    function: _Function | None = None
    parameters: Raw = NONE
    input_schema: Raw = NONE
    cache_control: Raw = NONE


class _Body(Struct, kw_only=True):
    model: str
    stream: bool | None = None
    stream_options: Raw = NONE
    usage: Raw = NONE
    tools: list[_Tool] | None = None
    functions: list[_Function] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    models: list[str] | None = None
    provider: Raw = NONE
    metadata: Raw = NONE
    prompt_cache_key: Raw = NONE
    session_id: Raw = NONE
    user: Raw = NONE
    response_format: Raw = NONE
    modalities: Raw = NONE
    tool_choice: Raw = NONE
    function_call: Raw = NONE
    parallel_tool_calls: Raw = NONE
    temperature: Raw = NONE
    top_p: Raw = NONE
    top_k: Raw = NONE
    min_p: Raw = NONE
    stop: Raw = NONE
    seed: Raw = NONE
    frequency_penalty: Raw = NONE
    presence_penalty: Raw = NONE
    repetition_penalty: Raw = NONE
    logit_bias: Raw = NONE
    logprobs: Raw = NONE
    top_logprobs: Raw = NONE
    reasoning_effort: Raw = NONE
    reasoning: Raw = NONE
    thinking: Raw = NONE
    verbosity: Raw = NONE
    audio: Raw = NONE
    prediction: Raw = NONE
    web_search_options: Raw = NONE
    service_tier: Raw = NONE


class _StrictBody(_Body, kw_only=True):
    messages: list[StrictMessage]


class _LooseBody(_Body, kw_only=True):
    messages: list[LooseMessage]


_STRICT: Final = msgspec.json.Decoder(_StrictBody, strict=False)
_LOOSE: Final = msgspec.json.Decoder(_LooseBody, strict=False)
_ANY: Final = msgspec.json.Decoder()


def read_sketch(raw: bytes) -> Sketch:
    """Sketch ``raw``; Refused 400 ``invalid_request`` that names what is wrong and where."""
    body: _StrictBody | _LooseBody
    try:
        body = decode(raw, _STRICT)
    except (ValueError, RecursionError):
        body = read_body(raw, _LOOSE)
    if not body.model:
        raise refused("`model`: name a model", "model")
    if not body.messages:
        raise refused("`messages`: at least one message is needed", "messages")
    found = survey.survey(body.messages)
    tools = body.tools or []
    names = [tool.function.name if tool.function else tool.name for tool in tools]
    names += [function.name for function in body.functions or ()]
    _check_depths(body)
    return Sketch(
        dialect="openai_chat",
        model=body.model,
        stream=bool(body.stream),
        n_bytes=len(raw),
        n_messages=len(body.messages),
        n_tools=len(names),
        tool_names=tuple(names),
        needs=_needs(body, found, has_tools=bool(names)),
        models=tuple(body.models or ()),
        provider=_preferences(body.provider),
        max_tokens=_max_tokens(body),
        n=_n(body.n),
        include_usage=_flag(body.stream_options, "include_usage") or _flag(body.usage, "include"),
        prefix_head=_prefix_head(body),
        first_user=text_of(found.first_user, TEXT_CHARS),
        last_user=text_of(found.last_user, TEXT_CHARS),
        roles=tuple(message.role for message in body.messages[-ROLES_KEPT:]),
        call_ids=tuple(found.call_ids),
        call_repeated=found.call_repeated,
        group_open=bool(found.open_ids),
        parameters=_parameters(body),
        cache_marks=found.cache_marks + sum(tool.cache_control is not NONE for tool in tools),
        clean=isinstance(body, _StrictBody) and found.tidy and found.paired and not found.open_ids,
        session_hint=_session_hint(body),
        user=_hint(_value(body.user)),
    )


def _parameters(body: _Body) -> frozenset[str]:
    values = zip(PARAMETERS, _VALUES(body), strict=True)
    return frozenset([name for name, value in values if value is not NONE and value is not None and _is_given(value)])


def _is_given(value: object) -> bool:
    if isinstance(value, Raw):
        return value is not NONE and bytes(value) != _NULL
    return value is not None


def _value(raw: Raw) -> object:
    return None if raw is NONE else read_body(bytes(raw), _ANY)


def _flag(raw: Raw, name: str) -> bool:
    if raw is NONE:
        return False
    options = _value(raw)
    return isinstance(options, dict) and options.get(name) is True


def _needs(body: _Body, found: Survey, *, has_tools: bool) -> frozenset[Need]:
    needs = found.needs
    if has_tools:
        needs.add("tools")
    if b"audio" in bytes(body.modalities):
        needs.add("audio")
    wanted = _value(body.response_format)
    match wanted.get("type") if isinstance(wanted, dict) else None:
        case "json_schema":
            needs.add("json_schema")
        case "json_object":
            needs.add("json_object")
        case _:
            pass
    return frozenset(needs)


def _preferences(raw: Raw) -> ProviderPreferences | None:
    return read_preferences(bytes(raw)) if _is_given(raw) else None


def _max_tokens(body: _Body) -> int | None:
    """The client's limit under either name; clients write 0 or -1 for none."""
    limit = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    return limit if limit is not None and limit > 0 else None


def _n(n: int | None) -> int:
    if n is None:
        return 1
    if not 1 <= n <= CHOICES:
        raise refused(f"`n`: expected 1 to {CHOICES}, got {n}", "n")
    return n


def _prefix_head(body: _StrictBody | _LooseBody) -> str:
    """The text of the system messages that open the conversation, cut."""
    pieces: list[str] = []
    left = PREFIX_CHARS
    for message in body.messages:
        if message.role not in {"system", "developer"} or left <= 0:
            break
        text = text_of(message, left)
        pieces.append(text)
        left -= len(text) + 1
    return "\n".join(pieces)


def _session_hint(body: _Body) -> str | None:
    """A session id in the body (contract C34), in its order: metadata, OpenRouter's field, the cache key."""
    metadata = _value(body.metadata)
    found: str | None = None
    if isinstance(metadata, dict):
        found = _hint(metadata.get("session_id")) or _hint(session_of(metadata.get("user_id")))
    return found or _hint(_value(body.session_id)) or _hint(_value(body.prompt_cache_key))


def _hint(value: object) -> str | None:
    """``value`` when it can be a name: short printable text."""
    usable = isinstance(value, str) and 0 < len(value) <= HINT_CHARS and value.isprintable()
    return value if usable and isinstance(value, str) else None


def _check_depths(body: _Body) -> None:
    for index, tool in enumerate(body.tools or ()):
        inner = tool.function.parameters if tool.function else tool.parameters
        for value in (inner, tool.input_schema):
            if value is not NONE:
                check_depth(value, f"tools[{index}]")
    for name, value in zip(_FREE, _FREE_VALUES(body), strict=True):
        if value is not NONE:
            check_depth(value, name)
