"""What a provider says, event by event: the only thing a Turn ever sees of it.

Decoders produce these from bytes, the Answer holds and stitches them, Renderers write them for the client. Text and
thinking are pieces to append; a tool call's arguments are pieces of one JSON text. No wire format is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gammainfra.domain.failure import Failure
from gammainfra.domain.usage import Usage

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class Started:
    """The provider accepted the request; nothing useful was said yet."""

    upstream_id: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the visible answer. ``choice`` is 0 unless the caller asked for several answers (``n``)."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of the model's reasoning, block ``index`` of the answer.

    ``signature`` (a piece of it, at the block's end) and ``redacted`` (a whole opaque block) must return verbatim to
    the model that made them; ``format`` names their maker as OpenRouter does (``anthropic-claude-v1`` ...) and ``id``
    is the maker's own name of the block (a reasoning item, or the tool call that it belongs to).
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""
    index: int = 0
    format: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of tool call ``index`` (0-based over the answer's client tools): the first piece carries id and name."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    choice: int = 0


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """Token counts so far; ``final`` when the provider will not report again. Each one replaces the one before."""

    usage: Usage
    final: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """One choice is complete. ``tool_calls`` whenever calls exist; ``stop_sequence`` when one matched.

    ``refusal`` is what the provider says about a ``content_filter`` (OpenAI's ``message.refusal``). ``native`` is the
    provider's own word where these are too coarse (Anthropic's ``pause_turn``), ``native_fields`` a JSON object of what
    else it said at the end (Anthropic's ``container``): both for clients of its dialect only.
    """

    reason: FinishReason
    stop_sequence: str | None = None
    choice: int = 0
    refusal: str | None = None
    native: str | None = None
    native_fields: bytes = b""


@dataclass(frozen=True, slots=True)
class UpstreamError:
    """The stream broke or the provider said so inside it: always the last event of an attempt."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something only the named dialect understands (annotations, refusal, logprobs): shown to clients of it only."""

    dialect: str
    raw: bytes
    choice: int = 0


StreamEvent = Started | TextDelta | ThinkingDelta | ToolCallDelta | UsageSeen | Finished | UpstreamError | Opaque
