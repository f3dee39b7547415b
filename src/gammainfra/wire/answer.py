"""What one Turn says, put together from what its attempts said: what streams live, what is held, and how it ends.

A Speech is one attempt's answer; an Answer is what the reader gets. Text and thinking stream live until the first
tool call; from there on everything is held and leaves as one piece with the finish. When text of an
attempt that broke was shown, the next attempt's text is held and joined to it at the end. No bytes and
no wire format here: events in, events out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

import msgspec

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
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
from gammainfra.domain.usage import Usage
from gammainfra.wire.tool_ids import shown_id

LiveEvent = TextDelta | ThinkingDelta | Opaque
_EMPTY = Failure(Cause.EMPTY_ANSWER, "the answer held neither text nor a tool call")
_BAD_CALL = Failure(Cause.BAD_TOOL_CALL, "the arguments of a tool call are not a JSON object")
_TOO_LARGE = Failure(Cause.ANSWER_TOO_LARGE, "the answer exceeds what the gateway holds for one Turn")


@dataclass(slots=True)
class Call:
    """A tool call as it grows; ``native`` is the provider's id."""

    choice: int
    native: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The arguments received so far."""
        return "".join(self.arguments)


@dataclass(slots=True)
class Speech:
    """One attempt's answer as it arrives. ``choices`` is how many answers were asked for (``n``).

    ``names`` gives back the client's name of a tool that was sent under another one.
    """

    choices: int = 1
    names: Mapping[str, str] = field(default_factory=dict)
    fresh: list[LiveEvent] = field(default_factory=list)  # may stream; taken by ``drain``
    live: list[LiveEvent] = field(default_factory=list)  # everything said before the first call
    held: list[LiveEvent | Call] = field(default_factory=list)  # from the first call on
    finishes: dict[int, Finished] = field(default_factory=dict)
    usage: Usage | None = None
    usage_final: bool = False
    upstream_id: str = ""
    failure: Failure | None = None
    is_late: bool = False  # it failed after everything had been said
    has_text: bool = False
    n_chars: int = 0
    _first_thought: int = 0  # what the first thinking block of the exchange under way is called
    _thoughts: int = 0
    _counted: Usage = field(default_factory=Usage)  # what earlier exchanges of the same answer cost
    _calls: dict[tuple[int, int], Call] = field(default_factory=dict)

    def take(self, event: StreamEvent) -> None:
        """Take the attempt's next event."""
        match event:
            case Started(upstream_id):
                self.upstream_id = self.upstream_id or upstream_id
            case ThinkingDelta():
                self._take_thinking(event)
            case TextDelta() | Opaque():
                self._take_live(event)
            case ToolCallDelta():
                self._take_call(event)
            case UsageSeen(usage, final):
                self.usage, self.usage_final = self._counted.plus(usage), final or self.usage_final
            case Finished():
                self.finishes.setdefault(event.choice, event)
            case UpstreamError(failure):
                self.is_late = self.is_late if self.failure else self.finished
                self.failure = self.failure or failure
            case _:
                assert_never(event)
        if self.n_chars > (limits.TAIL_BYTES if self._calls else limits.ANSWER_BYTES):
            self.failure = self.failure or _TOO_LARGE

    def _take_thinking(self, event: ThinkingDelta) -> None:
        number = self._first_thought + event.index
        self._thoughts = max(self._thoughts, number + 1)
        self._take_live(event if number == event.index else replace(event, index=number))

    def _take_live(self, event: LiveEvent) -> None:
        if isinstance(event, TextDelta):
            if not event.text:
                return
            self.n_chars += len(event.text)
        elif isinstance(event, ThinkingDelta):
            self.n_chars += len(event.text)
        self.has_text = self.has_text or not isinstance(event, ThinkingDelta)
        if self._calls:
            self.held.append(event)
        else:
            self.live.append(event)
            self.fresh.append(event)

    def _take_call(self, delta: ToolCallDelta) -> None:
        call = self._calls.get((delta.choice, delta.index))
        if call is None:
            call = self._calls[delta.choice, delta.index] = Call(delta.choice)
            self.held.append(call)
        call.native = call.native or delta.id
        call.name = call.name or self.names.get(delta.name, delta.name)
        if delta.arguments:
            call.arguments.append(delta.arguments)
            self.n_chars += len(delta.arguments)

    @property
    def paused(self) -> Finished | None:
        """The end of an exchange that is not the end of the answer: the provider wants to be asked to go on."""
        finish = self.finishes.get(0)
        return finish if finish is not None and finish.native == "pause_turn" and not self._calls else None

    def resume(self) -> None:
        """The provider is asked to go on: what the next exchange says and costs is added to this answer."""
        self.finishes.clear()
        self._counted, self.usage_final = self.usage or Usage(), False
        self._first_thought = self._thoughts

    def drain(self) -> list[LiveEvent]:
        """What may stream and was not taken yet."""
        fresh, self.fresh = self.fresh, []
        return fresh

    @property
    def calls(self) -> list[Call]:
        """The tool calls, in order."""
        return list(self._calls.values())

    @property
    def useful(self) -> bool:
        """Whether anything was said that is worth a Head: text, thinking or a call."""
        return bool(self.live or self.held)

    @property
    def progress(self) -> int:
        """Grows with everything that is part of the answer; pings, comments and token counts are not."""
        return self.n_chars + len(self.live) + len(self.held) + len(self.finishes)

    @property
    def finished(self) -> bool:
        """Whether every answer asked for is complete."""
        return len(self.finishes) >= self.choices

    @property
    def said(self) -> list[StreamEvent]:
        """Everything but calls, in order."""
        return [*self.live, *(event for event in self.held if not isinstance(event, Call))]

    @property
    def text(self) -> str:
        """The visible text so far."""
        said = [*self.live, *self.held]
        return "".join(event.text for event in said if isinstance(event, TextDelta))

    def flaw(self) -> Failure | None:
        """Why a finished speech is not an answer: nothing was said, or a call is broken.

        A finish by ``length`` or ``content_filter`` is the model's own word about an empty or cut answer.
        """
        if any(finish.reason in {"length", "content_filter"} for finish in self.finishes.values()):
            return None
        if not self.has_text and not self._calls:
            return _EMPTY
        return None if all(_is_object(call.text()) for call in self._calls.values()) else _BAD_CALL

    def has_complete_calls(self) -> bool:
        """Whether it ends with tool calls that could be carried out as they stand."""
        # Nothing as arguments is no arguments at all only when the answer was finished: here it may be a cut.
        made = [(call.name, call.text()) for call in self._calls.values()]
        return bool(made) and all(name and arguments.strip() and _is_object(arguments) for name, arguments in made)


def _is_object(arguments: str) -> bool:
    if not arguments.strip():
        return True  # no arguments at all is the empty object in every dialect
    try:
        return isinstance(msgspec.json.decode(arguments), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


@dataclass(slots=True)
class Answer:
    """What the reader is told. ``history_ids`` are the tool-call ids of the conversation so far."""

    history_ids: Collection[str] = ()
    shown: list[str] = field(default_factory=list)  # text told live, of the leg that speaks or that broke
    shown_ids: list[tuple[str, str]] = field(default_factory=list)
    _blocks: int = 0  # thinking blocks told so far, of every leg
    _first_block: int = 0  # what the speaking leg's first one is called

    def restart(self) -> None:
        """Another leg speaks: forget text that nobody has seen, and give its thinking blocks numbers of their own.

        Clients append what has the same number, and a signature holds for the text of its own leg only.
        """
        self.shown.clear()
        self._first_block = self._blocks

    def tell(self, events: Sequence[LiveEvent]) -> list[LiveEvent]:
        """Note what is shown; the events as the reader gets them."""
        self.shown.extend(event.text for event in events if isinstance(event, TextDelta))
        return [self._numbered(event) for event in events]

    def _numbered(self, event: LiveEvent) -> LiveEvent:
        if not isinstance(event, ThinkingDelta):
            return event
        number = self._first_block + event.index
        self._blocks = max(self._blocks, number + 1)
        return event if number == event.index else replace(event, index=number)

    def tail(self, speech: Speech, *, stitched: bool) -> list[StreamEvent]:
        """Everything that is still to be said: held text, whole calls under ids of the client's, and the finish."""
        out: list[StreamEvent] = []
        if stitched and not speech.calls:
            out += self._joined(speech.text)
        held: list[LiveEvent | Call] = [*speech.fresh, *speech.held]
        index: dict[int, int] = {}
        for item in held:
            if isinstance(item, Call):
                number = index.get(item.choice, 0)
                index[item.choice] = number + 1
                out.append(ToolCallDelta(number, self._show(item), item.name, item.text() or "{}", item.choice))
            elif not stitched:
                out.append(self._numbered(item))
        return [*out, *self._finishes(speech)]

    def whole(self, speech: Speech) -> list[StreamEvent]:
        """The same for a reader that gets everything at once."""
        speech.fresh.clear()
        return [*speech.live, *self.tail(speech, stitched=False)]

    def _joined(self, text: str) -> list[StreamEvent]:
        shown = "".join(self.shown)
        rest = text[len(shown) :] if text.startswith(shown) else "\n\n" + text
        return [TextDelta(rest)] if rest else []

    def _show(self, call: Call) -> str:
        seen = {*self.history_ids, *(shown for shown, _ in self.shown_ids)}
        position = len(self.history_ids) + len(self.shown_ids)
        shown = shown_id(call.native, position, seen)
        self.shown_ids.append((shown, call.native))
        return shown

    def _finishes(self, speech: Speech) -> list[Finished]:
        """The finish of every choice; complete calls whose finish never came end with ``tool_calls``."""
        by_call = {call.choice for call in speech.calls}
        finishes = []
        for choice in range(max(1, speech.choices)):
            finish = speech.finishes.get(choice, Finished("stop", choice=choice))
            reason = "tool_calls" if choice in by_call and finish.reason == "stop" else finish.reason
            finishes.append(replace(finish, reason=reason))
        return finishes
