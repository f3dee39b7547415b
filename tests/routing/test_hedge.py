"""Which neighbours of a chain are equals, and how long the first of them may be silent."""

from __future__ import annotations

from gammainfra.domain.endpoint import Capabilities, Endpoint, Model
from gammainfra.domain.health import EndpointHealth
from gammainfra.domain.policy import Hedging
from gammainfra.routing.candidates import Row
from gammainfra.routing.hedge import hedge_delays_s

ON = Hedging(enabled=True)


def row(model: str = "acme/one", provider: str = "acme", health: EndpointHealth = EndpointHealth()) -> Row:  # noqa: B008 - a value
    vendor, _, name = model.partition("/")
    served = Model(model, vendor, name, name, Capabilities(1000, 100))
    endpoint = Endpoint(provider, served, name, None, ttft_ms=400, tokens_per_s=50)
    return Row(endpoint, endpoint.name, health, 1.0, None)


def delays(*rows: Row, hedging: Hedging = ON, equals: bool = False, whole_tokens: int = 0) -> list[float | None]:
    return hedge_delays_s(rows, hedging, 10.0, equals=equals, whole_tokens=whole_tokens)


def test_nothing_is_hedged_unless_it_is_switched_on() -> None:
    assert delays(row(), row(provider="bolt"), hedging=Hedging()) == [None, None]


def test_endpoints_of_one_model_are_equals_and_the_last_has_nobody_beside_it() -> None:
    assert delays(row(), row(provider="bolt"), row("corp/two", "corp")) == [1.2, None, None]
    assert delays(row(), row(provider="bolt"), row("corp/two", "corp"), equals=True) == [1.2, 1.2, None]
    assert delays(row(), equals=True) == [None]


def test_one_that_is_not_free_is_no_second_leg_and_has_none() -> None:
    cooling = EndpointHealth(not_before=11.0)
    assert delays(row(), row(provider="bolt", health=cooling)) == [None, None]
    assert delays(row(health=cooling), row(provider="bolt")) == [None, None]


def test_the_delay_is_what_the_operator_says_else_what_nearly_all_answers_need() -> None:
    measured = EndpointHealth(ttft_ms=300.0, ttft_p95_ms=2500.0)
    assert delays(row(health=measured), row(provider="bolt")) == [3.125, None]
    assert delays(row(health=measured), row(provider="bolt"), hedging=Hedging(True, 700.0)) == [0.7, None]
    assert delays(row(health=measured), row(provider="bolt"), hedging=Hedging(True, 0.0)) == [0.0, None]


def test_an_answer_that_does_not_stream_may_be_silent_while_it_is_written() -> None:
    assert delays(row(), row(provider="bolt"), whole_tokens=500) == [11.2, None]
