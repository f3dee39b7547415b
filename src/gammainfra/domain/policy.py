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
