"""Who pays: money is held before a provider is asked, grows with the answer, and is settled before the tail."""

from __future__ import annotations

import json

import pytest

from gammainfra.domain import limits
from gammainfra.domain.ledger import LOSS, Reserve
from tests.conversations.playbook import After, Leaves, ask, book, says
from tests.conversations.purse import MANAGED, TRIAL, Till
from tests.conversations.saying import CUT, begin, call, finish, refuses, text, thinking, whole

COST_NANO = 200_000  # of 100 prompt and 10 answer tokens at acme
BOLT_NANO = 400_000
USD = 1_000_000_000


def test_an_answer_is_paid_from_what_was_held_for_it_and_tells_what_is_left() -> None:
    till = Till().has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask() << "acme asked" >> says("acme", text("Hi")) << "200" << "'Hi'"
    assert till.books.balances([MANAGED])[0].held_nano > 40_000_000
    (b >> says("acme", *finish()) << "stop | done | end").check_over()
    assert till.left_nano() == USD - COST_NANO
    assert b.facts()["cost_usd"] == "0.000200000"
    assert b.facts()["fee_usd"] == "0.000000000"
    assert b.facts()["balance_usd"] == "0.999800000"
    till.check()


def test_without_credit_nobody_is_asked_and_the_error_says_how_much_is_missing() -> None:
    till = Till()
    b = book(billing=till.billing()) >> ask() << "402" << "error insufficient_credits | end"
    error = b.error()
    assert error["metadata"]["available_usd"] == "0.000000000"
    assert float(error["metadata"]["shortfall_usd"]) > 0.02
    assert error["metadata"]["top_up_url"] == "/billing"
    assert b.headers()["x-should-retry"] == "false"
    b.check_over()
    assert b.attempts() == []
    assert [(one.endpoint, one.reason) for one in b.record.plan.dropped if one.reason == "no_credit"] == [
        ("acme/one", "no_credit"),
        ("bolt/two", "no_credit"),
    ]
    till.check()


def test_little_credit_shortens_the_answer_that_is_asked_for() -> None:
    till = Till().has(managed_nano=30_000_000)
    b = book(billing=till.billing()) >> ask() << "acme asked"
    sent = json.loads(b.upstream.lines[-1].ask.body)
    assert limits.ANSWER_FLOOR_TOKENS <= sent["max_tokens"] < 3000
    (b >> says("acme", text("Hi"), *finish()) << "200" << "'Hi'" << "stop | done | end").check_over()
    assert till.left_nano() == 30_000_000 - COST_NANO


def test_a_candidate_that_cannot_be_paid_is_passed_over_for_one_that_can() -> None:
    till = Till().has(managed_nano=30_000_000)
    b = book(billing=till.billing()) >> ask(model="bolt/two", models=["bolt/two", "acme/one"]) << "acme asked"
    (b >> says("acme", text("Hi"), *finish()) << "200" << "'Hi'" << "stop | done | end").check_over()
    assert b.attempts() == ["acme served"]
    till.check()


def test_trial_credit_is_used_first_and_both_are_told() -> None:
    till = Till().has(managed_nano=USD, trial_nano=100_000)
    b = book(billing=till.billing()) >> ask() << "acme asked"
    (b >> says("acme", text("Hi"), *finish()) << "200" << "'Hi'" << "stop | done | end").check_over()
    assert (till.left_nano(TRIAL), till.left_nano()) == (0, USD - 100_000)
    till.check()


def test_a_failed_attempt_costs_its_caller_nothing_and_holds_no_more_than_the_dearer_candidate() -> None:
    till = Till().has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask(tools=True) << "acme asked"
    b >> says("acme", text("Hi"), CUT) << "200" << "'Hi'" << "bolt asked"
    reserves = [order for order in till.orders if isinstance(order, Reserve)]
    assert [one.want_nano for one in reserves] == sorted(one.want_nano for one in reserves)
    assert till.books.balances([MANAGED])[0].held_nano == reserves[-1].want_nano
    (b >> says("bolt", text("Hi you"), *finish()) << "' you' | stop | done | end").check_over()
    assert till.left_nano() == USD - BOLT_NANO
    assert till.sum_of(LOSS) < 0
    assert b.facts()["cost_usd"] == "0.000400000"
    till.check()


def test_nobody_pays_for_an_answer_without_text_or_call() -> None:
    till = Till().has(managed_nano=USD)
    b = book("acme", billing=till.billing()) >> ask() << "acme asked"
    b >> says("acme", thinking("Hm"), *finish())
    assert b.outcome[-1] == "acme asked"
    b >> says("acme", thinking("Hm"), *finish())
    assert b.outcome[-1].endswith("end")
    b.check_over()
    assert till.left_nano() == USD
    assert till.sum_of(LOSS) < 0
    till.check()


def test_hanging_up_changes_nothing_about_the_bill() -> None:
    till = Till().has(managed_nano=USD)
    b = (
        book(billing=till.billing())
        >> ask()
        << "acme asked"
        >> says("acme", text("x" * 400))
        << "200"
        << f"'{'x' * 400}'"
    )
    (b >> Leaves()).check_over()
    assert b.record.ending == "abandoned"
    assert b.record.charge is not None
    assert till.left_nano() == USD - b.record.charge.total_nano < USD
    (txn,) = [txn for txn in till.books.book.txns.values() if txn.cause.kind == "settle"]
    assert txn.estimated
    till.check()


def test_an_answer_longer_than_what_was_held_extends_its_hold_while_it_streams() -> None:
    till = Till().has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask() << "acme asked"
    for _ in range(10):
        b >> says("acme", text("x" * 3000))
        b.clear()
    (b >> says("acme", *finish()) << "stop | done | end").check_over()
    reserves = [order for order in till.orders if isinstance(order, Reserve)]
    assert len(reserves) > 2
    assert "credit_ended" not in b.facts()
    till.check()


def test_when_credit_truly_ends_the_answer_ends_as_by_its_length_and_says_why() -> None:
    till = Till().has(trial_nano=30_000_000)
    b = book(billing=till.billing()) >> ask() << "acme asked"
    told = ""
    for _ in range(12):
        b >> says("acme", text("x" * 1000))
        told += b.told
    assert told.endswith("length | done | end")
    b.check_over()
    assert b.record.finish_reason == "length"
    assert "insufficient" not in b.facts()["credit_ended"]
    assert "credit does not cover" in b.facts()["credit_ended"]
    assert 0 <= till.left_nano(TRIAL) < 30_000_000
    till.check()


def test_a_paying_account_may_end_its_answer_within_a_small_overdraft() -> None:
    till = Till().has(managed_nano=30_000_000)
    b = book(billing=till.billing()) >> ask() << "acme asked"
    for _ in range(12):
        b >> says("acme", text("x" * 1000))
        b.clear()
    (b >> says("acme", *finish()) << "stop | done | end").check_over()
    assert "credit_ended" not in b.facts()
    till.check()


@pytest.mark.parametrize("stream", [True, False])
def test_books_that_are_too_slow_for_a_hold_are_a_503_and_hold_nothing(stream: bool) -> None:
    till = Till(delay_s=5.0).has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask(stream=stream) >> After(limits.HOLD_WAIT_S + 0.1)
    assert b.told == "503 | error store_slow | end"
    b >> After(10.0)
    b.check_over()
    till.check()


def test_books_that_are_down_are_a_503() -> None:
    till = Till().has(managed_nano=USD)
    till.is_down = True
    b = book(billing=till.billing()) >> ask()
    assert b.told == "503 | error store_slow | end"
    b.check_over(defects=1)  # the settle that would have ended the hold


def test_a_slow_settle_does_not_keep_the_tail_and_goes_on() -> None:
    till = Till(settle_delay_s=3.0).has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask() << "acme asked" >> says("acme", text("Hi"), *finish())
    assert b.told == "200 | 'Hi'"
    b >> After(limits.SETTLE_WAIT_S + 0.01) << "stop | done | end"
    assert till.left_nano() == USD
    assert b'"settled":false' in b.clients["caller"].body
    b >> After(3.0)
    b.check_over()
    assert till.left_nano() == USD - COST_NANO
    till.check()


def test_a_settle_that_cannot_be_written_is_a_defect_in_the_log_and_not_in_the_answer() -> None:
    till = Till().has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask() << "acme asked"
    till.is_down = True
    b >> says("acme", text("Hi"), *finish())
    assert b.told == "200 | 'Hi' | stop | done | end"
    b.check_over(defects=1)


def test_the_budget_of_a_task_is_held_so_that_two_requests_cannot_pass_it_together() -> None:
    till = Till().has(managed_nano=USD)
    capped = {"x-gammainfra-max-session-usd": "0.06", "x-gammainfra-session-id": "one"}
    b = book(billing=till.billing()) >> ask("first", headers=capped) << "acme asked"
    b >> ask("second", headers=capped, temperature=0.5)
    assert b.told.startswith("second: 402 | second: error session_budget_reached | end")
    (
        b >> says("acme", text("Hi"), *finish()) << "first: 200" << "first: 'Hi'" << "first: stop | done | end"
    ).check_over(turns=2)
    till.check()


def test_a_trial_serves_two_requests_at_a_time() -> None:
    till = Till().has(trial_nano=USD)
    b = (
        book(billing=till.billing())
        >> ask("a", temperature=0.1)
        << "acme asked"
        >> ask("b", temperature=0.2)
        << "acme asked"
    )
    b >> ask("c", temperature=0.3)
    assert b.told == "c: 429 | c: error rate_limit_exceeded | end"
    b >> Leaves("a") >> Leaves("b") >> After(3.0)
    b.check_over(turns=3)
    till.check()


def test_a_whole_answer_is_held_for_in_full_because_nobody_can_watch_it_grow() -> None:
    till = Till().has(managed_nano=USD)
    b = book(billing=till.billing()) >> ask(stream=False) << "acme asked"
    (order,) = [order for order in till.orders if isinstance(order, Reserve)]
    assert order.want_nano > 80_000_000
    b >> says("acme", *whole("Hi"))
    assert b.told == "200 | 'Hi' | stop | end"
    assert b.headers()["x-gammainfra-balance-usd"] == "0.999800000"
    b.check_over()
    till.check()


def test_a_repaired_request_is_held_for_once() -> None:
    till = Till().has(managed_nano=USD)
    b = book("acme", billing=till.billing()) >> ask() << "acme asked"
    b >> says("acme", *refuses(429)) >> After(1.1)
    assert b.told == "acme asked"
    (b >> says("acme", begin(), text("Hi"), *finish()) << "200" << "'Hi'" << "stop | done | end").check_over()
    assert len([order for order in till.orders if isinstance(order, Reserve)]) == 1
    till.check()


def test_tool_calls_are_counted_as_the_answer_grows() -> None:
    till = Till().has(managed_nano=USD)
    b = book("acme", billing=till.billing()) >> ask(tools=True) << "acme asked"
    b >> says("acme", call("c1", json.dumps({"a": "y" * 20_000})), *finish("tool_calls"))
    assert b.told.endswith("tool_calls | done | end")
    b.check_over()
    till.check()
