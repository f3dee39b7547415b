"""The rules that decide which endpoints may serve a request, one small pure function each, listed in RULES.

A rule keeps an endpoint, drops it with a reason that its user understands, or weighs it: adds to its score. To add a
rule, write the function and put it into the tuple. Rules never order endpoints and never drop one for its health: the
least bad is better than none.
"""

# ruff: noqa: ARG001 - every rule has the same shape, whatever it looks at
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gammainfra.catalog.price import output_bound, upper_bound
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.health import EndpointHealth
from gammainfra.domain.money import show_usd
from gammainfra.domain.options import Options
from gammainfra.domain.policy import Policy
from gammainfra.domain.sketch import ProviderPreferences, Sketch


@dataclass(frozen=True, slots=True)
class Signals:
    """What the rules know of a request. ``preferences`` is the body's ``provider`` object.

    ``input_tokens`` is the expected size of the prompt; ``failures`` whether any endpoint has failed lately.
    """

    sketch: Sketch
    options: Options
    policy: Policy
    preferences: ProviderPreferences
    input_tokens: int
    failures: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """Not for this request, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Weigh:
    """Still good, but worth this much more or (negative) less, in units of quality."""

    by: float


Verdict = Drop | Weigh | None  # None keeps
Judge = Callable[[Signals, Endpoint, EndpointHealth], Verdict]


@dataclass(frozen=True, slots=True)
class Rule:
    """``applies`` is asked once for a request, ``judge`` for each endpoint. ``param`` names what to change.

    ``status`` and ``code`` are those of the refusal when this rule took the last endpoint.
    """

    applies: Callable[[Signals], bool]
    judge: Judge
    param: str
    status: int = 400
    code: str = "invalid_request"


# ---- what the key and the operator allow -----------------------------------------------------------------------------
def _allowed_model(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    model = endpoint.model.id
    return None if signals.policy.allows(model) else Drop(f"this key may not use {model}")


def _priced(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    if endpoint.price is not None:
        return None
    return Drop("it has no known price, and answers are paid from credit")


# ---- what the request needs ------------------------------------------------------------------------------------------
# Thinking is no such need: a parameter that a model does not take is left out and named (C51).
_SOFT_NEEDS: Final = frozenset({"thinking"})
# Their bytes are no measure of their tokens.
_BINARY_NEEDS: Final = frozenset({"images", "documents", "audio"})
_NO_THINKING: Final = Weigh(-0.1)


def _capable(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    lacking = signals.sketch.needs - endpoint.model.capabilities.does
    if not lacking:
        return None
    if hard := lacking - _SOFT_NEEDS:
        return Drop(f"it does not take {' and '.join(sorted(hard))}")
    return _NO_THINKING


def _large_enough(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    window = endpoint.model.capabilities.context_tokens
    if signals.input_tokens <= window:
        return None
    return Drop(f"its maximum context length is {window} tokens, and this request has about {signals.input_tokens}")


def _takes_parameters(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    refused = signals.sketch.parameters & endpoint.model.capabilities.refuses
    return Drop(f"it does not take the parameter {min(refused)}") if refused else None


# ---- what the caller asks for ----------------------------------------------------------------------------------------
_FAMILIES: Final = {"us": "us", "eu": "eu", "europe": "eu", "ap": "apac", "apac": "apac", "asia": "apac"}


def _in_region(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    region = endpoint.region
    asked = signals.options.region
    if region == asked or _FAMILIES.get(region.partition("-")[0]) == asked:
        return None
    return Drop(f"it is in {region}, not in {asked}" if region else f"nothing says that it is in {asked}")


def _affordable(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    most = signals.options.max_cost_nano or 0
    bound = cost_bound_nano(signals.sketch, endpoint)
    if bound is None:
        return Drop("it has no known price, so no cost limit can be held")
    if bound <= most:
        return None
    return Drop(f"it can cost up to {show_usd(bound)} USD, more than {show_usd(most)}")


def _within_max_price(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    price = endpoint.price
    wanted = signals.preferences
    if price is None:
        return Drop("it has no known price, so provider.max_price cannot be held")
    if wanted.max_price_input_pico is not None and price.input_pico > wanted.max_price_input_pico:
        return Drop("its input price is above provider.max_price")
    if wanted.max_price_output_pico is not None and price.output_pico > wanted.max_price_output_pico:
        return Drop("its output price is above provider.max_price")
    return None


def _not_ignored(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    ignored = names_provider(signals.preferences.ignore, endpoint.provider)
    return Drop("provider.ignore names it") if ignored else None


def _among_only(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    named = names_provider(signals.preferences.only, endpoint.provider)
    return None if named else Drop("provider.only does not name it")


def _among_order(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    named = names_provider(signals.preferences.order, endpoint.provider)
    return None if named else Drop("provider.order does not name it and provider.allow_fallbacks is false")


def _keeps_secrets(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    trains = endpoint.trains_on_data
    return Drop("it may train on what it is sent, and provider.data_collection is deny") if trains else None


def _retains_nothing(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    return None if endpoint.zdr else Drop("it keeps what it is sent, and provider.zdr is set")


# ---- how it is doing -------------------------------------------------------------------------------------------------
_ERRORS_WEIGH: Final = 0.5  # an endpoint that fails every second time is worth a quarter less
_TOO_SLOW: Final = Weigh(-0.3)


def _fails_seldom(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    rate = health.error_rate
    return Weigh(-_ERRORS_WEIGH * rate) if rate else None


def _fast_enough(signals: Signals, endpoint: Endpoint, health: EndpointHealth) -> Verdict:
    most = signals.options.max_latency_ms or 0
    return _TOO_SLOW if expected_ttft_ms(endpoint, health) > most else None


def expected_ttft_ms(endpoint: Endpoint, health: EndpointHealth) -> float:
    """The time to the first token: as measured, else as the catalog expects."""
    measured = health.ttft_ms
    return endpoint.ttft_ms if measured is None else measured


def cost_bound_nano(sketch: Sketch, endpoint: Endpoint) -> int | None:
    """The most that this request can cost there, in nano-USD; None when no price is known."""
    if endpoint.price is None:
        return None
    output_tokens = sketch.n * output_bound(sketch.max_tokens, endpoint.model.capabilities)
    return upper_bound(
        endpoint.price,
        input_tokens=sketch.input_tokens_bound,
        output_tokens=output_tokens,
        hour_cache=sketch.cache_marks > 0,
    )


# Names that OpenRouter gives to providers, where ours are others.
_OTHERS_NAMES: Final = {
    "amazon-bedrock": "bedrock",
    "google-vertex": "vertex",
    "google-ai-studio": "google",
    "x-ai": "xai",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
}


def provider_place(names: tuple[str, ...], provider: str) -> int | None:
    """The place of ``provider`` among names as a caller writes them (``Anthropic``, ``amazon-bedrock/eu``)."""
    for place, name in enumerate(names):
        slug = name.lower().partition("/")[0]
        if _OTHERS_NAMES.get(slug, slug) == provider:
            return place
    return None


def names_provider(names: tuple[str, ...], provider: str) -> bool:
    """Whether a caller's list of providers names this one."""
    return provider_place(names, provider) is not None


RULES: Final = (
    Rule(lambda s: bool(s.policy.allowed_models), _allowed_model, "model", 403, "model_not_allowed"),
    Rule(lambda s: s.policy.priced_only, _priced, "model", 400, "model_not_priced"),
    Rule(lambda s: bool(s.preferences.only), _among_only, "provider.only"),
    Rule(lambda s: bool(s.preferences.ignore), _not_ignored, "provider.ignore"),
    Rule(lambda s: bool(s.preferences.order) and not s.preferences.allow_fallbacks, _among_order, "provider.order"),
    Rule(lambda s: s.options.region is not None, _in_region, "X-GammaInfra-Region"),
    Rule(lambda s: bool(s.sketch.needs), _capable, "model"),
    Rule(lambda s: s.preferences.require_parameters, _takes_parameters, "provider.require_parameters"),
    Rule(lambda s: s.preferences.data_collection == "deny", _keeps_secrets, "provider.data_collection"),
    Rule(lambda s: s.preferences.zdr, _retains_nothing, "provider.zdr"),
    Rule(
        lambda s: s.preferences.max_price_input_pico is not None or s.preferences.max_price_output_pico is not None,
        _within_max_price,
        "provider.max_price",
    ),
    Rule(lambda s: s.options.max_cost_nano is not None, _affordable, "X-GammaInfra-Max-Cost-USD"),
    Rule(lambda s: s.sketch.needs.isdisjoint(_BINARY_NEEDS), _large_enough, "messages", 400, "context_length_exceeded"),
    Rule(lambda s: s.failures, _fails_seldom, ""),
    Rule(lambda s: s.options.max_latency_ms is not None, _fast_enough, ""),
)
