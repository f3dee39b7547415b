"""Renders an answer as Responses events or as one body, for clients of any strictness (contract C3 and section 4).

One renderer per client: it owns item ids, output indices and sequence numbers, so what it is fed may come from several
attempts. An item is open from its first piece until another kind of piece comes; calls are written when they are whole.
It decides only how things look; the money and the facts arrive finished in Closing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

import msgspec
from msgspec import Raw

from gammainfra.domain.bill import Closing
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch, ToolForm
from gammainfra.domain.stream import (
    Finished,
    Opaque,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.wire.openai_error import write_error
from gammainfra.wire.openai_responses.items import DIALECT
from gammainfra.wire.openai_responses.reasoning import OPENAIS, Thought
from gammainfra.wire.openai_responses.tools import call_item
from gammainfra.wire.openai_responses.usage import responses_usage

_encode = msgspec.json.Encoder().encode
_ANY: Final = msgspec.json.Decoder()
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_PREFIXES: Final = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "local_shell_call": "lsh",
    "tool_search_call": "tsc",
}
_ARGUMENTS: Final = {  # the field of a call that streams, and its events
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}
# OpenAI's own error codes inside a stream that clients know; anything else is `server_error`.
_KNOWN_CODES: Final = frozenset({"context_length_exceeded", "insufficient_quota", "rate_limit_exceeded"})


@dataclass(slots=True)
class _Message:
    """An open message: its text so far; ``starts`` is what each of its text events begins with."""

    id: str
    starts: bytes = b""
    texts: list[str] = field(default_factory=list)
    refusal: str = ""


@dataclass(slots=True)
class _Reasoning:
    """An open reasoning item; ``index`` is the number of its block in the answer."""

    id: str
    index: int
    thought: Thought = field(default_factory=Thought)


@dataclass(slots=True)
class _Call:
    """A call that is not written yet."""

    index: int
    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ResponsesRenderer:
    """One answer for one client. ``answer_id`` is the generation id, ``model`` the name that the client sees."""

    content_type = "text/event-stream"

    def __init__(self, sketch: Sketch, *, answer_id: str, model: str, created_at: int) -> None:
        self.content_type = "text/event-stream; charset=utf-8" if sketch.stream else "application/json"
        self._forms = sketch.tool_forms
        self._answer_id = answer_id
        self._name = answer_id.removeprefix("gen-")
        self._head: dict[str, Any] = {
            "id": f"resp_{self._name}",
            "object": "response",
            "created_at": created_at,
            "model": model,
            "background": False,
            "instructions": None,
            "previous_response_id": None,
            "store": False,
            "tools": [],
            **_FIELDS.decode(sketch.echo),
        }
        self._sequence = 0
        self._opened = False
        self._items: list[dict[str, Any]] = []
        self._open: _Message | _Reasoning | _Call | None = None

    def render(self, events: Iterable[StreamEvent]) -> bytes:
        """The bytes for live events: text and thinking; nothing of a call, a finish or usage."""
        out: list[bytes] = []
        self._begin(out)
        for event in events:
            self._take(event, out)
        return b"".join(out)

    def tail(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """Everything that ends the stream: held text, whole calls, the facts as a comment, the terminal event."""
        out: list[bytes] = []
        self._begin(out)
        response = self._end(events, closing, out)
        out.append(b": gammainfra " + _encode(closing.facts) + b"\n\n")
        self._emit(out, f"response.{response['status']}", {"response": response})
        return b"".join(out)

    def whole(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """The answer as one ``response`` body."""
        return _encode(self._end(events, closing, []))

    def error(self, refused: Refused) -> bytes:
        """An in-band error on an open stream (C66): ``response.failed``, with what was complete by then."""
        out: list[bytes] = []
        self._begin(out)
        error = _ANY.decode(write_error(refused, self._answer_id))["error"]
        error["metadata"]["code"] = refused.code
        error["code"] = refused.code if refused.code in _KNOWN_CODES else "server_error"
        self._emit(out, "response.failed", {"response": self._response("failed", error=error)})
        return b"".join(out)

    # ---- events -----------------------------------------------------------------------------------------------------
    def _emit(self, out: list[bytes], kind: str, fields: dict[str, Any]) -> None:
        event = _encode({"type": kind, "sequence_number": self._sequence, **fields})
        out.append(b"event: " + kind.encode() + b"\ndata: " + event + b"\n\n")
        self._sequence += 1

    def _begin(self, out: list[bytes]) -> None:
        if not self._opened:
            self._opened = True
            response = self._response("in_progress")
            self._emit(out, "response.created", {"response": response})
            self._emit(out, "response.in_progress", {"response": response})

    def _response(self, status: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any JSON
        last = {"error": None, "incomplete_details": None, "usage": None, **more}
        return {**self._head, "status": status, "output": self._items, **last}

    def _take(self, event: StreamEvent, out: list[bytes]) -> None:
        match event:
            case TextDelta():
                self._say(event.text, out)
            case ThinkingDelta():
                self._think(event, out)
            case ToolCallDelta():
                self._call(event, out)
            case Opaque(dialect, raw) if dialect == DIALECT:
                self._close(out)
                item = _ANY.decode(raw)
                self._add(out, item)
                self._done(out, item)
            case Opaque() | Started() | UsageSeen() | Finished() | UpstreamError():
                pass
            case _:
                assert_never(event)

    def _say(self, text: str, out: list[bytes]) -> None:
        message = self._open
        if not isinstance(message, _Message):
            message = self._open_message(out)
        if not message.texts:
            at = {"item_id": message.id, "output_index": len(self._items), "content_index": 0}
            self._emit(out, "response.content_part.added", {**at, "part": _text_part("")})
            starts = _encode({"type": "response.output_text.delta", **at, "logprobs": []})[:-1]
            message.starts = b"event: response.output_text.delta\ndata: " + starts + b',"sequence_number":'
        message.texts.append(text)
        out += (message.starts, b"%d" % self._sequence, b',"delta":', _encode(text), b"}\n\n")
        self._sequence += 1

    def _open_message(self, out: list[bytes]) -> _Message:
        self._close(out)
        message = self._open = _Message(self._item_id("message"))
        item = {"id": message.id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self._add(out, item)
        return message

    def _think(self, event: ThinkingDelta, out: list[bytes]) -> None:
        block = self._open
        if not isinstance(block, _Reasoning) or block.index != event.index:
            self._close(out)
            own = event.format == OPENAIS and event.id.startswith("rs_")
            block = self._open = _Reasoning(event.id if own else self._item_id("reasoning"), event.index)
            self._add(out, {"id": block.id, "type": "reasoning", "summary": []})
        at = {"item_id": block.id, "output_index": len(self._items), "summary_index": 0}
        if event.text and not block.thought.texts:
            part = {"type": "summary_text", "text": ""}
            self._emit(out, "response.reasoning_summary_part.added", {**at, "part": part})
        block.thought.take(event)
        if event.text:
            self._emit(out, "response.reasoning_summary_text.delta", {**at, "delta": event.text})

    def _call(self, event: ToolCallDelta, out: list[bytes]) -> None:
        call = self._open
        if not isinstance(call, _Call) or call.index != event.index:
            self._close(out)
            call = self._open = _Call(event.index)
        call.call_id = call.call_id or event.id
        call.name = call.name or event.name
        call.arguments.append(event.arguments)

    # ---- items ------------------------------------------------------------------------------------------------------
    def _item_id(self, kind: str) -> str:
        """``msg_<answer>_<place>``: the same whenever this answer is told again, and no other answer's."""
        return f"{_PREFIXES[kind]}_{self._name}_{len(self._items)}"

    def _add(self, out: list[bytes], item: dict[str, Any]) -> None:
        self._emit(out, "response.output_item.added", {"output_index": len(self._items), "item": item})

    def _done(self, out: list[bytes], item: dict[str, Any]) -> None:
        self._emit(out, "response.output_item.done", {"output_index": len(self._items), "item": item})
        self._items.append(item)

    def _close(self, out: list[bytes], status: str = "completed") -> None:
        """Complete the open item, if any."""
        item, self._open = self._open, None
        match item:
            case _Message():
                self._close_message(item, status, out)
            case _Reasoning():
                self._close_reasoning(item, out)
            case _Call():
                self._write_call(item, status, out)
            case None:
                pass
            case _:
                assert_never(item)

    def _close_message(self, message: _Message, status: str, out: list[bytes]) -> None:
        content: list[dict[str, Any]] = []
        at = {"item_id": message.id, "output_index": len(self._items)}
        if message.texts:
            content.append(_text_part("".join(message.texts)))
            done = {**at, "content_index": 0, "logprobs": [], "text": content[0]["text"]}
            self._emit(out, "response.output_text.done", done)
            self._emit(out, "response.content_part.done", {**at, "content_index": 0, "part": content[0]})
        if message.refusal:
            at["content_index"] = len(content)
            part = {"type": "refusal", "refusal": message.refusal}
            self._emit(out, "response.content_part.added", {**at, "part": {**part, "refusal": ""}})
            self._emit(out, "response.refusal.delta", {**at, "delta": message.refusal})
            self._emit(out, "response.refusal.done", {**at, "refusal": message.refusal})
            self._emit(out, "response.content_part.done", {**at, "part": part})
            content.append(part)
        item = {"id": message.id, "type": "message", "role": "assistant", "status": status, "content": content}
        self._done(out, item)

    def _close_reasoning(self, block: _Reasoning, out: list[bytes]) -> None:
        item = {"id": block.id, **block.thought.item()}
        at = {"item_id": block.id, "output_index": len(self._items), "summary_index": 0}
        for part in item["summary"]:
            self._emit(out, "response.reasoning_summary_text.done", {**at, "text": part["text"]})
            self._emit(out, "response.reasoning_summary_part.done", {**at, "part": part})
        self._done(out, item)

    def _write_call(self, call: _Call, status: str, out: list[bytes]) -> None:
        form = self._forms.get(call.name) or ToolForm("function", call.name)
        made = call_item(form, call.call_id, "".join(call.arguments))
        item = {"id": self._item_id(made["type"]), **made, "status": status}
        streaming = _ARGUMENTS.get(made["type"])
        self._add(out, {**item, **({streaming[0]: ""} if streaming else {}), "status": "in_progress"})
        if streaming is not None:
            name, event = streaming
            at = {"item_id": item["id"], "output_index": len(self._items)}
            self._emit(out, event + ".delta", {**at, "delta": item[name]})
            self._emit(out, event + ".done", {**at, name: item[name]})
        self._done(out, item)

    def _end(self, events: Sequence[StreamEvent], closing: Closing, out: list[bytes]) -> dict[str, Any]:
        """Say the rest and give the finished response."""
        finish = Finished("stop")
        for event in events:
            if isinstance(event, Finished):
                finish = event
            self._take(event, out)
        if finish.refusal is not None:
            message = self._open if isinstance(self._open, _Message) else self._open_message(out)
            message.refusal = finish.refusal
        reason = _incomplete(finish)
        self._close(out, "completed" if reason is None else "incomplete")
        more: dict[str, Any] = {"usage": responses_usage(closing.bill)}
        if closing.explain is not None:
            more["gammainfra"] = closing.explain
        if reason is None:
            return self._response("completed", **more)
        return self._response("incomplete", incomplete_details={"reason": reason}, **more)


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _incomplete(finish: Finished) -> str | None:
    """Why the answer is not all of it. A refusal in words is an answer."""
    if finish.reason == "length":
        return "max_output_tokens"
    return "content_filter" if finish.reason == "content_filter" and finish.refusal is None else None
