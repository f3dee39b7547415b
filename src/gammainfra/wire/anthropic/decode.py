"""An Anthropic answer, streamed or whole, as the gateway's events.

It decides what each block and event means: text, thinking, calls to the client's tools, counts, the end. Server-side
tools, citations and kinds of blocks that it does not know become Opaque (``content_block_*`` events as received) and
never a call. Shapes: https://platform.claude.com/docs/en/build-with-claude/streaming and .../api/messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from gammainfra.domain.failure import Cause, Failure
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
from gammainfra.wire.anthropic.blocks import DIALECT, THINKING_FORMAT
from gammainfra.wire.anthropic.errors import in_band
from gammainfra.wire.anthropic.usage import Counts, read_usage, replaced
from gammainfra.wire.sse import EventTooLarge, Framer

_NONE: Final = msgspec.Raw()  # the default of raw fields: absent, and compared by identity

# ``pause_turn`` asks to be continued with the same content, which only a client of this dialect can do.
_NATIVE: Final = frozenset({"pause_turn", "model_context_window_exceeded"})
_REASONS: Final[dict[str, FinishReason]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class StopDetails(msgspec.Struct, frozen=True):
    """Why the model refused."""

    explanation: str | None = None


class Caller(msgspec.Struct, frozen=True):
    """Who made a call: the model itself, or code that it runs at the provider (``tool_id`` is that run's)."""

    type: str = "direct"
    tool_id: str = ""


class Block(msgspec.Struct, frozen=True):
    """A content block, whole or as it starts."""

    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    input: msgspec.Raw = msgspec.Raw()
    caller: Caller | None = None
    tool_use_id: str | None = None
    citations: list[msgspec.Raw] | None = None


class Message(msgspec.Struct, frozen=True):
    """A whole answer, or what ``message_start`` says of it."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    usage: Counts | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    container: msgspec.Raw = _NONE
    context_management: msgspec.Raw = _NONE


class Delta(msgspec.Struct, frozen=True):
    """The ``delta`` of a block or of the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    container: msgspec.Raw = _NONE


class Event(msgspec.Struct, frozen=True):
    """Any event of the stream; which fields it has follows from its type."""

    type: str = ""
    index: int | None = None
    message: Message | None = None
    content_block: msgspec.Raw = msgspec.Raw()
    delta: Delta | None = None
    usage: Counts | None = None
    context_management: msgspec.Raw = _NONE


_EVENT: Final = msgspec.json.Decoder(Event)
_BLOCK: Final = msgspec.json.Decoder(Block)
_MESSAGE: Final = msgspec.json.Decoder(Message)
_STOP: Final = b'{"type":"content_block_stop","index":%d}'
CALLED: Final = "gammainfra_called"  # no event of Anthropic's: who made the call that follows


class _OpenCall(msgspec.Struct):
    """A call whose block has not ended: its number, the input its start named, whether pieces came."""

    number: int
    input: bytes
    has_pieces: bool = False


class _OpenThought(msgspec.Struct):
    """A thinking block that has not ended. Its signature leaves with its end: a part of one is refused on return."""

    number: int
    signature: str = ""


class _Waiting(msgspec.Struct):
    """A call that code at the provider made (``run`` is its id). Whether the client has to answer it is known when

    the run's result comes, which says that it was answered, or when the answer ends before that.
    """

    run: str
    call: list[StreamEvent]
    settled: list[StreamEvent]
    is_open: bool = True


class _Answer:
    """What both decoders know of one answer: numbers of calls and thinking blocks, counts, the end."""

    def __init__(self) -> None:
        self.calls = 0
        self.n_settled = 0
        self.thoughts = 0
        self.counts = Counts()
        self.finished = False
        self.open_calls: dict[int | None, _OpenCall] = {}
        self.open_thoughts: dict[int | None, _OpenThought] = {}
        self.waiting: dict[int | None, _Waiting] = {}
        self.opaque: set[int | None] = set()
        self.after_text = False

    @property
    def has_calls(self) -> bool:
        """Whether the client has calls to carry out."""
        return self.calls > self.n_settled

    def start(self, message: Message) -> list[StreamEvent]:
        events: list[StreamEvent] = [Started(message.id or "", message.model or "")]
        if message.usage is not None:
            self.counts = replaced(self.counts, message.usage)
        return events

    def open(self, index: int | None, raw: bytes, event: bytes) -> list[StreamEvent]:
        """A block begins, with what it holds already; ``event`` is the whole ``content_block_start``.

        Text that follows text, or that cites, is a block of its own to clients of this dialect.
        """
        block = _BLOCK.decode(raw)
        if block.type != "text":
            self.after_text = False
        settled = self._settled(block.tool_use_id) if block.tool_use_id else []
        return [*settled, *self._open(index, block, event)]

    def _open(self, index: int | None, block: Block, event: bytes) -> list[StreamEvent]:
        match block.type:
            case "text":
                begun: list[StreamEvent] = [Opaque(DIALECT, event)] if self.after_text or block.citations else []
                self.after_text = True
                return [*begun, TextDelta(block.text)] if block.text else begun
            case "thinking" | "redacted_thinking":
                thought = self.open_thoughts[index] = _OpenThought(self.thoughts, block.signature or "")
                self.thoughts += 1
                return _thinking(thought.number, block.thinking, None, block.data)
            case "tool_use":
                self.open_calls[index] = _OpenCall(self.calls, _named_input(block.input))
                self.calls += 1
                begun = [ToolCallDelta(self.calls - 1, block.id or "", block.name or "")]
                if block.caller is None or not block.caller.tool_id:
                    return begun
                self.waiting[index] = _Waiting(block.caller.tool_id, [_called(block), *begun], [Opaque(DIALECT, event)])
                return []
            case _:
                self.opaque.add(index)
                return [Opaque(DIALECT, event)]

    def piece(self, index: int | None, delta: Delta, event: bytes) -> list[StreamEvent]:
        """A piece of an open block."""
        if index in self.opaque:
            return [Opaque(DIALECT, event)]
        match delta.type:
            case "text_delta":
                return [TextDelta(delta.text)] if delta.text else []
            case "thinking_delta" | "signature_delta":
                thought = self.open_thoughts.setdefault(index, _OpenThought(self.thoughts))
                thought.signature += delta.signature or ""
                return _thinking(thought.number, delta.thinking, None, None)
            case "input_json_delta":
                call = self.open_calls.get(index)
                if call is None or not delta.partial_json:
                    return []
                call.has_pieces = True
                return self._argue(index, [ToolCallDelta(call.number, arguments=delta.partial_json)], event)
            case _:
                return [Opaque(DIALECT, event)]

    def close(self, index: int | None, event: bytes) -> list[StreamEvent]:
        """A block ends: a call without a piece of arguments gets the input it began with."""
        if index in self.opaque:
            self.opaque.discard(index)
            return [Opaque(DIALECT, event)]
        thought = self.open_thoughts.pop(index, None)
        if thought is not None:
            return _thinking(thought.number, None, thought.signature, None)
        call = self.open_calls.pop(index, None)
        if call is None:
            return []
        said: list[StreamEvent] = []
        if not call.has_pieces:
            said = [ToolCallDelta(call.number, arguments=call.input.decode())]
        return self._argue(index, said, event, ends=True)

    def _argue(
        self, index: int | None, said: list[StreamEvent], event: bytes, *, ends: bool = False
    ) -> list[StreamEvent]:
        """A piece of a call's arguments: told, or kept where it waits."""
        waiting = self.waiting.get(index)
        if waiting is None or not waiting.is_open:
            return said
        waiting.call += said
        waiting.settled.append(Opaque(DIALECT, event))
        waiting.is_open = not ends
        return []

    def _settled(self, run: str) -> list[StreamEvent]:
        """The calls of a run whose result is here: answered already, so nobody has to carry them out."""
        over = [index for index, waiting in self.waiting.items() if waiting.run == run]
        self.n_settled += len(over)
        return [event for index in over for event in self.waiting.pop(index).settled]

    def count(self, usage: Counts | None, *, final: bool) -> list[StreamEvent]:
        """What was counted so far; nothing when the host never counted: then the gateway estimates."""
        if usage is not None:
            self.counts = replaced(self.counts, usage)
        return [] if self.counts == Counts() else [UsageSeen(read_usage(self.counts), final)]

    def finish(
        self, reason: str | None, sequence: str | None, details: StopDetails | None, fields: bytes = b""
    ) -> list[StreamEvent]:
        """The orderly end; calls whose block never ended are ended here unless the token limit cut them."""
        self.finished = True
        ended: list[StreamEvent] = []
        mapped = _REASONS.get(reason or "")
        if mapped is None:
            ended = [event for index in self._unended() for event in self.close(index, _STOP % (index or 0))]
            mapped = "tool_calls" if self.has_calls else "stop"
        refusal = details.explanation if details is not None and mapped == "content_filter" else None
        native = reason if reason in _NATIVE else None
        ended += [event for waiting in self.waiting.values() for event in waiting.call]
        return [*ended, Finished(mapped, sequence, refusal=refusal, native=native, native_fields=fields)]

    def _unended(self) -> list[int | None]:
        return [*self.open_thoughts, *self.open_calls]


class StreamDecoder:
    """A ``text/event-stream`` body. The end is known at ``message_delta``: what fails after it no longer matters."""

    def __init__(self) -> None:
        self._framer = Framer()
        self._answer = _Answer()
        self._spent = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that these bytes complete; after an UpstreamError nothing more comes."""
        events: list[StreamEvent] = []
        try:
            for frame in [] if self._spent else self._framer.feed(chunk):
                self._read(frame.data, events)
        except EventTooLarge as error:
            self._fail(Cause.ANSWER_TOO_LARGE, str(error), events)
        return events

    def eof(self) -> list[StreamEvent]:
        """The end of the body: of an unfinished answer only complete calls are worth keeping."""
        events: list[StreamEvent] = []
        for frame in [] if self._spent else self._framer.eof():
            self._read(frame.data, events)
        answer = self._answer
        if self._spent or answer.finished:
            return events
        if answer.has_calls and not answer.open_calls:
            return events + answer.finish(None, None, None)  # no final count: the gateway estimates what is missing
        self._fail(Cause.CUT, "the stream ended without message_stop", events)
        return events

    def _read(self, data: bytes, events: list[StreamEvent]) -> None:
        if self._spent or data == b"[DONE]":  # some compatible hosts say so
            return
        try:
            events += self._events(_EVENT.decode(data), data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(Cause.MALFORMED_STREAM, f"an event is not what it should be: {error}", events)

    def _events(self, event: Event, data: bytes) -> list[StreamEvent]:
        answer = self._answer
        match event.type:
            case "message_delta" if event.delta is not None:
                return self._message_delta(event, event.delta)
            case "message_stop" if not answer.finished:
                return [*answer.finish(None, None, None), *answer.count(None, final=True)]
            case _ if answer.finished:
                return []
            case "content_block_delta" if event.delta is not None:
                return answer.piece(event.index, event.delta, data)
            case "content_block_start":
                return answer.open(event.index, bytes(event.content_block), data)
            case "content_block_stop":
                return answer.close(event.index, data)
            case "message_start" if event.message is not None:
                return [*answer.start(event.message), *answer.count(None, final=False)]
            case "error":
                self._spent = True
                return [UpstreamError(in_band(data))]
            case _:
                return []  # ping, and events of a later day

    def _message_delta(self, event: Event, delta: Delta) -> list[StreamEvent]:
        answer = self._answer
        events: list[StreamEvent] = []
        if delta.stop_reason and not answer.finished:
            fields = _native_fields(delta.container, event.context_management)
            events = answer.finish(delta.stop_reason, delta.stop_sequence, delta.stop_details, fields)
        return [*events, *answer.count(event.usage, final=answer.finished)]

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
        """The whole answer; ``UpstreamError(not_an_answer)`` for anything but a message."""
        body = b"".join(self._pieces)
        try:
            message = _MESSAGE.decode(body)
            if message.type == "error":
                return [UpstreamError(in_band(body))]
            if message.type != "message" or message.content is None:
                return [UpstreamError(Failure(Cause.NOT_AN_ANSWER, "the body is no message"))]
            return list(_whole(message, message.content))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [UpstreamError(Failure(Cause.NOT_AN_ANSWER, f"the body is no message: {error}"))]


def _whole(message: Message, content: list[msgspec.Raw]) -> Iterator[StreamEvent]:
    answer = _Answer()
    yield from answer.start(message)
    for index, raw in enumerate(content):
        place = b'"index":%d' % index
        start = b'{"type":"content_block_start",%s,"content_block":%s}' % (place, bytes(raw))
        yield from answer.open(index, bytes(raw), start)
        yield from answer.close(index, _STOP % index)
    fields = _native_fields(message.container, message.context_management)
    yield from answer.finish(message.stop_reason, message.stop_sequence, message.stop_details, fields)
    yield from answer.count(None, final=True)


def _thinking(number: int, text: str | None, signature: str | None, redacted: str | None) -> list[StreamEvent]:
    if not (text or signature or redacted):
        return []
    return [ThinkingDelta(text or "", signature or "", redacted or "", number, THINKING_FORMAT)]


def _called(block: Block) -> Opaque:
    """Who made a call, for clients of this dialect: they have to send it back with the call."""
    return Opaque(DIALECT, msgspec.json.encode({"type": CALLED, "id": block.id, "caller": block.caller}))


def _native_fields(container: msgspec.Raw, edits: msgspec.Raw) -> bytes:
    """What else the end says: the container that code ran in, and what the API took out of the context."""
    said = {"container": container, "context_management": edits}
    given = {name: raw for name, raw in said.items() if bytes(raw) not in {b"", b"null"}}
    return msgspec.json.encode(given) if given else b""


def _named_input(raw: msgspec.Raw) -> bytes:
    named = bytes(raw)
    return b"{}" if named in {b"", b"null"} else named
