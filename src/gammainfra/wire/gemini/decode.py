"""A Gemini answer, streamed or whole, as the gateway's events.

It decides what each part means: text, thoughts, calls, signatures, counts, the end. Parts that only Google's clients
understand (pictures, code that was run, Google's own tools) become Opaque and never a call. A whole answer may also be
the list of its pieces. Shapes: https://ai.google.dev/api/generate-content (GenerateContentResponse).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.domain.ids import base62
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
from gammainfra.wire.gemini.errors import in_band
from gammainfra.wire.gemini.partial_arguments import PartialArgument, add
from gammainfra.wire.gemini.usage import Counts, read_usage, replaced
from gammainfra.wire.sse import EventTooLarge, Framer

DIALECT: Final = "gemini"

# "OTHER" and reasons of a later day end the answer as it is; one that says nothing is no answer anyway.
_REASONS: Final[dict[str, FinishReason]] = {
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
_BROKEN: Final = {
    "MALFORMED_FUNCTION_CALL": Cause.BAD_TOOL_CALL,
    "UNEXPECTED_TOOL_CALL": Cause.BAD_TOOL_CALL,
    "TOO_MANY_TOOL_CALLS": Cause.BAD_TOOL_CALL,
    "MALFORMED_RESPONSE": Cause.MALFORMED_STREAM,
    "MISSING_THOUGHT_SIGNATURE": Cause.INVALID_SIGNATURE,
}
_UNSAID: Final = "FINISH_REASON_UNSPECIFIED"
_NUMBERS: Final = (_UNSAID, "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")  # enums, where asked for as numbers
_ID_CHARS: Final = 24


class FunctionCall(msgspec.Struct, frozen=True, rename="camel"):
    """A call, whole or as a piece of one."""

    name: str = ""
    id: str = ""
    args: msgspec.Raw = msgspec.Raw()
    partial_args: list[PartialArgument] | None = None
    will_continue: bool = False


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """A part; one of an unknown kind has none of these."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: FunctionCall | None = None


class Content(msgspec.Struct, frozen=True):
    """What one candidate says."""

    parts: list[msgspec.Raw] | None = None


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """One of the answers, or a piece of it."""

    index: int = 0
    content: Content | None = None
    finish_reason: str | int | None = None
    finish_message: str | None = None


class Feedback(msgspec.Struct, frozen=True, rename="camel"):
    """Why the prompt was not answered at all."""

    block_reason: str | int | None = None
    block_reason_message: str | None = None


class Chunk(msgspec.Struct, frozen=True, rename="camel"):
    """A whole answer, or a piece of a stream: the shape is the same."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Counts | None = None
    model_version: str = ""
    response_id: str = ""
    error: msgspec.Raw = msgspec.Raw()


_CHUNK: Final = msgspec.json.Decoder(Chunk)
_CHUNKS: Final = msgspec.json.Decoder(Chunk | list[Chunk])
_PART: Final = msgspec.json.Decoder(Part)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _OpenCall:
    """A call whose arguments are still arriving."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.arguments: dict[str, object] = {}


class _Answer:
    """What both decoders know of one answer: numbers of calls and thoughts, counts, the end."""

    def __init__(self, made_by: str) -> None:
        self.made_by = made_by
        self.started = False
        self.id = ""
        self.calls: dict[int, int] = {}
        self.open_calls: dict[int, _OpenCall] = {}
        self.thoughts = 0
        self.in_thought = False
        self.counts = Counts()
        self.finished: set[int] = set()
        self.failed = False
        self.broken: Failure | None = None  # how the model itself ended the answer, if it broke it

    def take(self, chunk: Chunk, raw: bytes) -> list[StreamEvent]:
        """The events of one piece. ``raw`` is its bytes, for an error in it."""
        if chunk.error and bytes(chunk.error) != b"null":
            return self.fail(in_band(raw))
        events: list[StreamEvent] = []
        if not self.started:
            self.started = True
            self.id = chunk.response_id
            events.append(Started(chunk.response_id, chunk.model_version))
        for candidate in chunk.candidates or ():
            events += self._candidate(candidate)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason and not (chunk.candidates or self.finished):
            words = feedback.block_reason_message or f"The prompt was blocked: {feedback.block_reason}"
            self.finished.add(0)
            events.append(Finished("content_filter", refusal=words))
        if chunk.usage_metadata is not None:
            self.counts = replaced(self.counts, chunk.usage_metadata)
            if self.counts != Counts():
                events.append(UsageSeen(read_usage(self.counts), final=bool(self.finished)))
        # The counts come first: nothing is heard after a failure, and what was said may still be all there is.
        return events if self.broken is None else events + self.fail(self.broken)

    def fail(self, failure: Failure) -> list[StreamEvent]:
        """The attempt is over. After the finish nothing can fail."""
        self.failed = True
        return [] if self.finished else [UpstreamError(failure)]

    def finish_calls(self) -> list[StreamEvent]:
        """The end that no finish reason told: complete calls are worth keeping."""
        if self.finished or not self.calls or self.open_calls:
            return []
        self.finished |= self.calls.keys()
        return [Finished("tool_calls", choice=choice) for choice in sorted(self.calls)]

    def _candidate(self, candidate: Candidate) -> list[StreamEvent]:
        choice = candidate.index
        if choice in self.finished:
            return []
        events: list[StreamEvent] = []
        for raw in (candidate.content.parts if candidate.content is not None else None) or ():
            events += self._part(bytes(raw), choice)
        reason = candidate.finish_reason
        if isinstance(reason, int):
            reason = _NUMBERS[reason] if reason < len(_NUMBERS) else "OTHER"
        if reason and reason != _UNSAID:
            events += self._finish(reason, candidate)
        return events

    def _finish(self, reason: str, candidate: Candidate) -> list[StreamEvent]:
        choice = candidate.index
        if reason in _BROKEN:
            cause = _BROKEN[reason]
            fix = Fix.DROP_THINKING if cause is Cause.INVALID_SIGNATURE else None
            self.broken = Failure(cause, f"the model's answer ended with {reason}", fix=fix)
            return []
        self.finished.add(choice)
        mapped = _REASONS.get(reason)
        ended: list[StreamEvent] = []
        if mapped is None:
            ended = self._close(choice)
            mapped = "tool_calls" if choice in self.calls else "stop"
        refusal = candidate.finish_message if mapped == "content_filter" else None
        return [*ended, Finished(mapped, choice=choice, refusal=refusal)]

    def _part(self, raw: bytes, choice: int) -> list[StreamEvent]:
        part = _PART.decode(raw)
        if part.function_call is not None:
            return self._call(part.function_call, part.thought_signature, choice)
        if part.text is None and not part.thought:
            is_signature = bool(part.thought_signature) and set(msgspec.json.decode(raw)) == {"thoughtSignature"}
            return self._signed(part, choice) if is_signature else [Opaque(DIALECT, raw, choice)]
        if not part.thought:
            said: list[StreamEvent] = [TextDelta(part.text, choice)] if part.text else []
            self.in_thought = self.in_thought and not said
            return [*said, *self._signed(part, choice)]
        thought: list[StreamEvent] = []
        if part.text and choice == 0:
            self.thoughts += not self.in_thought
            self.in_thought = True
            thought = [ThinkingDelta(part.text, index=self.thoughts - 1, format=self.made_by)]
        return [*thought, *self._signed(part, choice)]

    def _signed(self, part: Part, choice: int, call_id: str = "") -> list[StreamEvent]:
        """The signature of a part: an opaque thought of its own, by the id of its call."""
        if not part.thought_signature or choice:
            return []
        self.in_thought = False
        self.thoughts += 1
        return [
            ThinkingDelta(redacted=part.thought_signature, index=self.thoughts - 1, format=self.made_by, id=call_id)
        ]

    def _call(self, call: FunctionCall, signature: str | None, choice: int) -> list[StreamEvent]:
        """A call, or a piece of one: a piece without a name continues the last."""
        self.in_thought = False
        opened: list[StreamEvent] = []
        current = self.open_calls.get(choice)
        if call.name or current is None:
            opened = self._close(choice)
            number = self.calls.get(choice, 0)
            self.calls[choice] = number + 1
            current = self.open_calls[choice] = _OpenCall(number)
            call_id = call.id or self._call_id(choice, number)
            opened += self._signed(Part(thought_signature=signature), choice, call_id)
            opened.append(ToolCallDelta(number, call_id, call.name, choice=choice))
        for piece in call.partial_args or ():
            add(current.arguments, piece)
        whole = bytes(call.args)
        if whole and whole != b"null":
            del self.open_calls[choice]
            return [*opened, ToolCallDelta(current.number, arguments=whole.decode(), choice=choice)]
        return opened if call.will_continue else [*opened, *self._close(choice)]

    def _close(self, choice: int) -> list[StreamEvent]:
        call = self.open_calls.pop(choice, None)
        if call is None:
            return []
        arguments = msgspec.json.encode(call.arguments).decode()
        return [ToolCallDelta(call.number, arguments=arguments, choice=choice)]

    def _call_id(self, choice: int, number: int) -> str:
        """The name of a call that came without: made from the answer's own id, so it is new in every answer."""
        if not self.id:
            return ""
        digest = hashlib.sha256(f"{self.id}/{choice}/{number}".encode("utf-8", "surrogatepass")).digest()
        return "call_" + base62(int.from_bytes(digest, "big"), _ID_CHARS)


class StreamDecoder:
    """A ``text/event-stream`` body. The end is known by the finish reason: what fails after it no longer matters."""

    def __init__(self, made_by: str) -> None:
        self._framer = Framer()
        self._answer = _Answer(made_by)

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that these bytes complete; after an UpstreamError nothing more comes."""
        events: list[StreamEvent] = []
        try:
            for frame in [] if self._answer.failed else self._framer.feed(chunk):
                events += self._read(frame.data)
        except EventTooLarge as error:
            events += self._answer.fail(Failure(Cause.ANSWER_TOO_LARGE, str(error)))
        return events

    def eof(self) -> list[StreamEvent]:
        """The end of the body: of an unfinished answer only complete calls are worth keeping."""
        answer = self._answer
        events: list[StreamEvent] = []
        for frame in [] if answer.failed else self._framer.eof():
            events += self._read(frame.data)
        if answer.failed or answer.finished:
            return events
        stray = self._framer.stray
        if stray.lstrip().startswith((b"{", b"[")):  # an error is written into the stream as it is, without `data:`
            return events + answer.fail(in_band(stray))
        return events + (
            answer.finish_calls() or answer.fail(Failure(Cause.CUT, "the stream ended without a finish reason"))
        )

    def _read(self, frame: bytes) -> list[StreamEvent]:
        answer = self._answer
        if answer.failed or frame == b"[DONE]":  # some proxies say so
            return []
        try:
            return answer.take(_CHUNK.decode(frame), frame)
        except _UNREADABLE as error:
            return answer.fail(Failure(Cause.MALFORMED_STREAM, f"an event is not what it should be: {error}"))


class WholeDecoder:
    """An ``application/json`` body, decoded when it is complete: one answer, or the list of a stream's pieces."""

    def __init__(self, made_by: str) -> None:
        self._pieces: list[bytes] = []
        self._made_by = made_by

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Keep the bytes: nothing is known before the end. The caller bounds how many there are."""
        self._pieces.append(chunk)
        return []

    def eof(self) -> list[StreamEvent]:
        """The whole answer; ``UpstreamError(not_an_answer)`` for anything but an answer."""
        body = b"".join(self._pieces)
        answer = _Answer(self._made_by)
        try:
            decoded = _CHUNKS.decode(body)
            chunks = decoded if isinstance(decoded, list) else [decoded]
            events = _all(answer, chunks, body)
        except _UNREADABLE as error:
            return answer.fail(Failure(Cause.NOT_AN_ANSWER, f"the body is no answer: {error}"))
        if answer.failed or answer.finished:
            return events
        if not any(chunk.candidates for chunk in chunks):
            return events + answer.fail(Failure(Cause.NOT_AN_ANSWER, "the body is no answer: it has no candidates"))
        if calls := answer.finish_calls():
            return events + calls
        if isinstance(decoded, list):
            return events + answer.fail(Failure(Cause.CUT, "the answer ended without a finish reason"))
        return [*events, Finished("stop"), UsageSeen(read_usage(answer.counts), final=True)]


def _all(answer: _Answer, chunks: Iterable[Chunk], body: bytes) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    for chunk in chunks:
        if not answer.failed:
            events += answer.take(chunk, body)
    return events
