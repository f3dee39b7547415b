"""How long something rests after a refusal: the provider's word when there is one, else a guess that doubles.

The word is kept: nobody is asked before, and a Turn may sleep for it. A guess only puts others first, until refusals
in a row have proved it: agents that loop fast must not wait because we imagine something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gammainfra.domain import limits

GUESS_S: Final = 1.0
GUESS_MAX_S: Final = 32.0
PROVED: Final = 3  # refusals in a row without a word


@dataclass(slots=True)
class Cooldown:
    """All times are monotonic seconds, 0 without a cooldown. ``guess_until`` is never before ``until``."""

    until: float = 0.0
    guess_until: float = 0.0
    since: float = 0.0
    refusals: int = 0  # in a row

    def refused(self, retry_after_s: float | None, now: float) -> None:
        """It was refused; the longer of the known and the new cooldown holds, at most limits.COOLDOWN_MAX_S."""
        if self.guess_until <= now:
            self.since = now
        self.refusals = min(self.refusals + 1, 16)
        guess_s = min(GUESS_S * 2 ** (self.refusals - 1), GUESS_MAX_S)
        wait_s = min(guess_s if retry_after_s is None else retry_after_s, limits.COOLDOWN_MAX_S)
        self.guess_until = max(self.guess_until, now + wait_s)
        if retry_after_s is not None or self.refusals >= PROVED:
            self.until = max(self.until, now + wait_s)

    def served(self, asked_at: float) -> None:
        """A request that was sent at ``asked_at`` was answered. One that is older than the cooldown proves nothing."""
        self.refusals = 0
        if asked_at > self.since:
            self.until = self.guess_until = 0.0


@dataclass(slots=True)
class RetryBudget:
    """Repeats at the same endpoint: a fifth of its requests and three a second, so that an outage is not made worse.

    Finagle's and Envoy's retry budgets have this shape.
    """

    tokens: float = limits.RETRY_BUDGET_MAX
    at: float = 0.0

    def asked(self, now: float) -> None:
        """A request was sent there for the first time."""
        self._refill(now)
        self.tokens = min(self.tokens + limits.RETRY_BUDGET_SHARE, limits.RETRY_BUDGET_MAX)

    def repeated(self, now: float) -> None:
        """A request was sent there once more."""
        self._refill(now)
        self.tokens = max(self.tokens - 1, 0.0)

    def allows(self, now: float) -> bool:
        """Whether a repeat may follow."""
        self._refill(now)
        return self.tokens >= 1

    def _refill(self, now: float) -> None:
        self.tokens = min(self.tokens + (now - self.at) * limits.RETRY_BUDGET_PER_S, limits.RETRY_BUDGET_MAX)
        self.at = now
