"""Prometheus metrics of the process: requests, attempts, tokens, money, times. No label ever names a key or a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gammainfra.domain.attempt import Absorbed, Attempt, Cancelled, LegFailed, Served
from gammainfra.domain.health import HealthReport, HealthState
from gammainfra.domain.money import NANO_PER_USD
from gammainfra.domain.record import RequestRecord

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_TOKEN_KINDS = ("input", "cache_read", "cache_write", "output", "reasoning")
_OVERHEAD = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
_CIRCUIT: Final[dict[HealthState, int]] = {"half_open": 1, "open": 2}  # everything else is closed: 0


class _Endpoints(Collector):
    """Every endpoint that was asked, as the health report shows it."""

    def __init__(self, health: Callable[[], HealthReport]) -> None:
        self._health = health

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: the names are known when they are read."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One sample for each endpoint; what was not measured is left out."""
        labels = ["provider", "model"]
        circuit = GaugeMetricFamily("gammainfra_circuit_state", "0 closed, 1 half-open, 2 open.", labels=labels)
        state = GaugeMetricFamily("gammainfra_endpoint_state", "1 for the state.", labels=[*labels, "state"])
        errors = GaugeMetricFamily("gammainfra_endpoint_error_rate", "Moving average, 0 to 1.", labels=labels)
        flight = GaugeMetricFamily("gammainfra_endpoint_inflight", "Attempts under way.", labels=labels)
        speed = GaugeMetricFamily("gammainfra_endpoint_tokens_per_second", "Median of answers.", labels=labels)
        ttft = GaugeMetricFamily(
            "gammainfra_endpoint_ttft_seconds", "Dispatch to the first token.", labels=[*labels, "quantile"]
        )
        for one in self._health().endpoints:
            names = [one.provider, one.endpoint.partition("/")[2]]
            circuit.add_metric(names, _CIRCUIT.get(one.state, 0))
            state.add_metric([*names, one.state], 1)
            errors.add_metric(names, one.error_rate)
            flight.add_metric(names, one.in_flight)
            if one.tokens_per_s is not None:
                speed.add_metric(names, one.tokens_per_s)
            for quantile, ms in (("0.5", one.ttft_p50_ms), ("0.95", one.ttft_p95_ms)):
                if ms is not None:
                    ttft.add_metric([*names, quantile], ms / 1000)
        yield from (circuit, state, errors, flight, speed, ttft)


class Metrics:
    """What Prometheus reads. The arguments are asked when it does."""

    def __init__(
        self,
        *,
        in_flight: Callable[[], int],
        queued: Callable[[], int],
        lost: Callable[[], int],
        health: Callable[[], HealthReport],
    ) -> None:
        self._registry = registry = CollectorRegistry()
        registry.register(_Endpoints(health))
        self._requests = Counter(
            "gammainfra_requests", "Turns by ending.", ["ending", "provider", "model"], registry=registry
        )
        self._attempts = Counter(
            "gammainfra_attempts", "Attempts by outcome and cause.", ["provider", "outcome", "cause"], registry=registry
        )
        self._seconds = Histogram(
            "gammainfra_request_seconds", "Arrival to settle.", buckets=_SECONDS, registry=registry
        )
        self._ttft = Histogram(
            "gammainfra_ttft_seconds", "Arrival to the first token.", buckets=_SECONDS, registry=registry
        )
        self._overhead = Histogram("gammainfra_overhead_seconds", "Our own time.", buckets=_OVERHEAD, registry=registry)
        tokens = Counter("gammainfra_tokens", "Tokens by class.", ["kind"], registry=registry)
        self._tokens = {kind: tokens.labels(kind) for kind in _TOKEN_KINDS}
        self._cost = Counter(
            "gammainfra_cost_usd", "Pass-through cost; absorbed: of failing attempts.", ["kind"], registry=registry
        )
        self._hedges = Counter(
            "gammainfra_hedges", "Second legs asked beside a silent one, by which won.", ["won"], registry=registry
        )
        self._defects = Counter("gammainfra_defects", "Mistakes in our own code.", registry=registry)
        Gauge("gammainfra_inflight", "Requests in flight.", registry=registry).set_function(in_flight)
        Gauge("gammainfra_log_queue_depth", "Records to be written.", registry=registry).set_function(queued)
        Gauge("gammainfra_log_lost", "Records that were never written.", registry=registry).set_function(lost)

    def turn_ended(self, record: RequestRecord) -> None:
        """Count a settled Turn."""
        self._requests.labels(record.ending, record.provider, record.model).inc()
        for attempt in record.attempts:
            if attempt.hedge:
                self._hedges.labels(_winner(record.attempts, attempt)).inc()
            match attempt.outcome:
                case Absorbed(failure):
                    self._attempts.labels(attempt.provider, "absorbed", failure.cause).inc()
                case LegFailed(failure):
                    self._attempts.labels(attempt.provider, "failed", failure.cause).inc()
                case Cancelled(by):
                    self._attempts.labels(attempt.provider, "cancelled", by).inc()
                case _:
                    self._attempts.labels(attempt.provider, "served", "").inc()
        self._seconds.observe(record.latency_ms / 1000)
        self._overhead.observe(record.overhead_ms / 1000)
        if record.ttft_ms is not None:
            self._ttft.observe(record.ttft_ms / 1000)
        self._count_tokens(record)
        if record.charge is not None:
            self._cost.labels("served").inc(record.charge.total_nano / NANO_PER_USD)
        self._cost.labels("absorbed").inc(record.absorbed_nano / NANO_PER_USD)

    def _count_tokens(self, record: RequestRecord) -> None:
        usage = record.usage
        self._tokens["input"].inc(usage.input_tokens)
        self._tokens["cache_read"].inc(usage.cache_read_tokens)
        self._tokens["cache_write"].inc(usage.cache_write_tokens + usage.cache_write_1h_tokens)
        self._tokens["output"].inc(usage.output_tokens)
        self._tokens["reasoning"].inc(usage.reasoning_tokens)

    def defect(self) -> None:
        """Count a mistake of ours."""
        self._defects.inc()

    def show(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


def _winner(attempts: Sequence[Attempt], second: Attempt) -> str:
    """Who won where ``second`` was asked beside the attempt before it."""
    if isinstance(second.outcome, Served):
        return "secondary"
    first = next(one for one in attempts if one.number == second.number - 1)
    return "primary" if isinstance(first.outcome, Served) else "neither"
