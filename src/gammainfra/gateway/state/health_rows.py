"""What is kept of an endpoint, of a key and of the two together: the rules' states and the measurements, no decision.

Bounded: an endpoint has as many pairs as its provider has keys, and as many sketches as there are shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gammainfra.domain.health import EndpointHealth
from gammainfra.providers.provider import LimitScope
from gammainfra.routing.health.breaker import Breaker
from gammainfra.routing.health.concurrency import Concurrency
from gammainfra.routing.health.cooldown import Cooldown, RetryBudget
from gammainfra.routing.health.errors import ErrorRates
from gammainfra.routing.health.keys import Standing
from gammainfra.routing.health.patience import Shape
from gammainfra.routing.health.quantiles import Quantiles


@dataclass(slots=True)
class KeyRow:
    """One key of a provider over all models: how busy it is, and whether the provider rejects it."""

    id: str
    in_flight: int = 0
    cooldown: Cooldown = field(default_factory=Cooldown)  # of a provider that limits keys, not models
    rejected_until: float = 0.0
    rejected_since: float = 0.0
    why: str = ""


@dataclass(slots=True)
class PairRow:
    """One key at one endpoint. ``left`` is what its provider says remains, None when it does not say."""

    in_flight: int = 0
    concurrency: Concurrency = field(default_factory=Concurrency)
    cooldown: Cooldown = field(default_factory=Cooldown)
    left: float | None = None
    empty_until: float = 0.0
    errors: ErrorRates = field(default_factory=ErrorRates)
    why: str = ""


@dataclass(slots=True)
class EndpointRow:
    """One endpoint over all its keys."""

    name: str
    provider: str
    keys: tuple[KeyRow, ...]
    limit_scope: LimitScope = "model"
    pairs: dict[str, PairRow] = field(default_factory=dict)
    breaker: Breaker = field(default_factory=Breaker)
    cooldown: Cooldown = field(default_factory=Cooldown)
    rejected_until: float = 0.0
    rejected_since: float = 0.0
    probing: bool = False
    budget: RetryBudget = field(default_factory=RetryBudget)
    errors: ErrorRates = field(default_factory=ErrorRates)
    ttft_ms: Quantiles = field(default_factory=Quantiles)
    ttft_by_shape: dict[Shape, Quantiles] = field(default_factory=dict)
    tokens_per_s: Quantiles = field(default_factory=Quantiles)
    median_ttft_ms: float | None = None
    slow_ttft_ms: float | None = None  # the 95th percentile, once enough was measured
    median_tokens_per_s: float | None = None
    why: str = ""

    def pair(self, key_id: str) -> PairRow:
        """The row of one key here."""
        return self.pairs.setdefault(key_id, PairRow())

    def key_health(self, key: KeyRow) -> EndpointHealth:
        """How this endpoint is with that key."""
        pair = self.pairs.get(key.id) or PairRow()
        not_before = max(self.cooldown.until, pair.cooldown.until, key.cooldown.until)
        guess = max(self.cooldown.guess_until, pair.cooldown.guess_until, key.cooldown.guess_until, pair.empty_until)
        rejected_until = max(self.rejected_until, key.rejected_until)
        return EndpointHealth(
            not_before=not_before,
            avoid_until=max(not_before, guess),
            broken_until=self.breaker.until,
            rejected_until=rejected_until,
            probing=self.probing,
            busy=pair.concurrency.is_full(pair.in_flight),
            error_rate=self.errors.total,
            ttft_ms=self.median_ttft_ms,
            ttft_p95_ms=self.slow_ttft_ms,
            tokens_per_s=self.median_tokens_per_s,
            why=(key.why if key.rejected_until else "") or pair.why or self.why or key.why,
        )

    def health(self, now: float) -> EndpointHealth:
        """How it is with the best of its keys."""
        return min(
            (self.key_health(key) for key in self.keys),
            key=lambda one: (one.badness(now), one.not_before, one.avoid_until),
        )

    def standing(self, key: KeyRow, now: float) -> Standing:
        """What the choice of a key looks at. The breaker is the endpoint's: it is no difference between keys."""
        pair = self.pairs.get(key.id) or PairRow()
        health = self.key_health(key)
        waits = health.not_before if health.not_before > now else 0.0
        left = 1.0 if pair.left is None else pair.left
        return Standing(key.id, health.badness(now), waits, key.in_flight, left)
