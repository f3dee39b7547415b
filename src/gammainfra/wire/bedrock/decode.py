"""A Converse answer, streamed or whole, as the gateway's events.

It decides what each block and event means: text, reasoning with its signature, calls, counts, the end, and exceptions
inside the stream. A stream's counts come after its finish. Shapes: the API reference of Converse and ConverseStream.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec

from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.stream import (
    Finished,
    FinishReason,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.domain.usage import Usage
from gammainfra.wire.bedrock.errors import in_band, read_body
from gammainfra.wire.bedrock.event_stream import Broken, Framer, Message, TooLarge

CLAUDE: Final = "anthropic-claude-v1"  # signatures of Claude hold wherever it is served
Json = dict[str, Any]

_JSON: Final = msgspec.json.Decoder(Json)
_REASONS: Final[dict[str, FinishReason]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_BROKEN: Final = frozenset({"malformed_model_output", "malformed_tool_use"})


class _Answer:
    """What both decoders know of one answer. Blocks go by their index."""

    def __init__(self) -> None:
        self.calls: dict[object, int] = {}
        self.argued: set[object] = set()
        self.thoughts: dict[object, int] = {}
        self.signatures: dict[object, str] = {}
        self.finished = False

    def call(self, at: object, tool: Json) -> list[StreamEvent]:
        """A call begins."""
        number = self.calls[at] = len(self.calls)
        return [ToolCallDelta(number, _string(tool.get("toolUseId")), _string(tool.get("name")))]

    def argue(self, at: object, piece: str) -> list[StreamEvent]:
        """A piece of a call's arguments."""
        if at not in self.calls or not piece:
            return []
        self.argued.add(at)
        return [ToolCallDelta(self.calls[at], arguments=piece)]

    def think(self, at: object, text: str, signature: str, redacted: str) -> list[StreamEvent]:
        """A piece of a thought. Its signature leaves with its end: a part of one is refused on return."""
        number = self.thoughts.setdefault(at, len(self.thoughts))
        self.signatures[at] = self.signatures.get(at, "") + signature
        if redacted:
            return [ThinkingDelta(redacted=_opened(redacted), index=number, format=CLAUDE)]
        return [ThinkingDelta(text, index=number)] if text else []

    def close(self, at: object) -> list[StreamEvent]:
        """A block ends."""
        signature = self.signatures.pop(at, "")
        if signature:
            return [ThinkingDelta(signature=signature, index=self.thoughts[at], format=CLAUDE)]
        if at in self.calls and at not in self.argued:
            return self.argue(at, "{}")
        return []

    def finish(self, reason: str, fields: object) -> list[StreamEvent]:
        """The orderly end; a turn that the model itself broke is worth asking again."""
        if reason in _BROKEN:
            return [UpstreamError(Failure(Cause.BAD_TOOL_CALL, f"the model's answer was broken ({reason})"))]
        self.finished = True
        mapped = _REASONS.get(reason) or ("tool_calls" if self.calls else "stop")
        matched = _string(fields.get("stop_sequence")) if isinstance(fields, dict) else ""
        return [Finished(mapped, matched or None)]


class StreamDecoder:
    """An event-stream body: ``messageStop`` is the end, ``metadata`` with the counts follows it."""

    def __init__(self) -> None:
        self._framer = Framer()
        self._answer = _Answer()
        self._spent = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that these bytes complete; after an UpstreamError nothing more comes."""
        events: list[StreamEvent] = []
        try:
            for message in [] if self._spent else self._framer.feed(chunk):
                if not self._spent:
                    self._read(message, events)
        except TooLarge as error:
            self._fail(Cause.ANSWER_TOO_LARGE, str(error), events)
        except (Broken, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(Cause.MALFORMED_STREAM, f"an event is not what it should be: {error}", events)
        return events

    def eof(self) -> list[StreamEvent]:
        """The end of the body; without ``messageStop`` it is a cut."""
        events: list[StreamEvent] = []
        if not (self._spent or self._answer.finished):
            self._fail(Cause.CUT, "the stream ended without messageStop", events)
        return events

    def _read(self, message: Message, events: list[StreamEvent]) -> None:
        headers = message.headers
        kind = headers.get(":message-type")
        if kind != "event":
            name = headers.get(":exception-type") or headers.get(":error-code") or ""
            self._spent = True
            events.append(UpstreamError(in_band(name, message.payload, headers.get(":error-message", ""))))
            return
        events += self._event(headers.get(":event-type", ""), _JSON.decode(message.payload or b"{}"))

    def _event(self, kind: str, event: Json) -> list[StreamEvent]:
        answer, at = self._answer, event.get("contentBlockIndex")
        match kind:
            case "contentBlockDelta":
                return self._delta(at, _object(event.get("delta")))
            case "contentBlockStart":
                tool = _object(event.get("start")).get("toolUse")
                return answer.call(at, tool) if isinstance(tool, dict) else []
            case "contentBlockStop":
                return answer.close(at)
            case "messageStart":
                return [Started()]
            case "messageStop":
                said = answer.finish(_string(event.get("stopReason")), event.get("additionalModelResponseFields"))
                self._spent = not answer.finished
                return said
            case "metadata":
                return _counted(event.get("usage"))
            case _:
                return []  # events of a later day

    def _delta(self, at: object, delta: Json) -> list[StreamEvent]:
        answer = self._answer
        match delta:
            case {"text": str(text)}:
                return [TextDelta(text)] if text else []
            case {"toolUse": {"input": str(piece)}}:
                return answer.argue(at, piece)
            case {"reasoningContent": dict(thought)}:
                text, signature = _string(thought.get("text")), _string(thought.get("signature"))
                return answer.think(at, text, signature, _string(thought.get("redactedContent")))
            case _:
                return []

    def _fail(self, cause: Cause, message: str, events: list[StreamEvent]) -> None:
        self._spent = True
        if not self._answer.finished:
            events.append(UpstreamError(Failure(cause, message)))


class WholeDecoder:
    """An ``application/json`` body, decoded when it is complete."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Keep the bytes: nothing is known before the end. The caller bounds how many there are."""
        self._pieces.append(chunk)
        return []

    def eof(self) -> list[StreamEvent]:
        """The whole answer; ``UpstreamError(not_an_answer)`` for anything but one."""
        raw = b"".join(self._pieces)
        try:
            body = _JSON.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [UpstreamError(Failure(Cause.NOT_AN_ANSWER, f"the body is no answer: {error}"))]
        content = _object(_object(body.get("output")).get("message")).get("content")
        if not isinstance(content, list):
            told = read_body(raw)
            return [UpstreamError(Failure(Cause.NOT_AN_ANSWER, told or "the body is no answer"))]
        answer = _Answer()
        events: list[StreamEvent] = [Started()]
        for at, block in enumerate(content):
            events += _block(answer, at, _object(block))
        events += answer.finish(_string(body.get("stopReason")), body.get("additionalModelResponseFields"))
        return [*events, *_counted(body.get("usage"))] if answer.finished else events


def _block(answer: _Answer, at: int, block: Json) -> list[StreamEvent]:
    match block:
        case {"text": str(text)}:
            return [TextDelta(text)] if text else []
        case {"toolUse": dict(tool)}:
            arguments = msgspec.json.encode(tool.get("input") or {}).decode()
            return [*answer.call(at, tool), *answer.argue(at, arguments)]
        case {"reasoningContent": dict(thought)}:
            said = _object(thought.get("reasoningText"))
            redacted = _string(thought.get("redactedContent"))
            begun = answer.think(at, _string(said.get("text")), _string(said.get("signature")), redacted)
            return [*begun, *answer.close(at)]
        case _:
            return []


def _counted(counts: object) -> list[StreamEvent]:
    """The counts as disjoint classes, as Bedrock reports them: ``inputTokens`` is what no cache had."""
    if not isinstance(counts, dict):
        return []
    written = _count(counts, "cacheWriteInputTokens")
    details = [one for one in counts.get("cacheDetails") or () if isinstance(one, dict)]
    one_hour = min(written, sum(_count(one, "inputTokens") for one in details if one.get("ttl") == "1h"))
    usage = Usage(
        input_tokens=_count(counts, "inputTokens"),
        cache_read_tokens=_count(counts, "cacheReadInputTokens"),
        cache_write_tokens=written - one_hour,
        cache_write_1h_tokens=one_hour,
        output_tokens=_count(counts, "outputTokens"),
    )
    return [UsageSeen(usage, final=True)]


def _count(counts: Json, name: str) -> int:
    value = counts.get(name)
    return int(value) if isinstance(value, int | float) and value > 0 else 0


def _opened(redacted: str) -> str:
    """Claude's own opaque text, which travels as a blob: base64 of it."""
    try:
        return base64.b64decode(redacted, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return redacted


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
