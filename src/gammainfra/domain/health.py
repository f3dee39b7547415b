"""How the endpoints and keys are doing: the snapshot that routing plans with, and the report that people read.

gateway.state measures and fills both; what follows from a snapshot is decided in routing.plan. Nothing here ages by
itself: times are absolute, so a value stays true while time passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HealthState = Literal["healthy", "busy", "cooling", "half_open", "open", "rejected"]
STATES: tuple[HealthState, ...] = ("healthy", "busy", "cooling", "half_open", "open", "rejected")  # best first


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """One endpoint over all its keys: the best that any key of it can offer now. Times are monotonic seconds, 0: none.

    ``not_before`` is the end of a cooldown that the provider asked for (or that is proved): a Turn may sleep for it.
    ``avoid_until``: others are asked first until then, on our own guess. ``broken_until``: its breaker is open; after
    that moment one request at a time may try it, and ``probing`` says that one does. ``rejected_until``: the provider
    rejects our keys or does not know the model. ``busy``: every key is at its limit of concurrent requests.
    ``error_rate`` is a moving average in 0..1; ``ttft_ms`` and ``tokens_per_s`` are measured medians (None until
    something was measured: the catalog's prior counts), ``ttft_p95_ms`` what 19 of 20 answers need to begin (None until
    enough were measured). ``why`` is what it suffers from, in one word.
    """

    not_before: float = 0.0
    avoid_until: float = 0.0
    broken_until: float = 0.0
    rejected_until: float = 0.0
    probing: bool = False
    busy: bool = False
    error_rate: float = 0.0
    ttft_ms: float | None = None
    ttft_p95_ms: float | None = None
    tokens_per_s: float | None = None
    why: str = ""

    def badness(self, now: float) -> int:
        """0 when it may be asked as well as any other; the larger, the later it is asked (places in STATES)."""
        if self.rejected_until > now:
            return 5
        if self.broken_until > now:
            return 4
        if self.probing:
            return 3
        if self.not_before > now or self.avoid_until > now:
            return 2
        return 1 if self.busy else 0

    def is_free(self, now: float) -> bool:
        """Whether it may be asked at ``now`` as well as any other."""
        return not self.badness(now)

    def is_rejected(self, now: float) -> bool:
        """Whether asking is certain to fail until the operator acts."""
        return self.rejected_until > now

    def state(self, now: float) -> HealthState:
        """The same in a word."""
        return STATES[self.badness(now)]


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """Health by endpoint name; ``providers`` holds, by provider, what is true of endpoints that were never asked."""

    endpoints: Mapping[str, EndpointHealth] = field(default_factory=dict)
    providers: Mapping[str, EndpointHealth] = field(default_factory=dict)
    default: EndpointHealth = EndpointHealth()

    def of(self, endpoint: str) -> EndpointHealth:
        """The health of the endpoint of that name."""
        known = self.endpoints.get(endpoint)
        if known is None and self.providers:
            known = self.providers.get(endpoint.partition("/")[0])
        return self.default if known is None else known


# ---- the report ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class KeyReport:
    """One key at one endpoint, by its id, never its secret. ``since`` and ``until`` are epoch seconds or None.

    ``limit`` is the concurrency it is believed to carry (None: no bound is known), ``left`` the share of the provider's
    own limits that remains (None: it does not say), ``errors`` the moving share of attempts by error class.
    """

    id: str
    state: HealthState
    reason: str
    since: float | None
    until: float | None
    in_flight: int
    limit: int | None
    left: float | None
    errors: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """One endpoint. Times as in KeyReport; medians and 95th percentiles are None until something was measured."""

    endpoint: str
    provider: str
    state: HealthState
    reason: str
    since: float | None
    until: float | None
    in_flight: int
    error_rate: float
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    tokens_per_s: float | None
    keys: tuple[KeyReport, ...]


@dataclass(frozen=True, slots=True)
class HealthChange:
    """An endpoint went from one state to another at epoch seconds ``at``."""

    at: float
    endpoint: str
    before: HealthState
    after: HealthState
    reason: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Everything this process knows: endpoints by name, and the last changes, oldest first."""

    at: float
    endpoints: tuple[EndpointReport, ...]
    changes: tuple[HealthChange, ...] = ()
