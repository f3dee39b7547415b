"""Which endpoints may serve a request: the rules applied to all that could, and the refusal when nothing is left.

It decides who is a candidate, never in which order. What is dropped is kept with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gammainfra.catalog.snapshot import Catalog
from gammainfra.domain.endpoint import Endpoint, Model, Price, key_variable
from gammainfra.domain.failure import Refused
from gammainfra.domain.health import EndpointHealth
from gammainfra.domain.plan import Dropped
from gammainfra.domain.sketch import Sketch
from gammainfra.routing.rules import RULES, Judge, Rule, Signals, Weigh

USUAL_OUTPUT_TOKENS: Final = 500  # of an agent's step; what is expected when the caller allows more
# The share of a task's next request that the endpoint which served its last one still has in the cache.
CACHED_SHARE: Final = 0.9
_VARIABLES_NAMED: Final = 10
_UNKNOWN: Final = "no provider is known to serve it; name one that does as [providers.<name>] in gammainfra.toml"


class Row(NamedTuple):
    """An endpoint that passed the rules.

    ``worth`` is its model's quality for the label (0..1) where the gateway chooses, and minus its place among equals
    where a model was named, plus what the rules added. ``cost`` is expected, in pico-USD, None without a price.
    """

    endpoint: Endpoint
    name: str
    health: EndpointHealth
    worth: float
    cost: int | None


@dataclass(slots=True)
class Sieve:
    """The rules that apply to one request, and what they dropped so far."""

    signals: Signals
    dropped: list[Dropped] = field(default_factory=list)
    _rules: tuple[Rule, ...] = ()
    _judges: tuple[Judge, ...] = ()
    _furthest: tuple[int, Dropped] | None = None

    def __post_init__(self) -> None:
        self._rules = tuple([rule for rule in RULES if rule.applies(self.signals)])
        self._judges = tuple([rule.judge for rule in self._rules])

    def weight(self, endpoint: Endpoint, health: EndpointHealth) -> float | None:
        """What the rules add to the endpoint's score; None when one drops it."""
        weight = 0.0
        for place, judge in enumerate(self._judges):
            verdict = judge(self.signals, endpoint, health)
            if verdict is None:
                continue
            if isinstance(verdict, Weigh):
                weight += verdict.by
                continue
            dropped = Dropped(endpoint.name, verdict.reason)
            self.dropped.append(dropped)
            if self._furthest is None or place > self._furthest[0]:
                self._furthest = (place, dropped)
            return None
        return weight

    def refusal(self, catalog: Catalog, asked: str, model: Model | None) -> Refused:
        """Why nothing is left: the rule that stopped the endpoint which came furthest, or no endpoint at all.

        ``model`` is the model that was asked for, None when any would have done.
        """
        if self._furthest is None:
            return not_configured(catalog, asked, model)
        place, last = self._furthest
        rule = self._rules[place]
        others = len(self.dropped) - 1
        more = f" ({others} more were dropped.)" if others else ""
        message = f"No endpoint is left for {asked}: {last.endpoint}: {last.reason}.{more} Change {rule.param}."
        return Refused(rule.status, rule.code, message, param=rule.param, retry=False)


def not_configured(catalog: Catalog, asked: str, model: Model | None) -> Refused:
    """No provider that serves ``asked`` has a key: names the variables that would change that (C68)."""
    served = catalog.everything.values() if model is None else [catalog.everything.get(model.id, ())]
    providers = dict.fromkeys(endpoint.provider for endpoints in served for endpoint in endpoints)
    variables = [key_variable(provider) for provider in providers][:_VARIABLES_NAMED]
    remedy = f"set {' or '.join(variables)} and start again" if variables else _UNKNOWN
    message = f"No provider that serves {asked} is configured: {remedy}."
    return Refused(503, "no_provider_configured", message, param="model", retry=False)


def expected_pico(price: Price | None, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int | None:
    """What a request will probably cost, in pico-USD; None without a price.

    The lean form of ``catalog.price.expected`` for ranking many endpoints: a test holds the two together.
    """
    if price is None:
        return None
    if price.long_above is not None and price.long is not None and input_tokens > price.long_above:
        price = price.long
    new_tokens = input_tokens - cached_tokens
    return new_tokens * price.input_pico + cached_tokens * price.cache_read_pico + output_tokens * price.output_pico


def cached_pico(sketch: Sketch, price: Price | None) -> int | None:
    """What the task's next step will probably cost, in pico-USD, where its last one left the prompt in the cache."""
    tokens = sketch.input_tokens_guess
    return expected_pico(price, tokens, usual_output(sketch), int(tokens * CACHED_SHARE))


def usual_output(sketch: Sketch) -> int:
    """The output tokens to expect, all answers together."""
    allowed = USUAL_OUTPUT_TOKENS if sketch.max_tokens is None else min(sketch.max_tokens, USUAL_OUTPUT_TOKENS)
    return sketch.n * allowed
