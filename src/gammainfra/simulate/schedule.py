"""When faults happen. A schedule is a pure function of one dispatch, so the same requests in the same order
meet the same faults in every run; it never looks at the answer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gammainfra.simulate.faults import Fault
from gammainfra.simulate.script import Ask

MAX_REMEMBERED_STEPS = 200_000


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One generation request as a schedule sees it.

    ``number`` counts the valid generation requests of this server from 1. ``first_of_step`` is true for the
    first of them that shows its (conversation, has tools, step) on any server of the world.
    """

    server: str
    number: int
    first_of_step: bool
    ask: Ask


class Schedule(Protocol):
    """Names the fault of a dispatch."""

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """The fault to inject, or None for a healthy answer."""
        ...


@dataclass(frozen=True, slots=True)
class Never:
    """No faults."""

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """None."""
        del dispatch
        return None


@dataclass(frozen=True, slots=True)
class Always:
    """The same fault every time."""

    fault: Fault

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """The fault."""
        del dispatch
        return self.fault


@dataclass(frozen=True, slots=True)
class At:
    """Faults at numbered requests of a server, counted from 1."""

    faults: Mapping[int, Fault] = field(default_factory=dict)

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """The fault of this number."""
        return self.faults.get(dispatch.number)


@dataclass(frozen=True, slots=True)
class FirstOfEachStep:
    """A fault at the first dispatch of every step, whichever server of the world sees it; healthy afterwards.

    Several faults take turns by step. ``tools_only`` spares requests without tools (titles, summaries).
    """

    fault: Fault | Sequence[Fault]
    tools_only: bool = True

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """The fault of this step, if it is the first dispatch of it."""
        if not dispatch.first_of_step or (self.tools_only and not dispatch.ask.tool_names):
            return None
        if isinstance(self.fault, Fault):
            return self.fault
        return self.fault[dispatch.ask.step % len(self.fault)] if self.fault else None


@dataclass(frozen=True, slots=True)
class Seeded:
    """Each request fails with probability ``rate``, by the seed, the server's name and the number."""

    seed: int
    rate: float
    faults: Sequence[Fault]

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """A fault of the list, or None."""
        dice = random.Random(f"{self.seed}:{dispatch.server}:{dispatch.number}")  # noqa: S311 - dice
        return dice.choice(self.faults) if self.faults and dice.random() < self.rate else None


class StepMemory:
    """Which steps were already shown to some server of the world; bounded, the oldest goes first."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bool, int], None] = {}

    def clear(self) -> None:
        """Forgets every step."""
        self._seen.clear()

    def note_first(self, ask: Ask) -> bool:
        """Notes the step of the request; true if no server saw it before."""
        key = (ask.task, bool(ask.tool_names), ask.step)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > MAX_REMEMBERED_STEPS:
            del self._seen[next(iter(self._seen))]
        return True
