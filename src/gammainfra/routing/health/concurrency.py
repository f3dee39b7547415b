"""How many requests a key carries at once, learned from its refusals: additive increase, multiplicative decrease.

No provider says how much it takes, so there is no limit until the first refusal. Above the limit others are asked
first; nothing is refused. The rule is that of TCP (RFC 5681, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST: Final = 2  # one agent step at a time says nothing about concurrency
DECREASE: Final = 0.7
FORGET_S: Final = 600.0  # without a refusal


@dataclass(slots=True)
class Concurrency:
    """``limit`` None: none is known. ``refused_at`` is monotonic seconds."""

    limit: float | None = None
    refused_at: float = 0.0

    def refused(self, in_flight: int, now: float) -> None:
        """A request was refused for too many; ``in_flight`` counts the refused one."""
        carried = in_flight if self.limit is None else min(self.limit, in_flight)
        self.limit = max(carried * DECREASE, LEAST)
        self.refused_at = now

    def served(self, now: float) -> None:
        """A request was answered: one more each time that the whole limit was."""
        if self.limit is None:
            return
        self.limit = None if now - self.refused_at > FORGET_S else self.limit + 1 / self.limit

    def is_full(self, in_flight: int) -> bool:
        """Whether one more is likely to be refused."""
        return self.limit is not None and in_flight >= int(self.limit)
