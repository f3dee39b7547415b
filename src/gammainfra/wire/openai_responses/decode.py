"""A Responses answer, streamed or whole, as the gateway's events.

It decides what each event and item means: text, reasoning with its seal, calls to the client's tools of every kind,
refusals, counts, the end. Items of tools that OpenAI runs become Opaque (the item, once it is complete) and never a
call. Shapes: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from gammainfra.domain.failure import Cause, Failure, Refused
from gammainfra.domain.stream import (
    Finished,
    FinishReason,
    Opaque,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.domain.usage import Usage
from gammainfra.wire.openai_failure import Told, classify, read_told
from gammainfra.wire.openai_responses.items import DIALECT, Voice, voice_of
from gammainfra.wire.openai_responses.read_input import call_of
from gammainfra.wire.openai_responses.reasoning import OPENAIS
from gammainfra.wire.sse import EventTooLarge, Framer

_ANY: Final = msgspec.json.Decoder()
_EVENT: Final = msgspec.json.Decoder(dict[str, Any])
_TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_ENDINGS: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_THOUGHTS: Final = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
Json = dict[str, Any]


class _Answer:
    """What both decoders know of one answer. Items go by their ``output_index``."""

    def __init__(self) -> None:
        self.calls: dict[object, int] = {}
        self.thoughts: dict[object, int] = {}
        self.parts: dict[object, object] = {}  # the part of a summary that was last added to
        self.said: set[object] = set()  # messages and calls of which pieces came
        self.refusal: list[str] = []
        self.finished = False

    def add(self, at: object, item: Json) -> list[StreamEvent]:
        """An item begins."""
        if _voice(item) == "call" and at not in self.calls:
            number = self.calls[at] = len(self.calls)
            call = call_of(item)
            return [ToolCallDelta(number, call.id, call.name)]
        return []

    def think(self, at: object, text: str, name: str, part: object) -> list[StreamEvent]:
        """A piece of a thought; the parts of one summary are paragraphs."""
        number = self.thoughts.setdefault(at, len(self.thoughts))
        gap = "\n\n" if self.parts.get(at, part) != part else ""
        self.parts[at] = part
        self.said.add(at)
        return [ThinkingDelta(gap + text, index=number, format=OPENAIS, id=name)] if text else []

    def argue(self, at: object, piece: str) -> list[StreamEvent]:
        """A piece of a function's arguments."""
        number = self.calls.get(at)
        if number is None or not piece:
            return []
        self.said.add(at)
        return [ToolCallDelta(number, arguments=piece)]

    def done(self, at: object, item: Json, raw: bytes) -> list[StreamEvent]:
        """An item is complete: what its pieces did not say is said now."""
        match _voice(item):
            case "message":
                return [] if at in self.said else self._message(item)
            case "thought":
                return self._thought(at, item)
            case "call":
                begun = self.add(at, item)
                arguments = call_of(item).arguments
                return begun if at in self.said else [*begun, ToolCallDelta(self.calls[at], arguments=arguments)]
            case _:
                return [Opaque(DIALECT, raw)]

    def _message(self, item: Json) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for part in item.get("content") or ():
            match part:
                case {"type": "output_text", "text": str(text)} if text:
                    events.append(TextDelta(text))
                case {"type": "refusal", "refusal": str(refusal)}:
                    self.refusal.append(refusal)
                case _:
                    pass
        return events

    def _thought(self, at: object, item: Json) -> list[StreamEvent]:
        name = _string(item.get("id"))
        events: list[StreamEvent] = []
        if at not in self.said:
            for field in ("summary", "content"):
                parts = (part for part in item.get(field) or () if isinstance(part, dict))
                for index, part in enumerate(parts):
                    text = _string(part.get("text"))
                    events += self.think(at, text, name, (field, index))
        sealed = _string(item.get("encrypted_content"))
        if sealed:
            number = self.thoughts.setdefault(at, len(self.thoughts))
            events.append(ThinkingDelta(redacted=sealed, index=number, format=OPENAIS, id=name))
        return events

    def end(self, response: Json) -> list[StreamEvent]:
        """The terminal event: finish and counts, or what went wrong."""
        status = response.get("status")
        if status == "failed" or (response.get("error") and status != "completed"):
            return [UpstreamError(classify(read_told(response) or Told("the response failed"), None))]
        details = response.get("incomplete_details")
        why = _string(details.get("reason")) if isinstance(details, dict) else ""
        reason: FinishReason = "tool_calls" if self.calls else "stop"
        if status == "incomplete":
            reason = _ENDINGS.get(why, "length")
        refusal = "".join(self.refusal) or None
        if refusal is not None:
            reason = "content_filter"
        self.finished = True
        counted = read_usage(response.get("usage"))
        usage: list[StreamEvent] = [] if counted is None else [UsageSeen(counted, final=True)]
        return [Finished(reason, refusal=refusal), *usage]


class StreamDecoder:
    """A ``text/event-stream`` body; the end is one of the three terminal events."""

    def __init__(self) -> None:
        self._framer = Framer()
        self._answer = _Answer()
        self._spent = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that these bytes complete; after the end or an UpstreamError nothing more comes."""
        events: list[StreamEvent] = []
        try:
            for frame in [] if self._spent else self._framer.feed(chunk):
                self._read(frame.data, events)
        except EventTooLarge as error:
            self._fail(Cause.ANSWER_TOO_LARGE, str(error), events)
        return events

    def eof(self) -> list[StreamEvent]:
        """The end of the body; without a terminal event it is a cut."""
        events: list[StreamEvent] = []
        for frame in [] if self._spent else self._framer.eof():
            self._read(frame.data, events)
        if not self._spent:
            self._fail(Cause.CUT, "the stream ended without response.completed", events)
        return events

    def _read(self, data: bytes, events: list[StreamEvent]) -> None:
        if self._spent or not data or data == b"[DONE]":
            return
        try:
            events += self._events(_EVENT.decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(Cause.MALFORMED_STREAM, f"an event is not what it should be: {error}", events)

    def _events(self, event: Json) -> list[StreamEvent]:
        answer, at, kind = self._answer, event.get("output_index"), _string(event.get("type"))
        piece, item = _string(event.get("delta")), event.get("item")
        match kind:
            case "response.output_text.delta":
                answer.said.add(at)
                return [TextDelta(piece)] if piece else []
            case "response.function_call_arguments.delta":
                return answer.argue(at, piece)
            case "response.refusal.delta":
                answer.said.add(at)
                answer.refusal.append(piece)
                return []
            case _ if kind in _THOUGHTS:
                part = event.get("summary_index", event.get("content_index"))
                return answer.think(at, piece, _string(event.get("item_id")), part)
            case "response.output_item.added" if isinstance(item, dict):
                return answer.add(at, item)
            case "response.output_item.done" if isinstance(item, dict):
                return answer.done(at, item, msgspec.json.encode(item))
            case _:
                return self._frame(kind, event)

    def _frame(self, kind: str, event: Json) -> list[StreamEvent]:
        """Events of the response as a whole; those of hosted tools say nothing that their items do not."""
        response = event.get("response")
        response = response if isinstance(response, dict) else {}
        if kind == "response.created":
            return [Started(_string(response.get("id")), _string(response.get("model")))]
        if kind in _TERMINAL:
            self._spent = True
            return self._answer.end({"status": kind.removeprefix("response."), **response})
        if kind == "error":
            self._spent = True
            told = read_told(event) or read_told({"error": event}) or Told("an error without a message")
            return [UpstreamError(classify(told, None))]
        return []

    def _fail(self, cause: Cause, message: str, events: list[StreamEvent]) -> None:
        self._spent = True
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
        """The whole answer; ``UpstreamError(not_an_answer)`` for anything but a response."""
        try:
            body = _ANY.decode(b"".join(self._pieces))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [UpstreamError(Failure(Cause.NOT_AN_ANSWER, f"the body is no response: {error}"))]
        if not isinstance(body, dict) or not isinstance(body.get("output"), list):
            told = read_told(body)
            if told is not None:
                return [UpstreamError(classify(told, None))]
            return [UpstreamError(Failure(Cause.NOT_AN_ANSWER, "the body is no response"))]
        return list(_whole(body))


def _whole(body: Json) -> Iterator[StreamEvent]:
    answer = _Answer()
    yield Started(_string(body.get("id")), _string(body.get("model")))
    for at, item in enumerate(body["output"]):
        if isinstance(item, dict):
            yield from answer.done(at, item, msgspec.json.encode(item))
    yield from answer.end(body)


def read_usage(counts: object) -> Usage | None:
    """The counts as disjoint classes; None when there are none. ``input_tokens`` contains what the cache gave."""
    if not isinstance(counts, dict):
        return None
    read = _count(counts.get("input_tokens_details"), "cached_tokens")
    written = _count(counts.get("input_tokens_details"), "cache_write_tokens")
    given, said = _count(counts, "input_tokens"), _count(counts, "output_tokens")
    reasoning = min(_count(counts.get("output_tokens_details"), "reasoning_tokens"), said)
    read = min(read, given)
    written = min(written, given - read)
    return Usage(
        input_tokens=given - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=said - reasoning,
        reasoning_tokens=reasoning,
    )


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return int(value) if isinstance(value, int | float) and value > 0 else 0


def _voice(item: Json) -> Voice:
    kind, execution = _string(item.get("type")), _string(item.get("execution"))
    try:
        return voice_of(kind, execution, "output")
    except Refused:
        return "other"  # a compaction: readable at OpenAI's servers only


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
