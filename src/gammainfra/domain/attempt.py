"""One exchange with one provider, and how it ended: what the fallback chain, the records and the dashboard show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gammainfra.domain.failure import Failure
from gammainfra.domain.usage import Usage

CancelledBy = Literal["hedge", "deadline", "client", "stop"]
Ending = Literal["served", "failed", "timed_out", "abandoned", "stopped"]


@dataclass(frozen=True, slots=True)
class Served:
    """The attempt whose answer the caller got."""


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A failure that a later attempt recovered: not an error in any statistic the user sees."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class LegFailed:
    """A failure that nothing recovered."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Ended by our own decision."""

    by: CancelledBy


Outcome = Served | Absorbed | LegFailed | Cancelled


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP dispatch. Times are milliseconds since the Turn began; None when that moment never came.

    ``cost_nano`` is what the provider bills for it as far as known: exact for the served one, 0 for a refusal,
    estimated (``usage.estimated``) when it was cut; None when the endpoint has no price. ``hedge``: it was asked beside
    another one that was silent.
    """

    number: int
    endpoint: str
    provider: str
    upstream_model: str
    started_ms: float
    outcome: Outcome
    first_token_ms: float | None = None
    ended_ms: float | None = None
    status: int | None = None
    upstream_request_id: str | None = None
    usage: Usage = Usage()
    cost_nano: int | None = 0
    key_id: str = ""
    hedge: bool = False
