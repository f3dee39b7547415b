"""Two endpoints asked for one answer: who wins, what the loser costs, and when there is no second leg at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gammainfra.domain.policy import Hedging
from tests.conversations.playbook import KEY, After, Book, Leaves, ask, book, says
from tests.conversations.saying import CUT, begin, call, error, finish, refuses, text, whole

ALWAYS = Hedging(enabled=True, delay_ms=500.0, extra_max=1.0)
FAST: dict[str, Any] = {"model": "gammainfra/fast"}


def hedged(*, hedging: Hedging = ALWAYS, closings: bool = True, **asked: Any) -> Book:
    """Acme was asked, and after half a second of silence bolt too."""
    b = book(hedging=hedging, closings=closings)
    b >> ask(**{**FAST, **asked}) << "acme asked" >> After(0.4) >> After(0.2) << "bolt asked"
    return b


def test_the_second_leg_wins_when_it_speaks_first_and_the_first_is_closed_at_once() -> None:
    b = hedged() >> says("bolt", text("Hi")) << "acme closed" << "200" << "'Hi'"
    b >> says("bolt", *finish()) << "stop | done | end"
    assert b.attempts() == ["acme cancelled by hedge", "bolt served"]
    assert b.headers()["x-gammainfra-hedge"] == "won=secondary; waste-usd=0.000000000"
    assert b.headers()["x-gammainfra-route-reason"] == "hedge"
    assert b.headers()["x-gammainfra-router-version"] == "v1_hedged"
    assert (b.record.plan.route_reason, b.record.plan.router_version) == ("hedge", "v1_hedged")
    assert [one.hedge for one in b.record.attempts] == [False, True]
    b.check_over()


def test_the_first_leg_wins_when_it_speaks_first_and_the_second_one_is_booked() -> None:
    b = hedged() >> says("bolt", begin()) >> says("acme", text("Hi")) << "bolt closed" << "200" << "'Hi'"
    b >> says("acme", *finish()) << "stop | done | end"
    waste = b.record.attempts[1].cost_nano
    assert waste
    assert b.record.absorbed_nano == waste
    assert b.headers()["x-gammainfra-hedge"] == f"won=primary; waste-usd=0.{waste:09}"
    assert b.facts()["hedge"] == b.headers()["x-gammainfra-hedge"]
    assert b.facts()["route_reason"] == "fast"
    b.check_over()


def test_an_answer_in_time_has_no_second_leg() -> None:
    b = book(hedging=ALWAYS)
    b >> ask(**FAST) << "acme asked" >> After(0.4) >> says("acme", text("Hi")) << "200" << "'Hi'" >> After(5.0)
    b >> says("acme", *finish()) << "stop | done | end"
    assert "x-gammainfra-hedge" not in b.headers()
    assert b.hedges.hedges == 0
    b.check_over()


def test_an_error_frame_never_wins() -> None:
    b = hedged(closings=False) >> says("bolt", begin(), error("made up")) >> After(1.0)
    b >> says("acme", text("Hi"), *finish()) << "200" << "'Hi' | stop | done | end"
    assert b.attempts() == ["acme served", "bolt absorbed in_band_error"]
    b.check_over()


def test_a_refusal_of_the_request_by_one_leg_never_ends_the_other() -> None:
    b = hedged() >> says("bolt", *refuses(400, "no such thing")) >> says("acme", text("Hi"), *finish())
    b << "200" << "'Hi' | stop | done | end"
    b.check_over()


def test_a_ping_never_wins() -> None:
    b = hedged() >> says("bolt", b": ping\n\n", begin(), b": ping\n\n") >> After(1.0)
    b >> says("acme", text("Hi"), *finish()) << "bolt closed" << "200" << "'Hi' | stop | done | end"
    b.check_over()


def test_when_both_legs_fail_the_chain_goes_on() -> None:
    b = book("acme", "bolt", "corp", hedging=ALWAYS)
    b >> ask(**FAST) << "acme asked" >> After(0.6) << "bolt asked" >> says("acme", CUT) >> says("bolt", CUT)
    b << "corp asked" >> says("corp", text("Hi"), *finish()) << "200" << "'Hi' | stop | done | end"
    assert "x-gammainfra-hedge" not in b.headers()
    b.check_over()


def test_requests_with_tools_are_hedged_and_their_calls_leave_once() -> None:
    b = hedged(tools=True) >> says("bolt", call("c1"), *finish("tool_calls")) << "acme closed" << "200"
    b << 'c1 = write({"a":1}) | tool_calls | done | end'
    b.check_over()


def test_a_whole_answer_is_hedged_after_the_same_delay() -> None:
    b = hedged(stream=False) >> says("bolt", *whole("Yes")) << "acme closed" << "200" << "'Yes' | stop | end"
    assert b.headers()["x-gammainfra-hedge"].startswith("won=secondary")
    b.check_over()


def test_a_hang_up_closes_both_legs() -> None:
    b = hedged() >> Leaves() >> After(2.6) << "acme closed" << "bolt closed"
    assert b.record.ending == "abandoned"
    b.check_over()


def test_a_named_model_is_never_hedged_with_another_one() -> None:
    b = book(hedging=ALWAYS)
    b >> ask(headers={"x-gammainfra-preference": "latency"}) << "acme asked" >> After(3.0)
    b >> says("acme", text("Hi"), *finish()) << "200" << "'Hi' | stop | done | end"
    b.check_over()


def test_without_the_wish_for_speed_nothing_is_hedged() -> None:
    b = book(hedging=ALWAYS)
    b >> ask(model="gammainfra/auto") << "acme asked" >> After(3.0)
    b >> says("acme", text("Hi"), *finish()) << "200" << "'Hi' | stop | done | end"
    assert b.hedges.requests == 0
    b.check_over()


def test_a_key_may_switch_it_off() -> None:
    b = book(hedging=ALWAYS, key=replace(KEY, hedging=False))
    b >> ask(**FAST) << "acme asked" >> After(3.0) >> says("acme", text("Hi"), *finish())
    b << "200" << "'Hi' | stop | done | end"
    b.check_over()


def test_the_budget_is_a_share_of_the_requests_and_silence_beyond_it_is_endured() -> None:
    b = book(hedging=Hedging(enabled=True, delay_ms=500.0, extra_max=0.5))
    b >> ask("one", user="1", **FAST) << "acme asked" >> After(1.0) >> ask("two", user="2", **FAST) << "acme asked"
    b >> After(1.0) << "bolt asked" >> says("bolt", text("Hi"), *finish()) << "two: 200"
    b << "two: 'Hi' | stop | done | end"
    b.upstream.lines[0].say(text("Hi"), *finish())
    b >> After(0.0) << "one: 200" << "one: 'Hi' | stop | done | end"
    b.check_over(turns=2)


def test_both_at_once_is_a_delay_of_nothing() -> None:
    b = book(hedging=Hedging(enabled=True, delay_ms=0.0, extra_max=1.0))
    b >> ask(**FAST) << "acme asked" << "bolt asked" >> says("bolt", text("Hi"), *finish()) << "200"
    b << "'Hi' | stop | done | end"
    b.check_over()


def test_what_the_loser_would_have_needed_counts_as_slow() -> None:
    b = hedged(closings=False) >> After(4.3) >> says("bolt", text("Hi"), *finish())
    b << "200" << "'Hi' | stop | done | end"
    measured_ms = b.health.rows["acme/one"].ttft_ms.quantile(1.0)
    assert measured_ms is not None
    assert 4500 < measured_ms < 5200
    b.check_over()
