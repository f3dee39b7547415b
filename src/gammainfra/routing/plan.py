"""The Plan of one request: which endpoints are asked, in which order, and why all others are not.

It resolves the model, has every endpoint judged and ranked, and cuts the chain to the attempts of a Turn. It is pure:
what it knows of health and of the task are snapshots, and what follows a failed attempt is decided in routing.run. A
plan has at least one candidate, or the request is refused with the reason that took the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gammainfra.catalog.price import price_at, priced_at
from gammainfra.catalog.resolve import Asked
from gammainfra.domain import limits
from gammainfra.domain.endpoint import Model
from gammainfra.domain.failure import Refused
from gammainfra.domain.health import HealthSnapshot, HealthState
from gammainfra.domain.money import round_to_nano
from gammainfra.domain.options import Options
from gammainfra.domain.plan import Candidate, Dropped, Plan, RouteReason
from gammainfra.domain.policy import Policy
from gammainfra.domain.prefix import prefix_head_hash
from gammainfra.domain.session import SessionView
from gammainfra.domain.sketch import ProviderPreferences, Sketch
from gammainfra.routing.candidates import Row, Sieve, cached_pico, expected_pico, usual_output
from gammainfra.routing.classify import label_of
from gammainfra.routing.hedge import hedge_delays_s
from gammainfra.routing.rank import Criterion, by_providers, criterion_of, first, ranked, spread
from gammainfra.routing.roster import OUTRANKED, Entry, Roster
from gammainfra.routing.rules import Signals, cost_bound_nano

ROUTER_VERSION: Final = "v1"

_IN_WORDS: Final[Mapping[HealthState, str]] = {
    "busy": "its keys carry as much as they take",
    "cooling": "it cools down",
    "half_open": "it is being tried after it failed",
    "open": "it failed a short while ago",
    "rejected": "it refused us a short while ago",
}
_NO_PREFERENCES: Final = ProviderPreferences()


@dataclass(frozen=True, slots=True)
class _Request:
    """Everything a plan is made from. ``home`` is the endpoint that has the task's prompt cached, "" without one;

    the tokens are the expected ones.
    """

    sketch: Sketch
    options: Options
    policy: Policy
    preferences: ProviderPreferences
    roster: Roster
    health: HealthSnapshot
    session: SessionView | None
    home: str
    input_tokens: int
    output_tokens: int
    now: float
    wall: float

    @property
    def name(self) -> str:
        """The model as the caller wrote it."""
        return self.sketch.model or self.sketch.models[0]


@dataclass(frozen=True, slots=True)
class _Chain:
    """Candidates in order, before the cut, and what decided it."""

    rows: list[Row]
    dropped: list[Dropped]
    reason: RouteReason
    label: str = ""
    dial: float | None = None
    fast: bool = False  # the caller wants the first token soon


def plan(
    sketch: Sketch,
    options: Options,
    policy: Policy,
    roster: Roster,
    *,
    health: HealthSnapshot,
    session: SessionView | None,
    now: float,
    wall: float,
) -> Plan:
    """Plan one request. ``now`` is monotonic seconds (cooldowns, deadline), ``wall`` epoch seconds (prices, idle time).

    Raises Refused: 404 for an unknown model, 403 ``model_not_allowed``, 503 ``no_provider_configured``, and what the
    rule says that took the last endpoint, mostly 400.
    """
    preferences = sketch.provider or _NO_PREFERENCES
    request = _Request(
        sketch,
        options,
        policy,
        preferences,
        roster,
        health,
        session,
        home=_home(session, sketch, wall),
        input_tokens=sketch.input_tokens_guess,
        output_tokens=usual_output(sketch),
        now=now,
        wall=wall,
    )
    asked = _asked(request)
    chosen = asked.kind in {"auto", "fast"}
    chain = _chosen(request, asked) if chosen else _named(request, asked)
    kept = chain.rows[: _attempts(options, preferences)]
    known = roster.outranked
    outranked = [known.get(row.name) or Dropped(row.name, OUTRANKED) for row in chain.rows[len(kept) :]]
    return Plan(
        asked=request.name,
        candidates=_hedged(request, kept, [_candidate(request, row) for row in kept], chain, equals=chosen),
        dropped=(*chain.dropped, *outranked),
        route_reason=chain.reason,
        label=chain.label,
        dial_applied=chain.dial,
        router_version=ROUTER_VERSION,
        deadline=None if options.max_latency_ms is None else now + options.max_latency_ms / 1000,
    )


def _hedged(
    request: _Request, rows: list[Row], candidates: list[Candidate], chain: _Chain, *, equals: bool
) -> tuple[Candidate, ...]:
    """The candidates, with their delays where a caller that wants speed may be answered by two."""
    hedging = request.policy.hedging
    if not (chain.fast and hedging.enabled):
        return tuple(candidates)
    whole_tokens = 0 if request.sketch.stream else request.output_tokens
    delays_s = hedge_delays_s(rows, hedging, request.now, equals=equals, whole_tokens=whole_tokens)
    pairs = zip(candidates, delays_s, strict=True)
    return tuple([replace(candidate, hedge_after_s=delay_s) for candidate, delay_s in pairs])


def _asked(request: _Request) -> Asked:
    sketch = request.sketch
    if not sketch.models:
        return request.roster.catalog.resolve(sketch.model)
    return request.roster.catalog.resolve_chain([sketch.model, *sketch.models] if sketch.model else sketch.models)


def _home(session: SessionView | None, sketch: Sketch, wall: float) -> str:
    """The endpoint to stay on: the last one, unless its prompt cache is lost anyway.

    It is lost when the mode changed (other system text or other tools come before everything else in the prompt) and
    when nothing was asked for as long as providers keep a cache. A single question ("alone") has none to lose.
    """
    if session is None or session.name.by == "alone":
        return ""
    if not session.endpoint or wall - session.last_at > limits.CACHE_TTL_S:
        return ""
    if session.n_tools != sketch.n_tools or session.prefix_head_hash != prefix_head_hash(sketch.prefix_head):
        return ""
    return session.endpoint


# ---- a model was named -----------------------------------------------------------------------------------------------
def _named(request: _Request, asked: Asked) -> _Chain:
    """The chain of a pin (same model elsewhere first, then the published chain, C22) or of the caller's own (C23)."""
    pinned = asked.models[0]
    if asked.kind == "pin" and not request.policy.allows(pinned.id):
        message = f"This key may not use {pinned.id}. Ask its owner to allow the model, or ask for another one."
        raise Refused(403, "model_not_allowed", message, param="model", retry=False)
    sieve = _sieve(request)
    criterion = criterion_of(request.options, request.preferences, chosen=False)
    rows: list[Row] = []
    reason: RouteReason = "chain" if asked.kind == "chain" else "alias" if asked.alias else "pin"
    for model in asked.models if _other_models(request) else asked.models[:1]:
        equal = _equal_endpoints(request, sieve, model, criterion, asked.provider)
        if model is pinned and len(equal) > 1 and _is_free_home(request, equal[0]):
            reason = "sticky"
        rows += equal
    if not rows:
        raise sieve.refusal(request.roster.catalog, request.name, pinned)
    if reason == "pin" and rows[0].endpoint.model is not pinned:
        reason = "fallback"  # nobody who serves the model that was named may be asked
    return _Chain(_free_first(request, rows), sieve.dropped, reason, fast=criterion == "latency")


def _equal_endpoints(request: _Request, sieve: Sieve, model: Model, criterion: Criterion, provider: str) -> list[Row]:
    """The endpoints of one model that may serve, in order.

    They are worth the same, so their worth falls with their place: the dial then moves to a later one only when an
    earlier one is dearer than its budget.
    """
    rows = []
    endpoints = request.roster.catalog.endpoints_for(model, request.wall)
    if not endpoints:
        sieve.dropped.append(Dropped(model.id, "no provider that serves it is configured"))
    for place, endpoint in enumerate(sorted(endpoints, key=lambda one: one.provider != provider)):
        name = endpoint.name
        health = request.health.of(name)
        weight = sieve.weight(endpoint, health)
        if weight is not None:
            cost = expected_pico(endpoint.price, request.input_tokens, request.output_tokens)
            rows.append(Row(endpoint, name, health, weight - place, cost))
    if len(rows) < 2:  # noqa: PLR2004 - one has no order
        return rows
    return _settled(request, by_providers(ranked(rows, criterion), request.preferences.order))


# ---- the gateway chooses ---------------------------------------------------------------------------------------------
def _chosen(request: _Request, asked: Asked) -> _Chain:
    """The chain of ``gammainfra/auto`` and ``gammainfra/fast``: acceptable for the label, spread over vendors."""
    label = label_of(request.sketch, request.session)
    sieve = _sieve(request)
    is_fast = asked.kind == "fast"
    criterion: Criterion = "latency" if is_fast else criterion_of(request.options, request.preferences, chosen=True)
    field = request.roster.fields[label]
    rows = _judged(request, sieve, field.good)
    if rows:
        sieve.dropped.extend(field.rejected)
    else:
        rows = _judged(request, sieve, field.poor)  # the best there are
    if not rows:
        raise sieve.refusal(request.roster.catalog, request.name, None)
    order = by_providers(ranked(rows, criterion), request.preferences.order)
    order = _free_first(request, _settled(request, order))
    # Once more: the best of a vendor may be one that cools down.
    order = _free_first(request, spread(order, limits.ATTEMPTS_PER_TURN))
    if not _other_models(request):
        order = _same_model(order, sieve.dropped)
    if _is_free_home(request, order[0]):
        return _Chain(order, sieve.dropped, "sticky", label, fast=criterion == "latency")
    dial = criterion if isinstance(criterion, float) else None
    by_header = dial is not None and request.options.dial is not None
    reason: RouteReason = "fast" if is_fast else "dial" if by_header else "auto"
    return _Chain(order, sieve.dropped, reason, label, dial, fast=criterion == "latency")


def _judged(request: _Request, sieve: Sieve, entries: Sequence[Entry]) -> list[Row]:
    input_tokens, output_tokens = request.input_tokens, request.output_tokens
    health_of, weight_of = request.health.of, sieve.weight
    rows = []
    for entry in entries:
        endpoint = entry.endpoint
        if endpoint.windows and price_at(endpoint, request.wall) is not endpoint.price:
            endpoint = priced_at(endpoint, request.wall)
        health = health_of(entry.name)
        weight = weight_of(endpoint, health)
        if weight is not None:
            cost = expected_pico(endpoint.price, input_tokens, output_tokens)
            rows.append(Row(endpoint, entry.name, health, entry.rating + weight, cost))
    return rows


def _same_model(rows: list[Row], dropped: list[Dropped]) -> list[Row]:
    """Only the endpoints of the model that stands first."""
    model = rows[0].endpoint.model
    dropped.extend(
        Dropped(row.name, "it serves another model, and fallbacks are restricted")
        for row in rows
        if row.endpoint.model.id != model.id
    )
    return [row for row in rows if row.endpoint.model.id == model.id]


# ---- both ------------------------------------------------------------------------------------------------------------
def _sieve(request: _Request) -> Sieve:
    return Sieve(
        Signals(
            request.sketch,
            request.options,
            request.policy,
            request.preferences,
            request.input_tokens,
            failures=any(health.error_rate for health in request.health.endpoints.values()),
        )
    )


def _settled(request: _Request, rows: list[Row]) -> list[Row]:
    """The endpoint that the task stays on first, if it is among the rows and free."""
    home = next((row for row in rows if _is_free_home(request, row)), None) if request.home else None
    return rows if home is None else first(rows, home.name)


def _is_free_home(request: _Request, row: Row) -> bool:
    return bool(request.home) and row.name == request.home and row.health.is_free(request.now)


def _free_first(request: _Request, rows: list[Row]) -> list[Row]:
    """Who does badly moves behind the others, the worse the farther; nobody is dropped for it."""
    if not (request.health.endpoints or request.health.providers):
        return rows
    return sorted(rows, key=lambda row: row.health.badness(request.now))


def _other_models(request: _Request) -> bool:
    return request.options.allow_fallbacks == "any"


def _attempts(options: Options, preferences: ProviderPreferences) -> int:
    """How many candidates are tried; the body's ``allow_fallbacks: false`` with an ``order`` means only those."""
    alone = not preferences.allow_fallbacks and not preferences.order
    return 1 if options.allow_fallbacks == "none" or alone else limits.ATTEMPTS_PER_TURN


def _candidate(request: _Request, row: Row) -> Candidate:
    endpoint = row.endpoint
    at_home = row.name == request.home
    cost = cached_pico(request.sketch, endpoint.price) if at_home else row.cost
    not_before = row.health.not_before
    return Candidate(
        endpoint=endpoint,
        reason=_reason(request, row, at_home=at_home),
        score=round(row.worth, 4),
        not_before=not_before if not_before > request.now else 0.0,
        cost_bound_nano=cost_bound_nano(request.sketch, endpoint),
        expected_nano=None if cost is None else round_to_nano(cost),
    )


def _reason(request: _Request, row: Row, *, at_home: bool) -> str:
    state = row.health.state(request.now)
    if state != "healthy":
        return f"tried late: {_IN_WORDS[state]}" + (f" ({row.health.why})" if row.health.why else "")
    return "it has this task's prompt cached" if at_home else "as ranked"
