"""How one request wants to be served: the values of its ``X-GammaInfra-*`` headers (contract C30..C39).

Read once, strictly: a malformed value is a 400 that names the header, the value and the allowed form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

DEFAULT_DIAL = 0.3
Preference = Literal["latency", "cost", "quality"]
AllowFallbacks = Literal["any", "same-model", "none"]


@dataclass(frozen=True, slots=True)
class Options:
    """``dial`` None: not given. ``max_latency_ms`` is one deadline for the whole cascade; money in nano-USD."""

    dial: float | None = None
    preference: Preference | None = None
    max_latency_ms: int | None = None
    max_cost_nano: int | None = None
    max_session_nano: int | None = None
    session_id: str | None = None
    region: str | None = None
    allow_fallbacks: AllowFallbacks = "any"
    explain: bool = False
    idempotency_key: str | None = None
    retry_count: int = 0

    def later(self, seconds: float) -> Options:
        """The same wishes when so much of the latency budget is spent already."""
        if self.max_latency_ms is None or not seconds:
            return self
        return replace(self, max_latency_ms=max(1, round(self.max_latency_ms - seconds * 1000)))


def read_retry_count(text: str | None) -> int:
    """The count in ``X-Stainless-Retry-Count`` (0 on a first try); what an SDK writes there is never worth a 400."""
    return int(text) if text is not None and len(text) <= 2 and text.isascii() and text.isdigit() else 0  # noqa: PLR2004
