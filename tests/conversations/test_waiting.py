"""Time: the late head, keep-alives, deadlines, waits for a cooldown, silence and slow readers."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from tests.conversations.playbook import After, Leaves, ReadsOn, StopsReading, ask, book, says
from tests.conversations.saying import DONE, END, begin, call, finish, refuses, stop, text, usage, whole
from tests.conversations.upstream import Broken


def test_a_head_that_cannot_wait_leaves_at_20_s_and_keep_alives_follow_every_12_s() -> None:
    b = book("dust")
    b >> ask(tools=True, model="dust/four") << "dust asked" >> After(19.9) >> After(0.2) << "200"
    b >> After(11.8) >> After(0.2) << "keepalive" >> After(11.8) >> After(0.2) << "keepalive" >> After(11.8)
    b >> After(0.2) << "keepalive" >> After(3.7) >> After(0.2) << "error all_providers_failed | end"
    assert b.attempts() == ["dust failed first_token_timeout"]
    b.check_over()


def test_a_keep_alive_never_puts_the_end_of_patience_off_and_never_stands_inside_an_event() -> None:
    b = book("acme")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("One moment")) << "200" << "'One moment'"
    b >> After(11.9) >> After(0.2) << "keepalive" >> After(11.8) >> says("acme", call("c1")[:-1])
    b >> After(0.2) << "keepalive" >> After(12.0) << "keepalive" >> After(12.0) << "keepalive" >> says("acme", b"\n")
    b >> says("acme", *finish("tool_calls")) << 'c1 = write({"a":1}) | tool_calls | done | end'
    b.check_over()


def test_no_keep_alive_comes_before_the_head_nor_in_a_whole_answer() -> None:
    b = book("acme")
    (
        b
        >> ask(stream=False)
        << "acme asked"
        >> After(50.0)
        >> says("acme", *whole("Yes"))
        << "200"
        << "'Yes' | stop | end"
    )
    b.check_over()


def test_a_sleeping_turn_sends_its_head_late_and_says_so_in_band_when_it_fails() -> None:
    b = book("acme")
    b >> ask(tools=True) << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "24"}))
    b >> After(19.9) >> After(0.2) << "200" >> After(3.9) << "acme asked"
    assert "x-gammainfra-endpoint" not in b.headers()
    b >> says("acme", *refuses(401)) << "error all_providers_failed | end"
    assert b.record.status == 503
    b.check_over()


def test_a_cooldown_of_at_most_25_s_is_waited_for() -> None:
    b = book("acme")
    b >> ask(stream=False) << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "25"}))
    b >> After(24.9) >> After(0.2) << "acme asked" >> says("acme", *whole("Yes")) << "200" << "'Yes' | stop | end"
    assert float(b.headers()["x-gammainfra-overhead-ms"]) < 100
    b.check_over()


def test_a_longer_cooldown_is_told_to_the_caller() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "26"}))
    assert b.outcome == ["503", "error all_providers_failed | end"]
    assert (b.headers()["retry-after"], b.headers()["retry-after-ms"]) == ("26", "26000")
    b.check_over()


def test_a_cooldown_beyond_a_minute_is_told_as_less_than_one() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "300"}))
    assert b.outcome == ["503", "error all_providers_failed | end"]
    assert int(b.headers()["retry-after"]) < 60
    b.check_over()


def test_who_cools_down_is_asked_later_and_others_first() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "15"})) << "bolt asked"
    b >> says("bolt", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    b >> ask("second", messages=[{"role": "user", "content": "Other"}]) << "bolt asked"
    b >> says("bolt", *refuses(401)) >> After(14.9) >> After(0.2) << "acme asked"
    b >> says("acme", text("Yes"), *finish())
    assert b.told == "second: 200 | second: 'Yes' | stop | done | end"
    b.check_over(turns=2)


def test_when_all_cool_down_for_long_the_least_bad_is_asked_and_tells_the_true_error() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "300"}))
    assert b.outcome[0] == "503"
    b >> ask("second", key="other") << "acme asked" >> says("acme", text("Yes"), *finish())
    assert b.told == "second: 200 | second: 'Yes' | stop | done | end"
    b.check_over(turns=2)


def test_when_256_turns_sleep_the_next_is_refused_at_once() -> None:
    b = book("acme")
    b >> ask(messages=[{"role": "user", "content": "first"}]) << "acme asked"
    b >> says("acme", *refuses(429, headers={"retry-after": "20"}))
    for number in range(limits.SLEEPING - 1):
        b >> ask(f"c{number}", key=f"k{number % 16}", messages=[{"role": "user", "content": str(number)}])
    b >> ask("late", key="late") << "late: 503" << "late: error all_providers_failed | end"
    assert b.headers("late")["x-should-retry"] == "true"
    b >> After(17.0)
    b.clear()
    for client in list(b.clients):
        b >> Leaves(client)
    b.clear()
    assert {record.ending for record in b.notes.records} == {"failed", "abandoned"}
    b >> After(3.0)
    b.check_over(turns=limits.SLEEPING + 1)


# ---- deadlines -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [True, False])
def test_a_latency_budget_that_is_spent_is_a_504(stream: bool) -> None:
    b = book()
    b >> ask(stream=stream, headers={"x-gammainfra-max-latency-ms": "4000"}) << "acme asked"
    b >> After(2.5) << "bolt asked" >> After(1.6) << "504" << "error latency_budget_exceeded | end"
    assert b.record.ending == "timed_out"
    assert b.attempts()[0] == "acme failed first_token_timeout"
    assert b.attempts()[1] in {"bolt cancelled by deadline", "bolt failed first_token_timeout"}
    b.check_over()


def test_a_head_never_leaves_before_a_short_latency_budget_is_spent() -> None:
    b = book("acme")
    b >> ask(headers={"x-gammainfra-max-latency-ms": "24000"}) << "acme asked"
    b >> says("acme", *refuses(429, headers={"retry-after": "23"})) >> After(22.9) >> After(0.2) << "acme asked"
    b >> After(1.0) << "504" << "error latency_budget_exceeded | end"
    b.check_over()


def test_a_first_token_ends_the_budget_of_a_stream_but_not_of_a_whole_answer() -> None:
    b = book()
    b >> ask(headers={"x-gammainfra-max-latency-ms": "4000"}) << "acme asked" >> says("acme", text("Yes"))
    b << "200" << "'Yes'" >> After(10.0) >> says("acme", *finish()) << "stop | done | end"
    b.check_over()
    b = book()
    b >> ask(stream=False, headers={"x-gammainfra-max-latency-ms": "4000"}) << "acme asked" >> says("acme", text("Yes"))
    b >> After(4.1) << "504" << "error latency_budget_exceeded | end"
    b.check_over()


# ---- silence ---------------------------------------------------------------------------------------------------------
def test_a_stream_that_falls_silent_for_a_minute_is_left() -> None:
    b = book(closings=True)
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> After(59.0)
    assert set(b.outcome) == {"keepalive"}
    b >> After(1.1)
    assert [one for one in b.outcome if one != "keepalive"] == ["bolt asked", "acme closed"]
    b >> says("bolt", text("Hello"), *finish()) << "stop | done | end"
    b.check_over()


def test_an_answer_may_take_15_minutes_and_not_longer() -> None:
    b = book("acme")
    b >> ask() << "acme asked"
    for _ in range(16):
        b.arrive(says("acme", text(".")))
        b.arrive(After(55.0))
    b.clear()
    assert not b.notes.records
    b >> After(0.0)
    b.arrive(says("acme", text(".")))
    b.arrive(After(55.0))
    assert "error all_providers_failed | end" in b.outcome
    assert b.attempts() == ["acme failed total_timeout"]
    b.check_over()


def test_usage_after_the_finish_is_waited_for_a_second_and_a_half() -> None:
    b = book(closings=True)
    b >> ask() << "acme asked" >> says("acme", text("Yes")) << "200" << "'Yes'" >> says("acme", stop())
    b >> After(1.4) >> After(0.2)
    assert sorted(b.outcome) == ["acme closed", "stop | done | end"]
    assert b.record.usage.estimated
    b.check_over()


def test_a_connection_that_stays_open_after_the_end_is_closed_soon() -> None:
    b = book(closings=True)
    (
        b
        >> ask()
        << "acme asked"
        >> says("acme", text("Yes"), stop(), usage(), DONE)
        << "200"
        << "'Yes' | stop | done | end"
    )
    b >> After(1.6) << "acme closed"
    assert not b.record.usage.estimated
    b.check_over()


def test_no_connection_is_answered_by_another_provider() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", Broken()) << "bolt asked" >> says("bolt", *refuses(401)) << "acme asked"
    b >> says("acme", begin(), text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    b.check_over()


# ---- slow readers ----------------------------------------------------------------------------------------------------
def test_a_reader_that_stops_reading_holds_the_provider_up_and_goes_on_later() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", text("x")) << "200" << "'x'" >> StopsReading()
    b >> says("acme", *[text("y" * 100_000) for _ in range(30)])
    line = b.upstream.lines[0]
    assert line.unread == 8  # one megabyte is in the socket's hands, one waits
    b >> After(20.0) >> ReadsOn()
    b.clear()
    b >> says("acme", *finish())
    assert b.told.endswith("stop | done | end")
    assert b.clients["caller"].body.count(b"yyyy") == 750_000
    b.check_over()


def test_a_reader_that_takes_nothing_for_30_s_has_left() -> None:
    b = book("acme", closings=True)
    b >> ask() << "acme asked" >> says("acme", text("x")) << "200" << "'x'" >> StopsReading()
    b >> says("acme", *[text("y" * 100_000) for _ in range(30)]) >> After(29.0) >> After(1.1) << "acme closed"
    assert (b.record.ending, b.record.status) == ("abandoned", 499)
    b >> ReadsOn()
    b.clear()
    b.check_over()


def test_end_of_script_needs_an_end() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", text("x"), END)
    b.arrive(After(0.0))
    assert b.told == "200 | 'x' | error all_providers_failed | end"
    b.check_over()
