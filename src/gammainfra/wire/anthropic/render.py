"""Renders an answer as Messages events or as one message, for Anthropic's SDKs and Claude Code (contract section 4).

One renderer per client: it owns the message id, the model string and the block numbers, so what it is fed may come
from several attempts. It decides only how things look; the money and the facts arrive finished in Closing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, assert_never

import msgspec
from msgspec import Raw

from gammainfra.domain.bill import Bill, Closing
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.stream import Finished, StreamEvent, TextDelta
from gammainfra.domain.usage import Usage
from gammainfra.wire.anthropic.refusals import write_error
from gammainfra.wire.anthropic.scribe import Event, Scribe, folded
from gammainfra.wire.cost import cost_fields

_encode = msgspec.json.Encoder().encode
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_TEXT_END: Final = b"}}\n\n"


class MessagesRenderer:
    """One answer for one client. ``answer_id`` is the generation id, ``model`` the name that the client sees."""

    def __init__(self, sketch: Sketch, *, answer_id: str, model: str) -> None:
        self.content_type = "text/event-stream; charset=utf-8" if sketch.stream else "application/json"
        self._answer_id = answer_id
        self._model = model
        self._scribe = Scribe()
        self._begun = False
        self._text_block: int | None = None
        self._text_start = b""

    def render(self, events: Iterable[StreamEvent]) -> bytes:
        """The bytes for live events: text, thinking, opaque."""
        out: list[bytes] = []
        if not self._begun:
            self._begun = True
            out.append(_frame({"type": "message_start", "message": self._message([], usage_of(None))}))
        for event in events:
            number = self._scribe.text_block
            if type(event) is TextDelta and number is not None:  # the one event that matters for speed
                if number != self._text_block:
                    self._begin_text(number)
                out += (self._text_start, _encode(event.text), _TEXT_END)
            else:
                out += map(_frame, self._scribe.take(event))
        return b"".join(out)

    def _begin_text(self, number: int) -> None:
        self._text_block = number
        self._text_start = (
            b"event: content_block_delta\n"
            b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":' % number
        )

    def _message(self, content: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": message_id(self._answer_id),
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }

    def tail(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """Everything that ends the stream: held text, whole calls, stop reason, usage, comment, ``message_stop``."""
        out = [self.render(events)]
        out += map(_frame, self._scribe.close())
        native = _native_fields(events)
        container = {name: native.pop(name) for name in ("container",) if name in native}
        ending = {**_ending(events), **container}
        delta = {"type": "message_delta", "delta": ending, "usage": usage_of(closing.bill), **native, **_plan(closing)}
        out.append(_frame(delta))
        out.append(b": gammainfra " + _encode(closing.facts) + b"\n\n" + _frame({"type": "message_stop"}))
        return b"".join(out)

    def whole(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """The answer as one ``message`` body."""
        scribe = Scribe()
        written = [written for event in events for written in scribe.take(event)] + scribe.close()
        message = self._message(folded(written), usage_of(closing.bill))
        return _encode({**message, **_ending(events), **_native_fields(events), **_plan(closing)})

    def error(self, refused: Refused) -> bytes:
        """An in-band error on an open stream (C66): no stop reason, no ``message_stop``."""
        return b"event: error\ndata: " + write_error(refused, self._answer_id) + b"\n\n"


def message_id(generation_id: str) -> str:
    """``msg_`` and what follows ``gen-`` in the generation id: each can be told from the other."""
    return "msg_" + generation_id.removeprefix("gen-")


def _frame(event: Event) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), _encode(event))


def _plan(closing: Closing) -> dict[str, Any]:
    return {} if closing.explain is None else {"gammainfra": closing.explain}


def _ending(events: Iterable[StreamEvent]) -> dict[str, Any]:
    """``stop_reason`` and what goes with it."""
    finish = next((event for event in events if isinstance(event, Finished)), Finished("stop"))
    ending: dict[str, Any] = {"stop_reason": _stop_reason(finish), "stop_sequence": finish.stop_sequence}
    if finish.refusal is not None:
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": finish.refusal}
    return ending


def _native_fields(events: Iterable[StreamEvent]) -> dict[str, Raw]:
    """What Anthropic alone says at the end: ``container`` and ``context_management``, as received."""
    said = next((event.native_fields for event in events if isinstance(event, Finished)), b"")
    return _FIELDS.decode(said) if said else {}


def _stop_reason(finish: Finished) -> str:
    match finish.reason:
        case "stop" if finish.stop_sequence is not None:
            return "stop_sequence"
        case "stop":
            return finish.native or "end_turn"
        case "tool_calls":
            return "tool_use"
        case "length":
            return finish.native or "max_tokens"
        case "content_filter":
            return "refusal"
        case _:
            assert_never(finish.reason)


def usage_of(bill: Bill | None) -> dict[str, Any]:
    """The ``usage`` object in Anthropic's meaning (``input_tokens`` without what a cache read or wrote), and the cost.

    None: nothing is known yet. The counts of ``message_delta`` replace these.
    """
    counts = bill.usage if bill is not None else Usage()
    usage: dict[str, Any] = {
        "input_tokens": counts.input_tokens,
        "cache_creation_input_tokens": counts.cache_write_tokens + counts.cache_write_1h_tokens,
        "cache_read_input_tokens": counts.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.cache_write_tokens,
            "ephemeral_1h_input_tokens": counts.cache_write_1h_tokens,
        },
        "output_tokens": counts.completion_tokens,
    }
    if counts.reasoning_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": counts.reasoning_tokens}
    return usage if bill is None else {**usage, **cost_fields(bill)}
