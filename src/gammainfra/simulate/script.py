"""What a simulated model says. A script is a pure function of the request, so a retry, a hedge or another
provider always gets the same next step; it never counts calls and never sees which fault will be injected.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from gammainfra.simulate.reply import Ending


@dataclass(frozen=True, slots=True)
class Ask:
    """A generation request, seen without its vendor's dress.

    ``step`` is the number of assistant turns with tool calls already in the history; ``task`` is what the user
    said before the first assistant turn, which names the conversation (see read_task); ``call_ids`` are all
    call ids of the history.
    """

    vendor: str
    model: str
    step: int
    task: str
    last_user_text: str
    message_count: int
    tool_names: tuple[str, ...]
    call_ids: tuple[str, ...]
    stream: bool
    include_usage: bool
    thinking: bool
    max_tokens: int | None


def read_task(messages: Sequence[Mapping[str, Any]], read_text: Callable[[object], str]) -> str:
    """The user's words before the first assistant turn, in single spaces: a translation may join messages or
    split them into blocks, and the conversation must still be known as the same.
    """
    opening = itertools.takewhile(lambda message: message["role"] != "assistant", messages)
    texts = [read_text(message.get("content")) for message in opening if message["role"] == "user"]
    return " ".join(" ".join(texts).split())


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model makes; the vendor gives it an id."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def render_arguments(self) -> str:
        """The arguments as the JSON text a model would write."""
        return msgspec.json.encode(dict(self.arguments)).decode()


@dataclass(frozen=True, slots=True)
class Turn:
    """One assistant turn: thinking first, then text, then calls. Everything may be empty."""

    text: str = ""
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Raw:
    """An exact answer, byte for byte, for tests of framing. Faults are not applied to it.

    ``chunk_bytes=0`` writes the body at once; otherwise that many bytes per write, each flushed alone.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream; charset=utf-8"),)
    body: bytes = b""
    chunk_bytes: int = 0
    chunk_pause_s: float = 0.0
    ending: Ending = Ending.CLEAN


class Script(Protocol):
    """Says the next turn. Must be pure."""

    def __call__(self, ask: Ask, /) -> Turn | Raw:
        """The turn this request is answered with."""
        ...


@dataclass(frozen=True, slots=True)
class Echo:
    """Repeats the last user text."""

    def __call__(self, ask: Ask, /) -> Turn:
        """The last user text, or a dot when there is none."""
        return Turn(text=ask.last_user_text or ".")


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always says the same."""

    turn: Turn | Raw

    def __call__(self, ask: Ask, /) -> Turn | Raw:
        """The turn given at construction."""
        del ask
        return self.turn


@dataclass(frozen=True, slots=True)
class ByVendor:
    """A script for each vendor, and one for the others."""

    scripts: Mapping[str, Callable[[Ask], Turn | Raw]]
    otherwise: Callable[[Ask], Turn | Raw] = field(default_factory=Echo)

    def __call__(self, ask: Ask, /) -> Turn | Raw:
        """What that vendor's script says."""
        return self.scripts.get(ask.vendor, self.otherwise)(ask)
