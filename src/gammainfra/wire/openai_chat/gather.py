"""Gathers the events of a finished answer into what a body or a tail shows of them: texts, thoughts, whole calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, assert_never

import msgspec

from gammainfra.domain.chat import Thinking
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
from gammainfra.wire.openai_chat.thinking import details_of

_ANY: Final = msgspec.json.Decoder()


class Gathered:
    """What was told, by choice. ``calls`` are whole calls without their index, ``top`` fields beside the choices."""

    def __init__(self, events: Iterable[StreamEvent]) -> None:
        self.calls: dict[int, list[dict[str, Any]]] = {}
        self.top: dict[str, Any] = {}
        self._texts: dict[int, list[str]] = {}
        self._thoughts: dict[int, ThinkingDelta] = {}
        self._pieces: dict[tuple[int, int], list[ToolCallDelta]] = {}
        self._finishes: dict[int, Finished] = {}
        self._fields: dict[tuple[str, int], dict[str, Any]] = {}
        for event in events:
            self._take(event)
        for (choice, _), pieces in sorted(self._pieces.items()):
            self.calls.setdefault(choice, []).append(_whole_call(pieces))

    def _take(self, event: StreamEvent) -> None:
        match event:
            case TextDelta(text=text, choice=choice):
                self._texts.setdefault(choice, []).append(text)
            case ThinkingDelta(index=index):
                last = self._thoughts.get(index)
                self._thoughts[index] = event if last is None else _joined(last, event)
            case ToolCallDelta(index=index, choice=choice):
                self._pieces.setdefault((choice, index), []).append(event)
            case Finished(choice=choice):
                self._finishes[choice] = event
            case Opaque(dialect="openai_chat", raw=raw, choice=choice):
                for place, fields in _ANY.decode(raw).items():
                    where = self.top if place == "top" else self._fields.setdefault((place, choice), {})
                    _merge(where, fields)
            case Opaque() | Started() | UsageSeen() | UpstreamError():
                pass
            case _:
                assert_never(event)

    def finishes(self) -> list[Finished]:
        """The finish of every choice; calls decide over ``stop``. An answer has at least its first choice."""
        choices = {0} | self._texts.keys() | self.calls.keys() | self._finishes.keys()
        return [self._finish(choice) for choice in sorted(choices)]

    def _finish(self, choice: int) -> Finished:
        finish = self._finishes.get(choice, Finished("stop", choice=choice))
        return replace(finish, reason="tool_calls") if finish.reason == "stop" and choice in self.calls else finish

    def message(self, finish: Finished) -> dict[str, Any]:
        """The message of the choice that ``finish`` ends, as a body shows it."""
        choice = finish.choice
        text = "".join(self._texts.get(choice, ()))
        calls = self.calls.get(choice)
        content = text if text or not (calls or finish.refusal) else None
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": finish.refusal}
        if choice == 0 and self._thoughts:
            thoughts = [self._thoughts[index] for index in sorted(self._thoughts)]
            readable = "\n".join(thought.text for thought in thoughts if thought.text)
            if readable:
                message["reasoning_content"] = message["reasoning"] = readable
            message["reasoning_details"] = [detail for thought in thoughts for detail in _details(thought)]
        if calls:
            message["tool_calls"] = calls
        fields = self._fields.get(("delta", choice), {})
        custom = fields.pop("tool_calls", None)
        message.update(fields)
        if custom:
            message["tool_calls"] = [*message.get("tool_calls", ()), *custom]
        return message

    def more(self, choice: int) -> dict[str, Any]:
        """Fields beside the message: ``logprobs``."""
        return {"logprobs": None, **self._fields.get(("choice", choice), {})}


def _joined(one: ThinkingDelta, other: ThinkingDelta) -> ThinkingDelta:
    return ThinkingDelta(
        one.text + other.text,
        one.signature + other.signature,
        one.redacted + other.redacted,
        one.index,
        one.format or other.format,
        one.id or other.id,
    )


def _details(thought: ThinkingDelta) -> list[dict[str, Any]]:
    """The entries of one block: readable and opaque content do not share one."""
    details = []
    if thought.text or thought.signature:
        readable = Thinking(text=thought.text, signature=thought.signature, format=thought.format, id=thought.id)
        details.append(details_of(readable, thought.index))
    if thought.redacted:
        hidden = Thinking(redacted=thought.redacted, format=thought.format, id=thought.id)
        details.append(details_of(hidden, thought.index))
    return details


def _whole_call(pieces: list[ToolCallDelta]) -> dict[str, Any]:
    """One complete call. Nothing as arguments is ``{}``: clients parse them."""
    arguments = "".join(piece.arguments for piece in pieces)
    function = {"name": pieces[0].name, "arguments": arguments if arguments.strip() else "{}"}
    return {"id": pieces[0].id, "type": "function", "function": function}


def _merge(where: dict[str, Any], fields: dict[str, Any]) -> None:
    """Put a later piece of opaque fields to the earlier ones: text and lists grow, anything else is replaced."""
    for name, value in fields.items():
        have = where.get(name)
        if isinstance(have, dict) and isinstance(value, dict):
            _merge(have, value)
            continue
        grows = isinstance(have, str) and isinstance(value, str) and name not in {"id", "type"}
        grows = grows or (isinstance(have, list) and isinstance(value, list))
        where[name] = have + value if grows else value
