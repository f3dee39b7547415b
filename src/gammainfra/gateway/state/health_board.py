"""How endpoints and keys are doing, as this process saw it: cooldowns after refusals, error rate, time to first token.

Per process; a restart forgets it, and the first requests measure anew. At most limits.HEALTH_ENDPOINTS rows.
A key that was throttled cools down for as long as the provider says; an endpoint is free when any of its keys is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.health import EndpointHealth, HealthSnapshot

_COOLS: Final = frozenset({Cause.RATE_LIMIT, Cause.OVERLOADED, Cause.UNAVAILABLE})
_REJECTS: Final = frozenset({Cause.CREDENTIALS_REJECTED, Cause.BILLING})  # until the operator acts
_REJECTED_S: Final = 60.0
_FIRST_COOLDOWN_S: Final = 1.0  # without the provider's word; doubles with every further refusal in a row
_WEIGHT: Final = 0.2  # of the newest observation in the moving averages


@dataclass(slots=True)
class _Row:
    """One endpoint: its keys once one failed, when each is free again, refusals in a row by key, moving averages."""

    key_ids: Sequence[str] = ()
    free_at: dict[str, float] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    error_rate: float = 0.0
    ttft_ms: float | None = None


class HealthBoard:
    """Observations in, a snapshot for routing out."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._shown: dict[str, EndpointHealth] = {}

    def snapshot(self) -> HealthSnapshot:
        """What routing sees now. The value is live: use it before the next await."""
        return HealthSnapshot(self._shown)

    def free_key(self, endpoint: str, key_ids: Sequence[str], now: float) -> str:
        """The first key that is not cooling down, else the one that is free soonest."""
        row = self._rows.get(endpoint)
        if row is None:
            return key_ids[0]
        return min(key_ids, key=lambda key_id: max(row.free_at.get(key_id, 0.0), now))

    def served(self, endpoint: str, key_id: str, *, ttft_ms: float | None) -> None:
        """An attempt gave an answer."""
        row = self._row(endpoint)
        row.refusals.pop(key_id, None)
        row.error_rate *= 1 - _WEIGHT
        if ttft_ms is not None:
            row.ttft_ms = ttft_ms if row.ttft_ms is None else row.ttft_ms + _WEIGHT * (ttft_ms - row.ttft_ms)
        self._show(endpoint, row)

    def failed(self, endpoint: str, key_id: str, key_ids: Sequence[str], failure: Failure, now: float) -> None:
        """An attempt failed by the provider's fault."""
        row = self._row(endpoint)
        row.key_ids = key_ids
        row.error_rate += _WEIGHT * (1 - row.error_rate)
        if failure.cause in _REJECTS:
            row.free_at[key_id] = now + _REJECTED_S
        elif failure.cause in _COOLS:
            times = row.refusals[key_id] = row.refusals.get(key_id, 0) + 1
            own_s = _FIRST_COOLDOWN_S * 2 ** min(times - 1, 5)
            cooldown_s = min(own_s if failure.retry_after_s is None else failure.retry_after_s, limits.COOLDOWN_MAX_S)
            row.free_at[key_id] = max(row.free_at.get(key_id, 0.0), now + cooldown_s)
        self._show(endpoint, row)

    def _row(self, endpoint: str) -> _Row:
        row = self._rows.setdefault(endpoint, _Row())
        self._rows.move_to_end(endpoint)
        while len(self._rows) > limits.HEALTH_ENDPOINTS:
            forgotten, _ = self._rows.popitem(last=False)
            self._shown.pop(forgotten, None)
        return row

    def _show(self, endpoint: str, row: _Row) -> None:
        not_before = min((row.free_at.get(key_id, 0.0) for key_id in row.key_ids), default=0.0)
        self._shown[endpoint] = EndpointHealth(not_before, row.error_rate, row.ttft_ms)
