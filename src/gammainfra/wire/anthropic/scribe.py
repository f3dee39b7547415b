"""Turns what was said into the dialect's content blocks: which block is open, its number, when it begins and ends.

One Scribe writes one answer, whatever attempts it was put together from. It knows nothing of bytes, usage or the end;
the renderer streams its events or folds them into a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, assert_never

import msgspec
from msgspec import Raw

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
from gammainfra.wire.anthropic.blocks import DIALECT
from gammainfra.wire.anthropic.thoughts import seal

Event = dict[str, Any]
Kind = Literal["text", "thinking", "call", "opaque"]
_UNCITED: Final[Event] = {"citations": []}
_OPAQUE: Final = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class _Open:
    """The block being written: ``key`` is its index among its kind, ``number`` its place in the answer."""

    kind: Kind
    key: int
    number: int
    signature: str = ""
    format: str = ""
    id: str = ""


class Scribe:
    """``take`` gives the ``content_block_*`` events of one event, ``close`` those that end the open block."""

    def __init__(self) -> None:
        self._n_blocks = 0
        self._callers: dict[str, object] = {}
        self._now: _Open | None = None

    @property
    def text_block(self) -> int | None:
        """The number of the open text block: more text needs nothing but a delta."""
        now = self._now
        return now.number if now is not None and now.kind == "text" else None

    def take(self, event: StreamEvent) -> list[Event]:
        """Write one event."""
        match event:
            case TextDelta(text):
                return [*self._text(), self._delta({"type": "text_delta", "text": text})]
            case ThinkingDelta():
                return self._think(event)
            case ToolCallDelta():
                return self._call(event)
            case Opaque(dialect, raw) if dialect == DIALECT:
                return self._opaque(_OPAQUE.decode(raw))
            case Opaque() | Started() | UsageSeen() | Finished() | UpstreamError():
                return []
            case _:
                assert_never(event)

    def close(self) -> list[Event]:
        """End the open block. A signature goes last and in one piece, since a seal cannot be cut."""
        now = self._now
        if now is None:
            return []
        events: list[Event] = []
        if now.kind == "thinking":
            signature = seal(now.signature, now.format, now.id)
            if signature:
                events.append(self._delta({"type": "signature_delta", "signature": signature}))
        self._now = None
        return [*events, {"type": "content_block_stop", "index": now.number}]

    def _is_open(self, kind: str, key: int) -> bool:
        now = self._now
        return now is not None and now.kind == kind and now.key == key

    def _begin(self, kind: Kind, key: int, block: object) -> list[Event]:
        return self._begun(kind, key, block)[1]

    def _begun(self, kind: Kind, key: int, block: object) -> tuple[_Open, list[Event]]:
        ended = self.close()
        now = self._now = _Open(kind, key, self._n_blocks)
        self._n_blocks += 1
        return now, [*ended, {"type": "content_block_start", "index": now.number, "content_block": block}]

    def _delta(self, delta: object) -> Event:
        number = self._now.number if self._now is not None else 0
        return {"type": "content_block_delta", "index": number, "delta": delta}

    def _text(self) -> list[Event]:
        return [] if self._is_open("text", 0) else self._begin("text", 0, {"type": "text", "text": ""})

    def _think(self, event: ThinkingDelta) -> list[Event]:
        if event.redacted:
            sealed = seal(event.redacted, event.format, event.id)
            return [*self._begin("opaque", -1, {"type": "redacted_thinking", "data": sealed}), *self.close()]
        events: list[Event] = []
        now = self._now
        if now is None or now.kind != "thinking" or now.key != event.index:
            block = {"type": "thinking", "thinking": "", "signature": ""}
            now, events = self._begun("thinking", event.index, block)
        now.signature += event.signature
        now.format = now.format or event.format
        now.id = now.id or event.id
        if event.text:
            events.append(self._delta({"type": "thinking_delta", "thinking": event.text}))
        return events

    def _call(self, event: ToolCallDelta) -> list[Event]:
        events: list[Event] = []
        if not self._is_open("call", event.index):
            block: Event = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
            if event.id in self._callers:
                block["caller"] = self._callers[event.id]
            events = self._begin("call", event.index, block)
        if event.arguments:
            events.append(self._delta({"type": "input_json_delta", "partial_json": event.arguments}))
        return events

    def _opaque(self, event: Event) -> list[Event]:
        """An event that only this dialect has, under our own block numbers."""
        key = event.get("index", 0)
        match event:
            case {"type": "gammainfra_called", "id": str(call_id)}:
                self._callers[call_id] = event["caller"]
                return []
            case {"type": "content_block_start", "content_block": {"type": "text"} as block}:
                sources = block.get("citations")
                begun = self._begin("text", 0, {"type": "text", "text": "", **({} if sources is None else _UNCITED)})
                return [*begun, *(self._delta({"type": "citations_delta", "citation": one}) for one in sources or ())]
            case {"type": "content_block_start", "content_block": dict(block)}:
                return self._begin("opaque", key, block)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                if self._is_open("opaque", key):
                    return [self._delta(delta)]
                if delta.get("type") == "citations_delta":
                    return [*self._text(), self._delta(delta)]
                return []
            case {"type": "content_block_stop"} if self._is_open("opaque", key):
                return self.close()
            case _:
                return []


def folded(events: list[Event]) -> list[dict[str, Any]]:
    """The content blocks that these events write."""
    blocks: list[dict[str, Any]] = []
    inputs: dict[int, list[str]] = {}
    for event in events:
        match event:
            case {"content_block": dict(block)}:
                blocks.append(dict(block))
            case {"index": int(index), "delta": dict(delta)}:
                _put(blocks[index], delta, inputs.setdefault(index, []))
            case _:
                pass
    for index, pieces in inputs.items():
        if pieces:
            blocks[index]["input"] = _object("".join(pieces))
    return blocks


def _put(block: dict[str, Any], delta: dict[str, Any], pieces: list[str]) -> None:
    match delta:
        case {"type": "text_delta", "text": str(text)}:
            block["text"] += text
        case {"type": "thinking_delta", "thinking": str(text)}:
            block["thinking"] += text
        case {"type": "signature_delta", "signature": str(signature)}:
            block["signature"] = signature
        case {"type": "input_json_delta", "partial_json": str(piece)}:
            pieces.append(piece)
        case {"type": "citations_delta"}:
            block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
        case _:  # `compaction_delta`, and what comes on a later day
            for name in delta.keys() - {"type"}:
                have, piece = block.get(name), delta[name]
                block[name] = have + piece if isinstance(have, str) and isinstance(piece, str) else piece


def _object(text: str) -> object:
    """Input as the object it is; what the token limit cut is no object, and nothing of it can be carried out."""
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return Raw(text.encode()) if isinstance(decoded, dict) else {}
