"""Decodes answers of OpenAI-compatible hosts, streamed or whole, into stream events; it believes the terminal event.

It decides what each chunk means and when an answer is finished: at its ``finish_reason``; at ``[DONE]`` without one
when there is text or every call is complete; at an orderly end of the body when every call is complete.
Anything else that ends is UpstreamError. It never judges arguments of a finished call, and never mints ids.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.stream import (
    Finished,
    FinishReason,
    Opaque,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.domain.usage import Usage
from gammainfra.wire.lenient import NONE, decode
from gammainfra.wire.openai_chat.calls import Calls
from gammainfra.wire.openai_chat.chunk import OPAQUE_DELTA, CallDelta, Choice, Chunk, Delta, read_chunk
from gammainfra.wire.openai_chat.read_messages import thinking_text
from gammainfra.wire.openai_chat.thinking import from_detail, signature_of_call
from gammainfra.wire.openai_chat.usage import read_usage
from gammainfra.wire.openai_failure import Told, classify, read_told
from gammainfra.wire.sse import Event, EventTooLarge, Framer

_DIALECT: Final = "openai_chat"
_ANY: Final = msgspec.json.Decoder()
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
_EMPTY: Final = (b"", b"null", b"[]", b'""', b"{}")

_FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "refusal": "content_filter",
}
_FAILED: Final = {
    "insufficient_system_resource": Cause.OVERLOADED,
    "engine_overloaded": Cause.OVERLOADED,
    "error": Cause.IN_BAND_ERROR,
    "network_error": Cause.SERVER_ERROR,
    "abort": Cause.CUT,
    "malformed_function_call": Cause.BAD_TOOL_CALL,
}


class _Answer:
    """One choice of the answer while it is being told."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = Calls(number)
        self.has_text = False
        self.finished = False
        self.custom_calls = False
        self.refusal = ""
        self.blocks: dict[tuple[str, object], int] = {}

    def block(self, kind: str, index: object) -> int:
        """The number of the thinking block that a host calls ``index``; opaque ones count apart from readable ones."""
        return self.blocks.setdefault((kind, index), len(self.blocks))


class ChatDecoder:
    """One attempt's answer. The first byte tells a stream from a body, whatever was asked for."""

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._framer = Framer()
        self._body: list[bytes] | None = None  # pieces, when the answer turned out to be one JSON body
        self._n_bytes = 0
        self._held = b""  # the first bytes, while they may still be a byte order mark
        self._answers: dict[int, _Answer] = {}
        self._started = False
        self._spent = False
        self._usage: Usage | None = None
        self._usage_final = False
        self._citations = b""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that these bytes complete, in order; none after UpstreamError or the end marker."""
        if self._spent:
            return []
        begins = self._n_bytes == 0
        if begins:
            chunk = (self._held + chunk).lstrip(_BLANK)
            self._held = chunk if len(chunk) < len(_BOM) and _BOM.startswith(chunk) else b""
            if self._held:
                return []
            chunk = chunk.removeprefix(_BOM).lstrip(_BLANK)
        self._n_bytes += len(chunk)
        if self._n_bytes > limits.ANSWER_BYTES:
            return self._fail(Cause.ANSWER_TOO_LARGE, f"the answer is larger than {limits.ANSWER_BYTES} bytes")
        if begins and chunk[:1] in (b"{", b"[", b"<"):
            self._body = []
        if self._body is not None:
            self._body.append(chunk)
            return []
        try:
            return self._read(self._framer.feed(chunk))
        except EventTooLarge as error:
            return self._fail(Cause.MALFORMED_STREAM, str(error))

    def eof(self) -> list[StreamEvent]:
        """The orderly end of the body."""
        if self._spent:
            return []
        if self._body is not None:
            return self._read_whole(b"".join(self._body))
        events = self._read(self._framer.eof())
        return events + self._end_without_marker()

    def _end_without_marker(self) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if self._spent:
            return events
        if not self._started:
            cause = Cause.NOT_AN_ANSWER if self._n_bytes and not self._streamed else Cause.CUT
            return self._fail(cause, "the provider's answer ended before it began")
        for answer in self._answers.values():
            if not answer.finished and not self._finish_by_calls(answer, events):
                return events + self._fail(Cause.CUT, "the provider's answer ended without its terminal event")
        if not self._answers:
            return self._fail(Cause.CUT, "the provider's answer ended without its terminal event")
        self._end(events)
        return events

    def _fail(self, cause: Cause, message: str) -> list[StreamEvent]:
        self._spent = True
        return [UpstreamError(Failure(cause, message))]

    def _fail_as(self, told: Told) -> StreamEvent:
        self._spent = True
        return UpstreamError(classify(told, None))

    def _read(self, frames: list[Event]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for frame in frames:
            if frame.data[:6] == b"[DONE]":  # some hosts write a blank behind it
                self._done(events)
            elif frame.data:
                self._read_chunk(frame, events)
            if self._spent:
                return events
        return events

    def _read_chunk(self, frame: Event, events: list[StreamEvent]) -> None:
        try:
            chunk = read_chunk(frame.data)
        except (ValueError, RecursionError):
            chunk = None
        if chunk is None:
            events += self._fail(Cause.MALFORMED_STREAM, "the provider sent an event that is not a JSON object")
            return
        if chunk.choices is None or chunk.error is not NONE or frame.event == "error":
            told = read_told(decode(frame.data, _ANY))
            if told is not None:
                events.append(self._fail_as(told))
                return
        self._tell(chunk, events, whole=False)

    def _read_whole(self, body: bytes) -> list[StreamEvent]:
        try:
            chunk = read_chunk(body)
        except (ValueError, RecursionError) as error:
            if body.startswith(b"{") and "truncated" in str(error):
                return self._fail(Cause.CUT, "the provider's answer ended in the middle of its JSON")
            return self._fail(Cause.NOT_AN_ANSWER, "the provider's answer is not JSON")
        loose = decode(body, _ANY) if chunk is None or not chunk.choices else None
        if chunk is None or not chunk.choices:
            told = read_told(loose)
            if told is not None:
                return [self._fail_as(told)]
            return self._fail(Cause.NOT_AN_ANSWER, "the provider's answer holds no choices")
        events: list[StreamEvent] = []
        self._tell(chunk, events, whole=True)
        if self._spent:
            return events
        for answer in self._answers.values():
            if not answer.finished:
                self._finish(answer, "stop", events)
        self._end(events)
        return events

    def _tell(self, chunk: Chunk, events: list[StreamEvent], *, whole: bool) -> None:
        if not self._started:
            self._started = True
            events.append(Started(chunk.id or "", chunk.model or ""))
        finished_before = bool(self._answers) and all(one.finished for one in self._answers.values())
        if chunk.citations is not NONE and bytes(chunk.citations) not in (self._citations, *_EMPTY):
            self._citations = bytes(chunk.citations)
            events.append(Opaque(_DIALECT, b'{"top":{"citations":' + self._citations + b"}}"))
        for choice in chunk.choices or ():
            self._tell_choice(choice, events, whole=whole)
            if self._spent:
                return
        usage = chunk.usage
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.get("usage")
        if usage is None:
            return
        read = read_usage(usage)
        if read is not None:
            self._usage, self._usage_final = read, finished_before
            events.append(UsageSeen(read, final=finished_before))

    def _tell_choice(self, choice: Choice, events: list[StreamEvent], *, whole: bool) -> None:
        answer = self._answers.get(choice.index)
        if answer is None:
            answer = self._answers[choice.index] = _Answer(choice.index)
        if answer.finished:
            return
        # Some hosts send both: in a stream the message repeats what the deltas said, in a body the delta is empty.
        first, second = (choice.message, choice.delta) if whole else (choice.delta, choice.message)
        delta = second if first is None else first
        if delta is not None:
            self._tell_delta(answer, delta, events, whole=whole)
        elif choice.text:
            self._tell_text(answer, choice.text, events)
        if choice.logprobs is not NONE and bytes(choice.logprobs) not in _EMPTY:
            raw = b'{"choice":{"logprobs":' + bytes(choice.logprobs) + b"}}"
            events.append(Opaque(_DIALECT, raw, answer.number))
        if choice.finish_reason:
            self._finish(answer, choice.finish_reason, events)

    def _tell_delta(self, answer: _Answer, delta: Delta, events: list[StreamEvent], *, whole: bool) -> None:
        if delta.reasoning_details or delta.reasoning_content or delta.reasoning:
            self._tell_thinking(answer, delta, events)
        content = delta.content
        if content:
            if isinstance(content, str):
                self._tell_text(answer, content, events)
            else:
                self._tell_parts(answer, content, events)
        for call in delta.tool_calls or ():
            self._tell_call(answer, call, events, whole=whole)
        if delta.function_call is not None:
            self._tell_call(answer, CallDelta(function=delta.function_call), events, whole=whole)
        for name in OPAQUE_DELTA:
            raw: Raw = getattr(delta, name)
            if raw is not NONE and bytes(raw) not in _EMPTY:
                piece = b'{"delta":{"' + name.encode() + b'":' + bytes(raw) + b"}}"
                events.append(Opaque(_DIALECT, piece, answer.number))
                answer.has_text = answer.has_text or name in {"refusal", "audio", "images"}
                if name == "refusal":
                    answer.refusal += str(_ANY.decode(raw))

    def _tell_text(self, answer: _Answer, text: str, events: list[StreamEvent]) -> None:
        answer.has_text = True
        events.append(TextDelta(text, answer.number))

    def _tell_parts(self, answer: _Answer, parts: list[Any], events: list[StreamEvent]) -> None:
        """Content as a list of parts: text, and Mistral's thinking."""
        for part in parts:
            match part:
                case str(text) if text:
                    self._tell_text(answer, text, events)
                case {"type": "text", "text": str(text)} if text:
                    self._tell_text(answer, text, events)
                case {"type": "thinking", "thinking": thinking}:
                    thought = thinking_text(thinking)
                    if thought:
                        events.append(ThinkingDelta(thought, index=answer.block("readable", 0)))
                case _:
                    pass

    def _tell_thinking(self, answer: _Answer, delta: Delta, events: list[StreamEvent]) -> None:
        """Reasoning in one of its fields: the details say it all, the plain fields only repeat their text."""
        if answer.number:
            return  # a thought has no choice to belong to: only the first answer's is told
        thoughts: list[ThinkingDelta] = []
        for detail in delta.reasoning_details or ():
            thought = from_detail(detail) if isinstance(detail, dict) else None
            if thought is None or not (thought.text or thought.signature or thought.redacted):
                continue
            index = detail.get("index")
            index = index if isinstance(index, int) else 0
            kind, key = ("opaque", (index, thought.id)) if thought.redacted else ("readable", index)
            block = answer.block(kind, key)
            thoughts.append(
                ThinkingDelta(thought.text, thought.signature, thought.redacted, block, thought.format, thought.id)
            )
        plain = delta.reasoning_content or delta.reasoning
        if plain and not any(thought.text for thought in thoughts):
            events.append(ThinkingDelta(plain, index=answer.block("readable", 0)))
        events += thoughts

    def _tell_call(self, answer: _Answer, call: CallDelta, events: list[StreamEvent], *, whole: bool) -> None:
        if call.custom is not NONE:
            answer.custom_calls = True
            shown = {"index": call.index or 0, "id": call.id, "type": "custom", "custom": call.custom}
            piece = msgspec.json.encode({"delta": {"tool_calls": [shown]}})
            events.append(Opaque(_DIALECT, piece, answer.number))
            return
        if call.extra_content is not None:
            signed = signature_of_call({"id": call.id, "extra_content": call.extra_content})
            if signed is not None:
                block = answer.block("opaque", ("call", signed.signature))
                events.append(
                    ThinkingDelta(signature=signed.signature, index=block, format=signed.format, id=signed.id)
                )
        event = answer.calls.add(call, whole=whole)
        if event is not None:
            events.append(event)

    def _finish(self, answer: _Answer, said: str, events: list[StreamEvent]) -> None:
        """End one choice as the provider said. Calls decide over the word for them, in both directions."""
        failed = _FAILED.get(said.lower())
        if failed is not None:
            events += self._fail(failed, f"the provider ended its answer with {said[:40]!r}")
            return
        reason = _FINISH.get(said.lower(), "stop")
        has_calls = bool(answer.calls.slots) or answer.custom_calls
        if reason == "stop" and has_calls:
            reason = "tool_calls"
        elif reason == "tool_calls" and not has_calls:
            reason = "stop"
        if reason == "tool_calls" and not all(slot.told for slot in answer.calls.slots):
            events += self._fail(Cause.BAD_TOOL_CALL, "the provider sent a tool call without a name")
            return
        answer.finished = True
        events.append(Finished(reason, choice=answer.number, refusal=answer.refusal or None))

    def _finish_by_calls(self, answer: _Answer, events: list[StreamEvent]) -> bool:
        """Salvage an orderly end that lacks its finish: it is one when there are calls and all are complete."""
        slots = answer.calls.slots
        if not slots or not all(slot.is_complete() for slot in slots):
            return False
        self._finish(answer, "tool_calls", events)
        return True

    def _done(self, events: list[StreamEvent]) -> None:
        """The end marker: with it, text without a finish is complete, too."""
        for answer in self._answers.values():
            if answer.finished or self._finish_by_calls(answer, events):
                continue
            if answer.calls.slots:
                events += self._fail(Cause.CUT, "the provider's answer ended inside a tool call")
                return
            if not (answer.has_text or answer.custom_calls):
                events += self._fail(Cause.EMPTY_ANSWER, "the provider's answer is empty")
                return
            self._finish(answer, "stop", events)
        if not self._answers:
            events += self._fail(Cause.EMPTY_ANSWER, "the provider's answer is empty")
            return
        self._end(events)

    def _end(self, events: list[StreamEvent]) -> None:
        self._spent = True
        if self._usage is not None and not self._usage_final:
            events.append(UsageSeen(self._usage, final=True))
