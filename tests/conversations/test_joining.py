"""The same question again: who finds the answer of an earlier one, and who never does."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from tests.conversations.playbook import After, Leaves, StopsReading, ask, book, says
from tests.conversations.saying import CUT, call, error, finish, refuses, text, thinking, whole

KEYED = {"idempotency-key": "k-1"}
ANSWER = "'Hello' | stop | done | end"


def test_a_retry_of_an_sdk_joins_the_running_answer_and_pays_once() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hel")) << "200" << "'Hel'" >> Leaves()
    b >> says("acme", text("lo")) >> After(1.0) >> ask("again", tools=True, retry=1) << "again: 200" << "again: 'Hello'"
    b >> says("acme", call("c1"), *finish("tool_calls")) << 'again: c1 = write({"a":1}) | tool_calls | done | end'
    assert b.record.charge is not None
    assert b.headers("again")["x-request-id"] == b.record.id
    b.check_over()


def test_the_same_question_joins_without_any_sign_when_its_first_asker_is_gone() -> None:
    b = book()
    b >> ask() << "acme asked" >> Leaves() >> ask("again") >> says("acme", text("Hello")) << "again: 200"
    b << "again: 'Hello'" >> says("acme", *finish()) << "again: stop | done | end"
    b.check_over()


def test_two_living_equal_questions_are_never_merged() -> None:
    b = book()
    b >> ask("one") << "acme asked" >> ask("two") << "acme asked"
    b >> says("acme", text("Hello"), *finish())
    assert b.told == f"two: 200 | two: {ANSWER}"
    b.upstream.lines[0].say(text("Other"), *finish())
    b >> After(0.0)
    assert b.told == "one: 200 | one: 'Other' | stop | done | end"
    b.check_over(turns=2)


def test_a_retry_takes_no_answer_from_one_of_several_that_asked_the_same() -> None:
    b = book()
    b >> ask("one") << "acme asked" >> ask("two") << "acme asked"
    b >> ask("again", retry=1) << "acme asked" >> says("acme", text("Hello"), *finish())
    assert b.told == f"again: 200 | again: {ANSWER}"
    for line in b.upstream.lines[:2]:
        line.say(text("Other"), *finish())
    b >> After(0.0)
    assert sorted(b.told.split(" | ")) == sorted(
        f"{who}: {what}" if what in {"200", "'Other'"} else what
        for who in ("one", "two")
        for what in ("200", "'Other'", "stop", "done", "end")
    )
    b.check_over(turns=3)


def test_a_retry_takes_the_place_of_a_reader_that_did_not_notice_its_own_end() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hel")) << "200" << "'Hel'" >> StopsReading()
    b >> ask("again", retry=1) << "again: 200" << "again: 'Hel'"
    b >> says("acme", text("lo")) << "again: 'lo'" >> says("acme", *finish()) << "again: stop | done | end"
    b.check_over()


def test_a_retry_before_the_head_gets_the_head_first() -> None:
    b = book()
    (
        b
        >> ask()
        << "acme asked"
        >> ask("again", retry=1)
        >> says("acme", text("Hello"))
        << "again: 200"
        << "again: 'Hello'"
    )
    b >> says("acme", *finish()) << "again: stop | done | end"
    b.check_over()


@pytest.mark.parametrize(("seconds", "again"), [(30.0, True), (31.0, False)])
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_said_again_for_30_s(seconds: float, again: bool, stream: bool) -> None:
    said = (text("Hello"), *finish()) if stream else whole("Hello")
    answer = ANSWER if stream else "'Hello' | stop | end"
    b = book()
    b >> ask(stream=stream) << "acme asked" >> says("acme", *said) << "200" << answer >> After(seconds)
    b >> ask("again", stream=stream, retry=1)
    if not again:
        b << "acme asked" >> says("acme", *said)
    assert b.told == f"again: 200 | again: {answer}"
    b.check_over(turns=1 if again else 2)


def test_who_heard_the_end_and_asks_again_gets_another_answer() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello"), *finish()) << "200" << ANSWER
    b >> ask("again") << "acme asked" >> says("acme", text("Other"), *finish())
    assert b.told == "again: 200 | again: 'Other' | stop | done | end"
    b.check_over(turns=2)


def test_who_left_before_the_end_reached_it_gets_the_same_answer() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hel")) << "200" << "'Hel'" >> StopsReading()
    b >> says("acme", text("lo")) >> says("acme", *finish()) >> Leaves() >> ask("again") << "again: 200"
    b << f"again: {ANSWER}"
    b.check_over()


def test_an_idempotency_key_is_a_sign_too_and_must_be_the_same() -> None:
    b = book()
    b >> ask(headers=KEYED) << "acme asked" >> says("acme", text("Hello"), *finish()) << "200" << ANSWER
    b >> ask("again", headers=KEYED) << "again: 200" << f"again: {ANSWER}"
    b >> ask("other", headers={"idempotency-key": "k-2"}) << "acme asked" >> says("acme", text("Hello"), *finish())
    assert b.told == f"other: 200 | other: {ANSWER}"
    b.check_over(turns=2)


def test_another_key_or_another_question_never_finds_an_answer() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello"), *finish()) << "200" << ANSWER
    b >> ask("other", key="other", retry=1) << "acme asked" >> says("acme", text("Yes"), *finish())
    assert b.told == "other: 200 | other: 'Yes' | stop | done | end"
    b >> ask("third", retry=1, seed=2) << "acme asked" >> says("acme", text("Yes"), *finish())
    assert b.told == "third: 200 | third: 'Yes' | stop | done | end"
    b.check_over(turns=3)


def test_a_failed_answer_is_never_said_again() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", *refuses(400, "bad")) << "400" << "error invalid_request | end"
    b >> ask("again", retry=1) << "acme asked" >> says("acme", text("Hello"), *finish())
    assert b.told == f"again: 200 | again: {ANSWER}"
    b.check_over(turns=2)


def test_an_answer_too_long_to_be_kept_is_asked_for_anew() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("y" * limits.JOURNAL_BYTES))
    b.clear()
    b >> ask("again", tools=True, retry=1) << "acme asked" >> says("acme", text("Hello"), *finish())
    assert b.told == f"again: 200 | again: {ANSWER}"
    b.upstream.lines[0].say(*finish())
    b >> After(0.0)
    b.clear()
    b.check_over(turns=2)


def test_who_joins_while_nobody_has_spoken_hears_nothing_of_a_broken_attempt() -> None:
    b = book("acme", "bolt")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> says("acme", error("slow down", code="rate_limit_exceeded")) << "bolt asked"
    b >> ask("again", tools=True, retry=1) >> says("bolt", text("Good day")) << "again: 200" << "again: 'Good day'"
    b >> says("bolt", *finish()) << "again: stop | done | end"
    b.check_over()


def test_who_joins_while_a_broken_answer_sleeps_hears_nothing_of_it() -> None:
    b = book("acme")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> says("acme", error("slow down", code="rate_limit_exceeded")) >> ask("again", tools=True, retry=1)
    b >> After(1.1) << "acme asked" >> says("acme", text("Good day")) << "again: 200" << "again: 'Good day'"
    b >> says("acme", *finish()) << "again: stop | done | end"
    b.check_over()


def test_who_joins_a_stitched_answer_gets_all_of_it() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> says("acme", CUT) << "bolt asked" >> Leaves() >> ask("again", tools=True) << "again: 200" << "again: 'Hello'"
    b >> says("bolt", text("Hello you"), *finish()) << "again: ' you' | stop | done | end"
    b.check_over()


def test_an_error_reaches_whoever_joined_by_its_status() -> None:
    b = book("acme")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Leaves()
    b >> says("acme", CUT) << "acme asked" >> ask("again", tools=True, retry=1)
    b >> says("acme", *refuses(401)) << "again: 503" << "again: error all_providers_failed | end"
    b.check_over()


def test_a_reader_that_joins_after_thoughts_gets_them() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", thinking("hm")) << "200" << "thinks hm" >> Leaves()
    b >> ask("again", tools=True) << "again: 200" << "again: thinks hm"
    b >> says("acme", text("Hello"), *finish()) << "again: 'Hello' | stop | done | end"
    b.check_over()


def test_three_readers_in_a_row_are_one_bill() -> None:
    b = book()
    b >> ask("1", tools=True) << "acme asked" >> Leaves("1") >> After(2.0) >> ask("2", tools=True) >> After(1.0)
    b >> says("acme", text("Hello")) << "2: 200" << "2: 'Hello'" >> Leaves("2") >> After(2.0)
    b >> ask("3", tools=True) << "3: 200" << "3: 'Hello'" >> After(5.0) >> says("acme", *finish())
    b << "3: stop | done | end"
    b.check_over()


def test_the_sum_of_a_task_counts_requests_that_ran_side_by_side() -> None:
    b = book()
    named = {"x-gammainfra-session-id": "task-1"}
    b >> ask("one", user="first", headers=named) << "acme asked" >> ask("two", user="second", headers=named)
    b << "acme asked" >> says("acme", text("Hello"), *finish())
    b.clear()
    b.upstream.lines[0].say(text("Hello"), *finish())
    b >> After(0.0)
    sums = sorted(b.facts(who)["session_cost_usd"] for who in ("one", "two"))
    assert sums[0] < sums[1]
    b.clear()
    b.check_over(turns=2)
