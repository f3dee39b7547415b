"""How endpoints and keys are doing, as this process saw it. Observations in; a snapshot, a lease, a report out.

Per process; a restart forgets it, and the first requests measure anew. At most limits.HEALTH_ENDPOINTS rows. What an
observation means is decided in routing.health; who is asked, in routing.plan. Here it is only kept.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from gammainfra.domain import limits
from gammainfra.domain.failure import Failure
from gammainfra.domain.headroom import Headroom
from gammainfra.domain.health import EndpointHealth, HealthSnapshot, HealthState
from gammainfra.gateway.state.health_rows import EndpointRow, KeyRow
from gammainfra.gateway.state.leases import Lease
from gammainfra.providers.provider import LimitScope
from gammainfra.routing.health.errors import meaning
from gammainfra.routing.health.keys import choose_key
from gammainfra.routing.health.patience import ENOUGH, Shape
from gammainfra.routing.health.quantiles import Quantiles
from gammainfra.routing.run import SameEndpoint

Change = tuple[float, str, HealthState, HealthState, str]  # monotonic seconds, endpoint, before, after, why


class HealthBoard:
    """``uniform`` gives numbers in [0, 1): they spread the moments at which breakers let somebody through."""

    def __init__(self, uniform: Callable[[], float]) -> None:
        self.rows: OrderedDict[str, EndpointRow] = OrderedDict()
        self.changes: deque[Change] = deque(maxlen=limits.HEALTH_CHANGES)
        self._uniform = uniform
        self._keys: dict[str, tuple[KeyRow, ...]] = {}  # by provider: as many as are configured
        self._shown: dict[str, EndpointHealth] = {}
        self._shown_providers: dict[str, EndpointHealth] = {}

    def snapshot(self) -> HealthSnapshot:
        """What routing sees now. The value is live: use it before the next await."""
        return HealthSnapshot(self._shown, self._shown_providers)

    # ---- an attempt -------------------------------------------------------------------------------------------------
    def lease(
        self, endpoint: str, key_ids: Sequence[str], now: float, *,
        before: str = "", scope: LimitScope = "model", again: bool = False,
    ) -> Lease:  # fmt: skip
        """Take the best key for one attempt. ``before`` is the task's last key; ``again``: the Turn asked there before.

        It never refuses: whom to ask was planned, and the least bad is better than nobody.
        """
        row = self._row(endpoint, key_ids, scope)
        best = choose_key([row.standing(key, now) for key in row.keys], before)
        key = next(key for key in row.keys if key.id == best.id)
        lease = Lease(row, key, row.pair(key.id), now)
        lease.probe = row.breaker.phase(now) == "half_open" and not row.probing
        row.probing = row.probing or lease.probe
        if again:
            row.budget.repeated(now)
        else:
            row.budget.asked(now)
        key.in_flight += 1
        lease.pair.in_flight += 1
        self._show(row, now)
        return lease

    def free_key(self, endpoint: str, key_ids: Sequence[str], now: float) -> str:
        """The best key, for a question that costs nothing and proves nothing."""
        provider = endpoint.partition("/")[0]
        unknown = EndpointRow(endpoint, provider, self._keys.get(provider) or tuple(map(KeyRow, key_ids)))
        row = self.rows.get(endpoint, unknown)
        return choose_key([row.standing(key, now) for key in row.keys], "").id

    def heard(self, lease: Lease, headroom: Headroom | None, now: float) -> None:
        """An answer's head came, whatever its status; ``headroom`` None when it does not say what is left."""
        if headroom is not None:
            lease.pair.left = headroom.left
            lease.pair.empty_until = now + headroom.empty_s if headroom.empty_s else 0.0
            self._show(lease.endpoint, now)

    def first_token(self, lease: Lease, shape: Shape, ttft_ms: float, now: float) -> None:
        """A stream began to answer, or another one began first: without the latter the slow would look fast.

        A long answer does not hold up the next trial of a half-open breaker.
        """
        row = lease.endpoint
        row.ttft_ms.add(ttft_ms)
        row.ttft_by_shape.setdefault(shape, Quantiles()).add(ttft_ms)
        row.median_ttft_ms = row.ttft_ms.quantile(0.5)
        row.slow_ttft_ms = row.ttft_ms.quantile(0.95) if row.ttft_ms.n >= ENOUGH else None
        self._end_probe(lease)
        self._show(row, now)

    def served(self, lease: Lease, tokens_per_s: float | None, now: float) -> None:
        """The attempt gave a whole answer; ``tokens_per_s`` None when that was not measured."""
        row, key, pair = lease.endpoint, lease.key, lease.pair
        row.breaker.served(lease.at, now)
        pair.concurrency.served(now)
        for cooldown in (row.cooldown, pair.cooldown, key.cooldown):
            cooldown.served(lease.at)
        row.errors.add(None)
        pair.errors.add(None)
        if tokens_per_s is not None:
            row.tokens_per_s.add(tokens_per_s)
            row.median_tokens_per_s = row.tokens_per_s.quantile(0.5)
        row.rejected_until, row.why, pair.why = 0.0, "", ""
        self._show(row, now)
        if key.rejected_until and lease.at > key.rejected_since:
            key.rejected_until, key.why = 0.0, ""
            self._show_provider(row.provider, now)

    def failed(self, lease: Lease, failure: Failure, now: float) -> None:
        """The attempt failed. What was not the provider's fault changes nothing."""
        meant = meaning(failure.cause)
        if meant is None:
            return
        error, rests = meant
        row, key, pair = lease.endpoint, lease.key, lease.pair
        row.errors.add(error)
        pair.errors.add(error)
        why = failure.cause.value
        if rests == "key_cools":
            self._cool_key(lease, failure, now)
        elif rests == "endpoint_cools":
            row.cooldown.refused(failure.retry_after_s, now)
            row.why = why
        elif rests == "key_rejected":
            key.rejected_since = now if key.rejected_until <= now else key.rejected_since
            key.rejected_until, key.why = now + limits.REJECTED_S, why
            self._show_provider(row.provider, now)
        elif rests == "endpoint_rejected":
            row.rejected_since = now if row.rejected_until <= now else row.rejected_since
            row.rejected_until, row.why = now + limits.REJECTED_S, why
        elif rests == "breaker":
            row.breaker.failed(now, self._uniform())
            row.why = why
        self._show(row, now)

    def release(self, lease: Lease, now: float) -> None:
        """The attempt is over, however it ended. Once is enough."""
        if lease.over:
            return
        lease.over = True
        lease.key.in_flight -= 1
        lease.pair.in_flight -= 1
        self._end_probe(lease)
        self._show(lease.endpoint, now)

    # ---- questions --------------------------------------------------------------------------------------------------
    def same_endpoint(self, lease: Lease, now: float) -> SameEndpoint:
        """What asking the same endpoint once more is worth, after the failure of ``lease``."""
        row = lease.endpoint
        if not row.budget.allows(now):
            return "never"
        others = [row.key_health(key) for key in row.keys if key is not lease.key]
        return "now" if any(one.is_free(now) for one in others) else "later"

    def times_to_first_token(self, lease: Lease, shape: Shape) -> Quantiles:
        """What was measured there for requests of that shape, in milliseconds."""
        return lease.endpoint.ttft_by_shape.get(shape) or Quantiles()

    # ---- keeping ----------------------------------------------------------------------------------------------------
    def _cool_key(self, lease: Lease, failure: Failure, now: float) -> None:
        """A 429: the longest of the provider's words holds, Retry-After or the reset of what is used up."""
        row, key, pair = lease.endpoint, lease.key, lease.pair
        empty_s = pair.empty_until - now
        told = failure.retry_after_s if failure.retry_after_s is not None else empty_s if empty_s > 0 else None
        pair.concurrency.refused(pair.in_flight, now)
        if row.limit_scope == "key":
            key.cooldown.refused(told, now)
            key.why = failure.cause.value
            self._show_provider(row.provider, now)
        else:
            pair.cooldown.refused(told, now)
            pair.why = failure.cause.value

    def _end_probe(self, lease: Lease) -> None:
        if lease.probe:
            lease.probe = lease.endpoint.probing = False

    def _row(self, endpoint: str, key_ids: Sequence[str], scope: LimitScope) -> EndpointRow:
        row = self.rows.get(endpoint)
        if row is None:
            provider = endpoint.partition("/")[0]
            keys = self._keys.setdefault(provider, tuple(map(KeyRow, key_ids)))
            row = self.rows[endpoint] = EndpointRow(endpoint, provider, keys, scope)
        self.rows.move_to_end(endpoint)
        while len(self.rows) > limits.HEALTH_ENDPOINTS:
            forgotten, _ = self.rows.popitem(last=False)
            self._shown.pop(forgotten, None)
        return row

    def _show(self, row: EndpointRow, now: float) -> None:
        if self.rows.get(row.name) is not row:
            return  # forgotten meanwhile
        before = self._shown.get(row.name, EndpointHealth()).state(now)
        health = self._shown[row.name] = row.health(now)
        after = health.state(now)
        if before != after and "busy" not in {before, after}:
            self.changes.append((now, row.name, before, after, health.why))

    def _show_provider(self, provider: str, now: float) -> None:
        """A key changed for all models: those that were asked, and those that were not."""
        unasked = EndpointRow("", provider, self._keys[provider]).health(now)
        self._shown_providers[provider] = unasked
        for row in self.rows.values():
            if row.provider == provider:
                self._show(row, now)
