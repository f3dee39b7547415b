"""The hub: one conversation in Anthropic-like blocks, to which every dialect can be read and from which it is written.

Built lazily, at most once per Turn. What the hub does not know is kept in ``extra`` and ``Opaque`` parts, so that a
round trip through the same dialect loses nothing. Plain values; no dialect's rules are applied here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant"]
Json = object  # a decoded JSON value
CacheMark = Literal["5m", "1h"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a thinking block; signatures are valid there only."""

    provider: str = ""
    model: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text. ``citations`` are those of an earlier answer, as Anthropic wrote them."""

    text: str
    cache: CacheMark | None = None
    citations: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: ``data`` is base64 with ``media_type``, or ``url`` is set. ``detail`` is OpenAI's hint."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""
    cache: CacheMark | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file, usually a PDF: base64 ``data`` with ``media_type``, a ``url``, or a provider's ``file_id``.

    ``context`` says what it is about; ``cited``: the answer shall cite it (both Anthropic's).
    """

    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    name: str = ""
    cache: CacheMark | None = None
    context: str = ""
    cited: bool = False


@dataclass(frozen=True, slots=True)
class Thinking:
    """A reasoning block of an earlier answer. ``redacted`` holds an opaque block instead of text.

    ``format`` and ``id`` are those of ThinkingDelta.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""
    format: str = ""
    origin: Origin = Origin()
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model made. ``arguments`` is the JSON text as received: it may be empty, odd or truncated."""

    id: str
    name: str
    arguments: str
    cache: CacheMark | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call returned; ``parts`` are Text, Image, Document or OpaquePart."""

    call_id: str
    parts: tuple[Part, ...] = ()
    is_error: bool = False
    cache: CacheMark | None = None


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A block of the named dialect that the hub does not model, as decoded JSON."""

    dialect: str
    block: Json
    cache: CacheMark | None = None


Part = Text | Image | Document | Thinking | ToolCall | ToolResult | OpaquePart


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation. A ``system`` message may stand anywhere; ``name`` is OpenAI's speaker name."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool the model may call; ``parameters`` is its JSON schema, None when the client sent none."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Json] | None = None
    strict: bool | None = None
    cache: CacheMark | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``mode`` as OpenAI names it; ``name`` with mode ``named``; ``allowed`` restricts the set (``allowed_tools``)."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """``json_object`` or ``json_schema``; ``schema`` with its ``name`` in the second case."""

    kind: Literal["json_object", "json_schema"]
    schema: Mapping[str, Json] | None = None
    name: str = ""
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A whole request. None means that the client did not say; ``effort`` is OpenAI's reasoning effort.

    ``thinking_budget`` is an explicit token budget for reasoning (Anthropic's), ``extra`` what the hub does not model,
    by its name in the dialect ``dialect``.
    """

    dialect: str
    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    effort: str | None = None
    thinking_budget: int | None = None
    response_format: ResponseFormat | None = None
    n: int = 1
    user: str | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
