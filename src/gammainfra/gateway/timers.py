"""The few timers of a Turn, by name: setting one replaces it, and all end together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from gammainfra.routing import run

DUE: Final[Mapping[run.TimerKind, run.Event]] = {
    "head": run.HeadDue(),
    "hedge": run.HedgeDue(),
    "funding": run.FundingLate(),
    "deadline": run.DeadlineHit(),
    "grace": run.GraceOver(),
    "linger": run.LingerOver(),
    "drain": run.DrainOver(),
}


class Timers:
    """Calls back after a delay in seconds. Bounded by the names in use."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.TimerHandle] = {}

    def set(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        """Call ``call`` after ``delay_s``; a timer of the same name is replaced."""
        before = self._running.pop(name, None)
        if before is not None:
            before.cancel()
        self._running[name] = asyncio.get_running_loop().call_later(max(delay_s, 0.0), call)

    def stop(self) -> None:
        """End all of them."""
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()
