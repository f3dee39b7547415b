"""The bench's table: what was measured beside what should come out, as markdown. It measures nothing itself."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

_HEADS = ("what", "unit", "goal", "measured", "rounds", "verdict", "answers/s", "p50 ms", "p99 ms", "busy connections")
TOLERATED = 3.0  # times the goal


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``values`` are those of the rounds, ``pooled`` the one of all together where that is what counts.

    ``beside`` are the last columns: what shows that the run itself was sound.
    """

    name: str
    unit: str
    goal: float | None
    values: Sequence[float]
    pooled: float | None = None
    beside: Sequence[str] = field(default=("", "", "", ""))

    @property
    def measured(self) -> float | None:
        """The median of the rounds, or the pooled value; None where it cannot be measured on this system."""
        if self.pooled is not None:
            return self.pooled
        return statistics.median(self.values) if self.values else None

    @property
    def excess(self) -> float:
        """The measured value as a multiple of the goal; 0 without one of them."""
        measured = self.measured
        return 0.0 if measured is None or self.goal is None else measured / self.goal

    @property
    def verdict(self) -> str:
        """In words."""
        if self.measured is None:
            return "not measured on this system"
        if self.goal is None:
            return ""
        return "met" if self.excess <= 1 else f"{self.excess:.2f} x the goal"

    def cells(self) -> list[str]:
        """As text, in the order of the heads."""
        spread = f"{shown(min(self.values))} - {shown(max(self.values))}" if self.values else ""
        goal = "" if self.goal is None else f"{self.goal:g}"
        measured = "" if self.measured is None else shown(self.measured)
        return [self.name, self.unit, goal, measured, spread, self.verdict, *self.beside]


def shown(value: float) -> str:
    """Print a number with three digits that matter."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def markdown(rows: Sequence[Row]) -> str:
    """Print the rows with aligned columns."""
    lines = [list(_HEADS), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    printed = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    printed.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in printed)
