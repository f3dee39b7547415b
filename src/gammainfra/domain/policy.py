"""What the owner of a key and the operator allow: limits on routing that no request can widen.

A value made when the key is authenticated; routing.plan applies it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hedging:
    """Whether a silent endpoint's equal may be asked beside it, for callers that want speed (C21).

    ``delay_ms`` None: as long as nearly all of the endpoint's answers take to begin; 0: both at once. ``extra_max`` is
    the most second legs, as a share (0..1) of the requests that may have one.
    """

    enabled: bool = False
    delay_ms: float | None = None
    extra_max: float = 0.05


NO_HEDGING = Hedging()


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How fast one API key may ask; 0: as fast as it likes. Tokens are those of questions and answers together."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    concurrency: int = 0

    def __bool__(self) -> bool:
        return bool(self.requests_per_minute or self.tokens_per_minute or self.concurrency)

    @property
    def shown(self) -> str:
        """In words."""
        parts = {
            "requests per minute": self.requests_per_minute,
            "tokens per minute": self.tokens_per_minute,
            "requests at a time": self.concurrency,
        }
        return ", ".join(f"{limit} {what}" for what, limit in parts.items() if limit)


@dataclass(frozen=True, slots=True)
class Policy:
    """``allowed_models`` are model ids, or ``vendor/*``; empty allows all. ``gammainfra/*`` names are always allowed:

    they choose among the allowed models. ``priced_only`` refuses models without a price (C26, credits mode).
    ``hedging`` is what operator and key allow of it.
    """

    allowed_models: tuple[str, ...] = ()
    priced_only: bool = False
    hedging: Hedging = NO_HEDGING

    def allows(self, model_id: str) -> bool:
        """Whether this key may be answered by the model ``vendor/name``."""
        allowed = self.allowed_models
        return not allowed or model_id in allowed or f"{model_id.partition('/')[0]}/*" in allowed
