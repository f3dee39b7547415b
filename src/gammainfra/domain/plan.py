"""What routing decided: the ordered chain of candidates, and everything that was dropped with the reason.

A Plan is a value: stored with the request (no prompt text in it), explained to the caller, and driven by the Run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gammainfra.domain.endpoint import Endpoint

RouteReason = Literal["pin", "auto", "fast", "sticky", "dial", "chain", "alias", "fallback", "hedge"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint worth asking. ``not_before`` (monotonic seconds) is the end of its cooldown, 0 when it is free.

    ``cost_bound_nano`` is the upper bound of this request's price there, ``expected_nano`` what it will likely cost;
    None when no price is known. ``hedge_after_s`` is how long it may be silent before the next candidate, its equal, is
    asked beside it; None: never.
    """

    endpoint: Endpoint
    reason: str
    score: float = 0.0
    not_before: float = 0.0
    cost_bound_nano: int | None = None
    expected_nano: int | None = None
    hedge_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """An endpoint that was not considered further, and why, in words a user understands."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The chain (1..4 candidates), best first. ``asked`` is the model as the caller wrote it.

    ``dial_applied`` is the value that decided, None when it did not. ``deadline`` is monotonic seconds.
    """

    asked: str
    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...] = ()
    route_reason: RouteReason = "pin"
    label: str = ""
    dial_applied: float | None = None
    router_version: str = "v1"
    deadline: float | None = None

    @property
    def may_hedge(self) -> bool:
        """Whether a second endpoint may be asked beside a silent one."""
        return any(candidate.hedge_after_s is not None for candidate in self.candidates)
