"""How the endpoints are doing, as routing sees it: a snapshot of values, taken before the plan.

gateway.state measures and fills it; what follows from it is decided in routing.plan. Nothing here ages by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """One endpoint over all its keys: the best that any key of it can offer now.

    ``not_before`` is the end of its cooldown in monotonic seconds (0: free), ``error_rate`` a moving average in 0..1,
    ``ttft_ms`` the measured time to the first token (None until enough was measured: the catalog's prior counts),
    ``open`` whether its breaker refuses requests.
    """

    not_before: float = 0.0
    error_rate: float = 0.0
    ttft_ms: float | None = None
    open: bool = False

    def is_free(self, now: float) -> bool:
        """Whether it may be asked at ``now`` (monotonic seconds) as well as any other."""
        return not self.open and self.not_before <= now


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """Health by endpoint name; an endpoint that was never asked is healthy."""

    endpoints: Mapping[str, EndpointHealth] = field(default_factory=dict)
    default: EndpointHealth = EndpointHealth()

    def of(self, endpoint: str) -> EndpointHealth:
        """The health of the endpoint of that name."""
        return self.endpoints.get(endpoint, self.default)
