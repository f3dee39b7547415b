"""A caller hangs up: what is closed at once, what is waited for, who pays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.domain import limits
from gammainfra.domain.policy import Hedging
from gammainfra.providers.compatible import compatible
from gammainfra.providers.provider import Provider
from tests.conversations.playbook import After, Book, Ends, Leaves, ask, book, says
from tests.conversations.saying import CUT, begin, call, finish, refuses, stop, text, usage, whole


def closing_s(b: Book) -> float:
    """How long after its dispatch the gateway closed the newest exchange."""
    line = b.upstream.lines[-1]
    assert line.closed_at_s is not None
    return line.closed_at_s - line.at_s


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("tools", [True, False])
def test_before_the_head_the_answer_is_waited_for_two_and_a_half_seconds(stream: bool, tools: bool) -> None:
    b = book(closings=True)
    b >> ask(stream=stream, tools=tools) << "acme asked" >> says("acme", begin()) >> Leaves()
    b >> After(2.4) >> After(0.2) << "acme closed"
    assert 2.5 <= closing_s(b) <= 2.55
    assert (b.record.ending, b.record.status, b.record.error_code) == ("abandoned", 499, "client_closed_request")
    assert b.attempts() == ["acme cancelled by client"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == 0
    b.check_over()


def test_an_answer_that_comes_while_it_is_waited_for_is_settled_and_kept() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> Leaves() >> After(2.0) >> says("acme", call("c1"), *finish("tool_calls"))
    assert b.record.ending == "served"
    assert b.record.charge is not None
    assert b.record.charge.total_nano == 200_000
    b.check_over()


def test_after_text_with_tools_the_answer_is_waited_for() -> None:
    b = book(closings=True)
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> After(2.4) >> says("acme", text(" you")) >> After(0.2) << "acme closed"
    assert b.record.ending == "abandoned"
    assert b.record.usage.estimated
    assert b.record.usage.output_tokens == 3
    b.check_over()


def test_after_text_without_tools_the_provider_is_cut_off_at_once_and_what_was_said_is_billed() -> None:
    b = book(closings=True)
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves() << "acme closed"
    assert closing_s(b) <= 0.05
    assert b.record.charge is not None
    assert b.record.charge.total_nano == (len(b.asked[0].raw) // 4 + 8) * 1_000 + 2 * 10_000
    assert b.record.absorbed_nano == 0
    b.check_over()


@pytest.mark.parametrize("tools", [True, False])
def test_after_the_finish_the_answer_is_settled_and_kept(tools: bool) -> None:
    b = book()
    b >> ask(tools=tools) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> says("acme", stop()) >> Leaves() >> After(1.0) >> says("acme", usage())
    assert b.record.ending == "served"
    assert not b.record.usage.estimated
    b >> ask("again", tools=tools) << "again: 200" << "again: 'Hello' | stop | done | end"
    b.check_over()


def test_after_the_tail_a_hang_up_means_nothing() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello"), *finish()) << "200" << "'Hello' | stop | done | end"
    b >> Leaves() >> ask("second") << "acme asked"
    b >> says("acme", *refuses(400, "bad")) << "second: 400" << "second: error invalid_request | end"
    b.check_over(turns=2)


def test_an_account_has_four_turns_without_a_reader_and_others_have_their_own() -> None:
    b = book(closings=True)
    for number in range(limits.LINGERING_PER_ACCOUNT + 1):
        b >> ask(str(number), messages=[{"role": "user", "content": str(number)}]) << "acme asked"
    b >> ask("other", key="other") << "acme asked"
    for number in range(limits.LINGERING_PER_ACCOUNT):
        b >> Leaves(str(number))
    b >> Leaves(str(limits.LINGERING_PER_ACCOUNT)) << "acme closed" >> Leaves("other") >> After(2.4)
    assert [record.key_id for record in b.notes.records] == ["key"]
    b >> After(0.2)
    assert b.outcome == ["acme closed"] * (limits.LINGERING_PER_ACCOUNT + 1)
    b.check_over(turns=limits.LINGERING_PER_ACCOUNT + 2)


def test_a_failure_while_nobody_listens_is_answered_by_the_next_provider_from_the_start() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> says("acme", CUT) << "bolt asked" >> says("bolt", text("Other"), *finish())
    assert b.attempts() == ["acme absorbed cut", "bolt served"]
    b >> ask("again", tools=True) << "again: 200" << "again: 'Other' | stop | done | end"
    b.check_over()


def test_a_sleeping_turn_is_given_up_after_two_and_a_half_seconds() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "20"})) >> Leaves()
    b >> After(2.4)
    assert b.notes.records == []
    b >> After(0.2)
    assert b.record.ending == "abandoned"
    b.check_over()


def test_hanging_up_before_anything_is_read_costs_nothing() -> None:
    b = book(closings=True)
    b >> ask(stream=False) << "acme asked" >> Leaves() >> After(2.6) << "acme closed"
    assert b.record.absorbed_nano == 0
    assert b.record.attempts[0].cost_nano == 0
    b.check_over()


def test_a_whole_answer_is_kept_for_a_reader_that_left() -> None:
    b = book()
    b >> ask(stream=False) << "acme asked" >> Leaves() >> says("acme", *whole("Yes"))
    b >> ask("again", stream=False) << "again: 200" << "again: 'Yes' | stop | end"
    b.check_over()


# ---- providers that bill on ------------------------------------------------------------------------------------------
def metered(name: str) -> Provider:
    """A provider that goes on when it is hung up on, and sends the bill."""
    return replace(compatible(name, f"http://{name}.test/v1"), on_disconnect="drain")


def billed(*providers: str, charged: bool = True) -> Book:
    """Where money is charged and acme bills on."""
    return book(*providers, closings=True, hosts={"acme": metered("acme")}, charged=charged)


def test_what_is_billed_to_its_end_is_read_to_its_end_and_billed_exactly() -> None:
    b = billed() >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> After(55.0) >> says("acme", text(" you")) >> After(55.0)
    assert b.notes.records == []
    b >> says("acme", *finish())
    assert (b.record.ending, b.record.usage.estimated) == ("abandoned", False)
    assert b.record.charge is not None
    assert b.record.charge.total_nano == 200_000
    assert b.attempts() == ["acme served"]
    b.check_over()


def test_a_drain_ends_after_two_minutes_and_the_rest_is_estimated() -> None:
    b = billed() >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    for _ in range(3):
        b >> After(39.0) >> says("acme", text(" you"))
    b >> After(4.0) << "acme closed"
    assert closing_s(b) == pytest.approx(limits.DRAIN_S)
    assert (b.record.ending, b.record.usage.estimated, b.record.usage.output_tokens) == ("abandoned", True, 5)
    assert b.attempts() == ["acme cancelled by client"]
    b.check_over()


def test_a_drain_that_breaks_is_estimated() -> None:
    b = billed() >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> says("acme", CUT)
    assert (b.record.ending, b.record.usage.estimated) == ("abandoned", True)
    b.check_over()


def test_a_provider_that_was_hung_up_on_before_it_spoke_is_drained_after_the_linger() -> None:
    b = billed() >> ask() << "acme asked" >> Leaves() >> After(3.0) >> says("acme", text("Hello"), *finish())
    assert b.record.ending == "abandoned"
    assert b.record.charge is not None
    assert b.record.charge.total_nano == 200_000
    b.check_over()


def test_without_billing_nothing_is_drained_and_the_question_is_booked_as_an_estimate() -> None:
    b = billed(charged=False) >> ask() << "acme asked" >> Leaves() >> After(2.6) << "acme closed"
    assert b.record.attempts[0].usage.estimated
    assert b.record.absorbed_nano == b.record.attempts[0].cost_nano == (len(b.asked[0].raw) // 4 + 8) * 1_000
    b.check_over()


def test_who_stops_billing_is_closed_and_only_the_other_is_drained() -> None:
    b = book(
        closings=True,
        hosts={"bolt": metered("bolt")},
        charged=True,
        hedging=Hedging(enabled=True, delay_ms=0.0, extra_max=1.0),
    )
    b >> ask(model="gammainfra/fast") << "acme asked" << "bolt asked" >> Leaves() >> After(2.6) << "acme closed"
    b >> says("bolt", text("Hello")) >> says("bolt", *finish())
    assert b.attempts() == ["acme cancelled by client", "bolt served"]
    b.check_over()


def test_a_drained_answer_is_not_joined() -> None:
    b = billed() >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> ask("again", retry=1) << "acme asked" >> says("acme", text("Yes"), *finish()) << "again: 200"
    b << "again: 'Yes' | stop | done | end"
    b.upstream.lines[0].say(*finish())
    b >> After(0.0)
    b.check_over(turns=2)


def test_no_more_than_64_answers_are_drained_at_once() -> None:
    b = billed()
    for number in range(limits.DRAINING + 1):
        b >> ask(str(number), seed=number) << "acme asked" >> says("acme", text("Hello"))
        b.clear()
    for number in range(limits.DRAINING):
        b >> Leaves(str(number))
    b >> Leaves(str(limits.DRAINING)) << "acme closed"
    assert len(b.notes.records) == 1
    for line in b.upstream.lines[:-1]:
        line.say(*finish())
    b >> After(0.0)
    b.check_over(turns=limits.DRAINING + 1)


def test_the_end_of_the_process_ends_a_drain() -> None:
    b = billed() >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves() >> Ends(5.0)
    b >> After(6.0) << "acme closed"
    assert b.attempts() == ["acme cancelled by stop"]
    b.check_over()
