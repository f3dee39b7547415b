"""The contract between the server, which knows HTTP and time, and a vendor, which knows its own JSON. A
vendor is pure: it checks, reads, counts and renders; it never waits, writes or remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gammainfra.simulate.cache import PrefixMemory
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece
from gammainfra.simulate.script import Ask, Turn
from gammainfra.simulate.usage import SimulatedUsage

Body = dict[str, Any]


class Finish(StrEnum):
    """Why the model stopped; each vendor has its own word for it."""

    STOP = "stop"
    CALLS = "calls"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A tool call as it will be written: the id may be missing, the arguments may not parse."""

    call_id: str | None
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything a vendor needs to render an answer. ``finish`` is None when the finish is left out."""

    answer_id: str
    created_s: float
    ask: Ask
    body: Body
    text: str
    thinking: str
    calls: tuple[WrittenCall, ...]
    finish: Finish | None
    usage: SimulatedUsage
    pace: Pace


@dataclass(frozen=True, slots=True)
class Moment:
    """What the headers of an answer are made of. ``used_tokens`` is the weight of this prompt."""

    request_id: str
    now_s: float
    taken_ms: int
    request_number: int
    used_tokens: int


class Vendor(Protocol):
    """One vendor's API."""

    @property
    def name(self) -> str:
        """The word for it in logs and options."""
        ...

    @property
    def base_path(self) -> str:
        """What an SDK's base URL has after the host."""
        ...

    @property
    def stream_type(self) -> str:
        """The content type of a stream."""
        ...

    @property
    def generate_paths(self) -> frozenset[str]:
        """Paths that generate."""
        ...

    @property
    def model_paths(self) -> frozenset[str]:
        """Paths that list models."""
        ...

    @property
    def count_paths(self) -> frozenset[str]:
        """Paths that count tokens."""
        ...

    def read_key(self, headers: Mapping[str, str]) -> str:
        """The key of the request, or "" when there is none."""
        ...

    def refuse_key(self, key: str) -> Refusal:
        """The refusal of a missing or wrong key."""
        ...

    def refuse_size(self) -> Refusal:
        """The refusal of a body that is too long."""
        ...

    def refuse_path(self, method: str, path: str) -> Refusal:
        """The refusal of a path that does not exist."""
        ...

    def refuse_syntax(self) -> Refusal:
        """The refusal of a body that is not a JSON object."""
        ...

    def refuse_length(self, prompt_tokens: int, window_tokens: int) -> Refusal:
        """The refusal of a prompt longer than the context window."""
        ...

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of one of the refusal faults."""
        ...

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """Raises Refusal unless the vendor's documented rules accept the request."""
        ...

    def read(self, body: Body) -> Ask:
        """The request without the vendor's dress; only after ``check``."""
        ...

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """The turn as this vendor's models would make it (thinking forced, or left out)."""
        ...

    def count_prompt(self, body: Body) -> int:
        """Tokens of the prompt, by the simulator's rule."""
        ...

    def meter(self, body: Body, root: str, memory: PrefixMemory) -> SimulatedUsage:
        """The prompt divided into the vendor's classes; remembers the prompt's prefixes."""
        ...

    def make_answer_id(self, mint: Mint) -> str:
        """A new id of an answer."""
        ...

    def make_call_id(self, mint: Mint, at: int) -> str:
        """A new id of the call at this position of the turn."""
        ...

    def make_request_id(self, mint: Mint) -> str:
        """A new id of a request, for the headers."""
        ...

    def render_stream(self, answer: Answer) -> list[Piece]:
        """The labelled pieces of the SSE body."""
        ...

    def render_whole(self, answer: Answer) -> bytes:
        """The JSON body."""
        ...

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """The JSON body of an error answer."""
        ...

    def render_error_event(self, request_id: str) -> bytes:
        """An error inside a stream, as SSE bytes."""
        ...

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """The vendor's headers of any answer, without content-type."""
        ...

    def render_models(self) -> bytes:
        """The JSON body of ``GET /v1/models``."""
        ...
