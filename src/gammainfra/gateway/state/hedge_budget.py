"""How many second legs may run beside silent ones: a share of the requests that could have one, counted, not timed.

Every such request pays its share in, every second leg takes a whole one out; what calm times leave is kept up to
limits.HEDGE_TOKENS. So an outage in which every answer is late costs no more than the share either. Per process; a
restart begins with nothing saved.
"""

from __future__ import annotations

from gammainfra.domain import limits


class HedgeBudget:
    """``extra_max`` is the share, 0..1. Never more than ``extra_max * requests`` second legs in all."""

    def __init__(self, extra_max: float) -> None:
        self._extra_max = extra_max
        self._saved = 0.0
        self.requests = 0
        self.hedges = 0

    def pay_in(self) -> None:
        """A request that may have a second leg has come."""
        self.requests += 1
        self._saved = min(self._saved + self._extra_max, limits.HEDGE_TOKENS)

    def take(self) -> bool:
        """Whether a second leg may start now; it then counts."""
        if self._saved < 1.0 - 1e-9:  # twenty times 0.05 is a little less than 1
            return False
        self._saved -= 1.0
        self.hedges += 1
        return True
