"""Renders an answer as Chat Completions, streamed or whole, for clients of any strictness (contract section 4).

One renderer per client: it owns the chunk ids, the model string and the call indices, so what it is fed may come from
several attempts. It decides only how things look; the money and the facts arrive finished in Closing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, assert_never

import msgspec
from msgspec import Raw

from gammainfra.domain.bill import Closing
from gammainfra.domain.chat import Thinking
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch
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
from gammainfra.wire.openai_chat.gather import Gathered
from gammainfra.wire.openai_chat.thinking import details_of
from gammainfra.wire.openai_error import write_error
from gammainfra.wire.openai_usage import usage_of

_DIALECT: Final = "openai_chat"
_encode = msgspec.json.Encoder().encode
_OPAQUE: Final = msgspec.json.Decoder(dict[str, dict[str, Raw]])
_TEXT_END: Final = b'},"finish_reason":null}]}\n\n'
_DONE: Final = b"data: [DONE]\n\n"


class ChatRenderer:
    """One answer for one client. ``answer_id`` is the generation id, ``model`` the name that the client sees."""

    content_type = "text/event-stream"

    def __init__(self, sketch: Sketch, *, answer_id: str, model: str, created_at: int) -> None:
        self.content_type = "text/event-stream; charset=utf-8" if sketch.stream else "application/json"
        self._include_usage = sketch.include_usage
        self._answer_id = answer_id
        self._head = {"id": answer_id, "object": "chat.completion.chunk", "created": created_at, "model": model}
        head = _encode(self._head)[:-1]
        self._text_starts: dict[int, bytes] = {}  # by choice, once its role was told
        self._chunk_start = b"data: " + head + b',"choices":[{"index":'
        self._signing: ThinkingDelta | None = None  # a signature still coming in pieces
        self._refused: set[int] = set()  # choices whose refusal was shown as it came

    def render(self, events: Iterable[StreamEvent]) -> bytes:
        """The bytes for live events: text, thinking, opaque; nothing of a call, a finish or usage."""
        out: list[bytes] = []
        if 0 not in self._text_starts:
            self._open(0, out)
        for event in events:
            if type(event) is TextDelta:  # the one event that matters for speed
                if self._signing is not None:
                    self._sign(out)
                start = self._text_starts.get(event.choice)
                if start is None:
                    start = self._open(event.choice, out)
                out += (start, _encode(event.text), _TEXT_END)
            else:
                self._render_other(event, out)
        return b"".join(out)

    def _open(self, choice: int, out: list[bytes]) -> bytes:
        """The role chunk of a choice; what its text chunks begin with."""
        out.append(self._chunk(choice, {"role": "assistant", "content": ""}))
        start = self._text_starts[choice] = self._chunk_start + b'%d,"delta":{"content":' % choice
        return start

    def _render_other(self, event: StreamEvent, out: list[bytes]) -> None:
        match event:
            case ThinkingDelta():
                self._think(event, out)
            case Opaque(dialect="openai_chat", raw=raw, choice=choice):
                self._sign(out)
                if choice not in self._text_starts:
                    self._open(choice, out)
                out.append(self._opaque(raw, choice))
            case TextDelta() | Opaque() | Started() | ToolCallDelta() | UsageSeen() | Finished() | UpstreamError():
                pass
            case _:
                assert_never(event)

    def _chunk(
        self,
        choice: int,
        delta: Mapping[str, Any],
        finish: FinishReason | None = None,
        *,
        more: Mapping[str, Any] | None = None,
        top: Mapping[str, Any] | None = None,
    ) -> bytes:
        shown = {"index": choice, "delta": delta, **(more or {}), "finish_reason": finish}
        return b"data: " + _encode({**self._head, "choices": [shown], **(top or {})}) + b"\n\n"

    def _think(self, event: ThinkingDelta, out: list[bytes]) -> None:
        """Readable text at once; a signature when its block ends, in one piece: clients do not append it."""
        pending = self._signing
        if pending is not None and (pending.index != event.index or event.text or event.redacted):
            self._sign(out)
            pending = None
        if event.text:
            detail = details_of(Thinking(text=event.text, format=event.format, id=event.id), event.index)
            shown = {"reasoning_content": event.text, "reasoning": event.text, "reasoning_details": [detail]}
            out.append(self._chunk(0, shown))
        if event.redacted:
            hidden = Thinking(redacted=event.redacted, format=event.format, id=event.id)
            out.append(self._chunk(0, {"reasoning_details": [details_of(hidden, event.index)]}))
        if event.signature:
            so_far = pending.signature if pending is not None else ""
            self._signing = ThinkingDelta(
                signature=so_far + event.signature, index=event.index, format=event.format, id=event.id
            )

    def _sign(self, out: list[bytes]) -> None:
        event, self._signing = self._signing, None
        if event is not None:
            signed = Thinking(signature=event.signature, format=event.format, id=event.id)
            out.append(self._chunk(0, {"reasoning_details": [details_of(signed, event.index)]}))

    def _opaque(self, raw: bytes, choice: int) -> bytes:
        fields = _OPAQUE.decode(raw)
        if "refusal" in fields.get("delta", {}):
            self._refused.add(choice)
        return self._chunk(choice, fields.get("delta", {}), more=fields.get("choice"), top=fields.get("top"))

    def tail(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """Everything that ends the stream: held text, whole calls, finish, usage, comment, end marker."""
        out = [self.render(events)]
        self._sign(out)
        told = Gathered(events)
        for choice, calls in sorted(told.calls.items()):
            if choice not in self._text_starts:
                self._open(choice, out)
            for number, call in enumerate(calls):
                out.append(self._chunk(choice, {"tool_calls": [{"index": number, **call}]}))
        usage = usage_of(closing.bill)
        explain = {} if closing.explain is None else {"gammainfra": closing.explain}
        *firsts, last = told.finishes()
        out += [self._finish(finish, {}) for finish in firsts]
        out.append(self._finish(last, {} if self._include_usage else {"usage": usage, **explain}))
        if self._include_usage:
            out.append(b"data: " + _encode({**self._head, "choices": [], "usage": usage, **explain}) + b"\n\n")
        out.append(b": gammainfra " + _encode(closing.facts) + b"\n\n" + _DONE)
        return b"".join(out)

    def _finish(self, finish: Finished, top: Mapping[str, Any]) -> bytes:
        shown = finish.refusal is not None and finish.choice not in self._refused
        return self._chunk(finish.choice, {"refusal": finish.refusal} if shown else {}, finish.reason, top=top)

    def whole(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """The answer as one ``chat.completion`` body."""
        told = Gathered(events)
        body = {
            **self._head,
            "object": "chat.completion",
            "choices": [
                {
                    "index": finish.choice,
                    "message": told.message(finish),
                    **told.more(finish.choice),
                    "finish_reason": finish.reason,
                }
                for finish in told.finishes()
            ],
            "usage": usage_of(closing.bill),
            **told.top,
        }
        if closing.explain is not None:
            body["gammainfra"] = closing.explain
        return _encode(body)

    def error(self, refused: Refused) -> bytes:
        """An in-band error on an open stream (C66): no finish, no end marker."""
        return b"data: " + write_error(refused, self._answer_id) + b"\n\n"
