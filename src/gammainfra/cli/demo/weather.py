"""What fails in the demo and when: a forecast made from a seed, and the schedule that the pretended providers follow.

It decides the faults of each step and never looks at who is asked: the first request of a step meets the fault,
whichever provider gets it. Pure: the seed is an argument.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Final

from gammainfra.simulate import Dispatch, Fault

# In this order they enter a short task. The gateway avoids a provider for a while after the first group.
COOLING: Final = (Fault.RATE_LIMIT_RETRY_AFTER, Fault.OVERLOADED, Fault.HTML_502, Fault.EARLY_ERROR)
PASSING: Final = (
    Fault.CUT_AFTER_TEXT,
    Fault.EMPTY,
    Fault.CUT_IN_ARGUMENTS,
    Fault.SERVER_ERROR,
    Fault.BAD_JSON,
    Fault.RESET,
)
_STALL_STEPS: Final = (2, 6)  # early, while the pinned model is still asked first: its patience is the shortest
_SHARE: Final = 0.4  # of the steps


@dataclass(frozen=True, slots=True)
class Weather:
    """A Schedule. ``first``: the fault that the first request of a step meets; ``second``: one more, at a provider

    that is asked next. A request that repeats a step at the same provider is healthy unless ``second`` names it.
    """

    first: Mapping[int, Fault]
    second: Mapping[tuple[str, int], Fault] = field(default_factory=dict)

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """The fault of this request."""
        if not dispatch.ask.tool_names:
            return None
        step = dispatch.ask.step
        return self.first.get(step) if dispatch.first_of_step else self.second.get((dispatch.server, step))


def forecast(seed: int, steps: int, next_provider: str) -> Weather:
    """Two of five steps fail, each kind about once, among them a stall, a throttle, an overload and a cut.

    One of the steps fails at ``next_provider`` as well, so that the third one has to serve it.
    """
    dice = random.Random(f"weather:{seed}")  # noqa: S311 - dice
    kinds = _kinds(max(3, round(steps * _SHARE) - 2))
    cooling = sum(kind in COOLING for kind in kinds)
    stalled = dice.randint(_STALL_STEPS[0], min(_STALL_STEPS[1], steps - 3 - cooling))
    first = {stalled: Fault.STALL_BEFORE}
    # What must come late chooses first. The first step and the last two are spared: they are the frame of the task.
    for fault in sorted(kinds, key=lambda kind: kind not in COOLING):
        earliest = stalled + 1 if fault in COOLING else 1
        first[dice.choice([step for step in range(earliest, steps - 2) if step not in first])] = fault
    twice = next(step for step, fault in first.items() if fault is Fault.OVERLOADED)
    return Weather(dict(sorted(first.items())), {(next_provider, twice): Fault.RATE_LIMIT})


def _kinds(count: int) -> list[Fault]:
    """So many faults: both groups in turn, then the rest of the longer one, then all over again."""
    in_turn = [fault for pair in zip(COOLING, PASSING, strict=False) for fault in pair]
    every = [*in_turn, *(fault for fault in PASSING if fault not in in_turn)]
    return list(islice(cycle(every), count))
