"""The breaker of one endpoint: when it stops being asked first, and when it is trusted again.

    closed     asked as ranked; opens after failures in a row, or when half of the last requests failed
    open       others are asked first, for a time that doubles with every opening in a row
    half-open  the time is over: one real request at a time goes through; three answers close it, a failure opens it

It decides from what it is told and never refuses anybody: who is asked when nobody else is left is the plan's choice.
A percentage alone is no rule: with few requests it never opens, or opens on the first failure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from gammainfra.domain import limits

Phase = Literal["closed", "open", "half_open"]

FAILURES_IN_A_ROW: Final = 3
FAILED_SHARE: Final = 0.5  # of the last requests, when there were at least as many as here:
LEAST_REQUESTS: Final = 10
WINDOW_S: Final = 60.0
OPEN_S: Final = 5.0
ANSWERS_TO_CLOSE: Final = 3
JITTER: Final = 0.25  # either way, so that many processes do not probe at one moment


@dataclass(slots=True)
class Breaker:
    """``until`` is when it becomes half-open and ``since`` when it opened, in monotonic seconds; 0 while closed."""

    until: float = 0.0
    since: float = 0.0
    openings: int = 0  # in a row
    _answers: int = 0  # since it became half-open
    _in_a_row: int = 0
    _recent: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=limits.HEALTH_WINDOW))

    def phase(self, now: float) -> Phase:
        """Where it stands at ``now``."""
        if not self.openings:
            return "closed"
        return "open" if now < self.until else "half_open"

    def failed(self, now: float, uniform: float) -> None:
        """A request failed by the endpoint's fault. ``uniform`` in [0, 1) spreads the end of the pause.

        What fails while it is open was asked before, or because nobody else was left: it opens no further.
        """
        match self.phase(now):
            case "open":
                return
            case "half_open":
                self._open(now, uniform)
            case _:
                self._in_a_row += 1
                self._recent.append((now, False))
                if self._in_a_row >= FAILURES_IN_A_ROW or self._share_is_bad(now):
                    self._open(now, uniform)

    def served(self, asked_at: float, now: float) -> None:
        """A request that was sent at ``asked_at`` was answered. One from before the opening proves nothing.

        One sent while it is open does: somebody had no other choice, and it worked.
        """
        if asked_at < self.since:
            return
        self._in_a_row = 0
        if not self.openings:
            self._recent.append((now, True))
            return
        self.until = min(self.until, now)
        self._answers += 1
        if self._answers >= ANSWERS_TO_CLOSE:
            self.until = self.since = 0.0
            self.openings = 0

    def _share_is_bad(self, now: float) -> bool:
        recent = [ok for at, ok in self._recent if at > now - WINDOW_S]
        return len(recent) >= LEAST_REQUESTS and recent.count(False) >= FAILED_SHARE * len(recent)

    def _open(self, now: float, uniform: float) -> None:
        pause_s = min(OPEN_S * 2**self.openings, limits.BREAKER_OPEN_MAX_S)
        self.since = self.since or now
        self.until = now + pause_s * (1 - JITTER + 2 * JITTER * uniform)
        self.openings = min(self.openings + 1, 16)
        self._answers = self._in_a_row = 0
        self._recent.clear()
