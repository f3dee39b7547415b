"""In which order candidates are asked: by the dial, by one criterion, and spread over vendors.

It orders and never drops. Every order is stable: what is equal stays as the catalog has it, the vendor's own endpoint
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, assert_never

from gammainfra.domain.options import DEFAULT_DIAL, Options
from gammainfra.domain.sketch import ProviderPreferences
from gammainfra.routing.candidates import Row
from gammainfra.routing.dial import by_dial
from gammainfra.routing.rules import expected_ttft_ms, provider_place

VENDORS: Final = 3  # of a chosen chain, where as many are configured: outages are a vendor's
_LEAST_SUCCESS: Final = 0.05

Criterion = float | Literal["given", "latency", "throughput", "price", "quality"]  # a float is a dial value
_BY_PREFERENCE: Final[dict[str, Criterion]] = {"latency": "latency", "cost": "price", "quality": "quality"}


def criterion_of(options: Options, preferences: ProviderPreferences, *, chosen: bool) -> Criterion:
    """What orders the candidates: the preference header, the dial header, the body's ``sort``, in this order.

    Without any of them: the default dial where the gateway chooses, else the given order.
    """
    if options.preference is not None:
        return _BY_PREFERENCE[options.preference]
    if options.dial is not None:
        return options.dial
    if preferences.sort is not None:
        return preferences.sort
    return DEFAULT_DIAL if chosen else "given"


def ranked(rows: list[Row], criterion: Criterion) -> list[Row]:
    """Order rows, best first."""
    match criterion:
        case float():
            return by_dial(rows, criterion)
        case "latency":
            return sorted(rows, key=_time_to_answer)
        case "throughput":
            return sorted(rows, key=lambda row: -row.endpoint.tokens_per_s)
        case "price":
            return sorted(rows, key=lambda row: (row.cost is None, row.cost or 0, -row.worth))
        case "quality":
            return sorted(rows, key=lambda row: (-row.worth, row.cost is None, row.cost or 0))
        case "given":
            return rows
        case _:
            assert_never(criterion)


def _time_to_answer(row: Row) -> float:
    """The expected milliseconds to the first token when a failed attempt is made again."""
    return expected_ttft_ms(row.endpoint, row.health) / max(1.0 - row.health.error_rate, _LEAST_SUCCESS)


def by_providers(rows: list[Row], order: Sequence[str]) -> list[Row]:
    """Put the providers that the caller ordered first, in that order; the others stay behind as they are."""
    if not order:
        return rows

    def place(row: Row) -> int:
        named = provider_place(tuple(order), row.endpoint.provider)
        return len(order) if named is None else named

    return sorted(rows, key=place)


def first(rows: list[Row], endpoint: str) -> list[Row]:
    """Put the endpoint of that name first."""
    return sorted(rows, key=lambda row: row.name != endpoint)


def spread(rows: list[Row], length: int) -> list[Row]:
    """Bring the best of each of ``VENDORS`` vendors into the first ``length`` rows; the first row stays the first."""
    leaders: dict[str, int] = {}
    for place, row in enumerate(rows):
        leaders.setdefault(row.endpoint.model.vendor, place)
        if len(leaders) == VENDORS:
            break
    ahead = list(leaders.values())[:length]
    return [rows[place] for place in ahead] + [row for place, row in enumerate(rows) if place not in ahead]
