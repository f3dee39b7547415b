"""Models: what can be asked for, what it costs by whom, and how those are doing now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from gammainfra.catalog import price
from gammainfra.domain.endpoint import Endpoint, Model, Price
from gammainfra.domain.health import EndpointHealth
from gammainfra.web.dashboard import format as show
from gammainfra.web.dashboard.desk import Ask, Page

_SICK: Final = 0.3


@dataclass(frozen=True, slots=True)
class Offer:
    """A model at one provider, with the price in force and how it does."""

    endpoint: Endpoint
    price: Price | None
    state: tuple[str, str]
    ttft_ms: float
    measured: bool


def show_page(ask: Ask) -> Page:
    """The page; ``q`` narrows it to names that contain the words, ``all`` shows what a further key would open."""
    catalog = ask.desk.on.roster.catalog
    words = ask.query.get("q", "").lower().split()
    everything = ask.query.get("all") == "1"
    offered = catalog.everything if everything else catalog.endpoints
    found: list[tuple[Model, list[Offer]]] = []
    for model_id, endpoints in offered.items():
        model = catalog.models[model_id]
        name = f"{model_id} {model.title}".lower()
        if endpoints and all(word in name for word in words):
            found.append((model, [offer_of(ask, one) for one in endpoints]))
    values = {
        "models": found,
        "served": [one for one in catalog.names.served if all(word in one.id.lower() for word in words)],
        "q": ask.query.get("q", ""),
        "everything": everything,
        "configured": frozenset(ask.desk.hosts),
    }
    return Page("models.html", values)


def offer_of(ask: Ask, endpoint: Endpoint) -> Offer:
    """An endpoint as it stands now."""
    health = ask.health.of(endpoint.name)
    in_force = price.price_at(endpoint, ask.now)
    ttft_ms = endpoint.ttft_ms if health.ttft_ms is None else health.ttft_ms
    return Offer(endpoint, in_force, state_of(health, ask.monotonic), ttft_ms, health.ttft_ms is not None)


def state_of(health: EndpointHealth, monotonic: float) -> tuple[str, str]:
    """(class, words) of an endpoint's health."""
    match health.state(monotonic):
        case "rejected":
            return "failed", "not asked: it rejects our key or does not know the model"
        case "open":
            left = show.duration((health.broken_until - monotonic) * 1000)
            return "failed", f"not asked: it failed too often, tried again in {left}"
        case "half_open":
            return "absorbed", "being tried again"
        case "cooling":
            until = max(health.not_before, health.avoid_until)
            return "absorbed", f"cools down, {show.duration((until - monotonic) * 1000)} left"
        case "busy":
            return "absorbed", "every key is at its limit of concurrent requests"
        case "healthy":
            pass
        case never:
            assert_never(never)
    if health.error_rate >= _SICK:
        return "absorbed", f"unsteady, {show.share(health.error_rate, 1)} of attempts fail"
    if health.ttft_ms is None and health.error_rate == 0:
        return "idle", "not asked yet"
    return "served", "healthy"
