"""The same Idempotency-Key again, within 24 hours and after a restart: joined, said again, refused, or free."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from gammainfra.gateway.idempotency import Given
from tests.conversations.playbook import After, Book, Leaves, ask, book, says
from tests.conversations.saying import finish, refuses, text

KEYED = {"idempotency-key": "k-1"}
ANSWER = "'Hello' | stop | done | end"


def answered(b: Book, caller: str = "caller") -> Book:
    b >> ask(caller, headers=KEYED) << "acme asked" >> says("acme", text("Hello"), *finish())
    b.clear()
    return b


def test_a_running_answer_is_joined() -> None:
    b = book()
    b >> ask(headers=KEYED) << "acme asked" >> says("acme", text("Hel")) << "200" << "'Hel'"
    b >> ask("again", headers=KEYED) << "again: 200" << "again: 'Hel'"
    b >> says("acme", text("lo"), *finish()) << "again: 'lo' | stop | done | end"
    b.check_over()


@pytest.mark.parametrize(("hours", "free"), [(0.01, False), (23.9, False), (24.1, True)])
def test_what_was_answered_is_not_answered_twice_in_a_day(hours: float, free: bool) -> None:
    b = answered(book()) >> After(hours * 3600.0) >> ask("again", headers=KEYED)
    if free:
        b << "acme asked" >> says("acme", text("Hello"), *finish()) << "again: 200" << f"again: {ANSWER}"
    else:
        b << "again: refused 409 already_served"
        refused = b.refused("again")
        assert refused.metadata == {"generation_id": b.record.id}
        assert b.record.id in refused.message
        assert refused.retry is False
    b.check_over(turns=2 if free else 1)


def test_a_fresh_answer_is_said_again() -> None:
    b = answered(book()) >> After(29.0) >> ask("again", headers=KEYED) << "again: 200" << f"again: {ANSWER}"
    b.check_over()


@pytest.mark.parametrize("over", [True, False])
def test_the_same_key_with_another_body_is_refused_while_it_runs_and_later(over: bool) -> None:
    b = book()
    b >> ask(headers=KEYED) << "acme asked" >> says("acme", text("Hello"), *(finish() if over else ()))
    b.clear()
    b >> After(31.0 if over else 1.0) >> ask("again", headers=KEYED, seed=2)
    b << "again: refused 409 idempotency_key_reused"
    if not over:
        b >> says("acme", *finish()) << "stop | done | end"
    b.check_over()


def test_another_api_key_has_its_own_idempotency_keys() -> None:
    b = answered(book()) >> After(31.0) >> ask("other", headers=KEYED, key="other", seed=3) << "acme asked"
    b >> says("acme", text("Hello"), *finish()) << "other: 200" << f"other: {ANSWER}"
    b.check_over(turns=2)


def test_a_failed_request_may_be_asked_again_with_its_key() -> None:
    b = book()
    b >> ask(headers=KEYED) << "acme asked" >> says("acme", *refuses(400, "bad"))
    b.clear()
    b >> ask("again", headers=KEYED) << "acme asked" >> says("acme", text("Hello"), *finish())
    b << "again: 200" << f"again: {ANSWER}"
    b.check_over(turns=2)


def test_an_answer_too_long_to_be_joined_is_not_made_twice_at_a_time() -> None:
    b = book()
    b >> ask(headers=KEYED) << "acme asked" >> says("acme", text("y" * limits.JOURNAL_BYTES))
    b.clear()
    b >> ask("again", headers=KEYED) << "again: refused 409 answered_elsewhere" >> says("acme", *finish())
    b.clear()
    b.check_over()


def test_what_is_stored_of_a_key_are_digests() -> None:
    b = answered(book())
    key, _, body = b.record.idempotency_hash.partition(".")
    assert len(key) == len(body) == 32
    assert "k-1" not in b.record.idempotency_hash
    plain = book() >> ask() << "acme asked" >> says("acme", text("Hello"), *finish())
    plain.clear()
    assert plain.record.idempotency_hash == ""
    plain.check_over()
    b.check_over()


def test_after_a_restart_the_store_remembers() -> None:
    before = answered(book())
    key, _, body = before.record.idempotency_hash.partition(".")
    before.check_over()
    b = book()
    b.written[f"account of key {key}"] = Given(body, "gen-before", before.record.at, served=True)
    b >> ask(headers=KEYED) << "refused 409 already_served"
    assert b.refused().metadata == {"generation_id": "gen-before"}
    b >> ask("other", headers=KEYED, seed=2) << "other: refused 409 idempotency_key_reused"
    b.check_over(turns=0)


def test_a_slow_store_is_waited_for_two_seconds_and_then_done_without() -> None:
    b = book()
    b.store_is_slow = True
    b >> ask(headers=KEYED) >> After(1.9) >> After(0.2) << "acme asked" >> says("acme", text("Hello"), *finish())
    b << "200" << ANSWER
    b.check_over()


def test_where_money_is_charged_nobody_is_answered_without_the_stores_word() -> None:
    b = book(charged=True)
    b.store_is_slow = True
    b >> ask(headers=KEYED) >> After(2.1) << "refused 503 store_slow"
    b.check_over(turns=0)


def test_two_that_come_while_the_store_is_asked_are_one_request() -> None:
    b = book()
    b.store_is_slow = True
    b >> ask("one", headers=KEYED) >> After(1.0) >> ask("two", headers=KEYED) >> After(1.1) << "acme asked"
    b >> After(1.0) >> says("acme", text("Hello"), *finish())
    assert b.told == f"two: 200 | two: {ANSWER}"
    b.check_over()


def test_who_hung_up_may_ask_again() -> None:
    b = book()
    b >> ask(headers=KEYED) << "acme asked" >> says("acme", text("Hel")) << "200" << "'Hel'" >> Leaves() >> After(31.0)
    b >> ask("again", headers=KEYED) << "acme asked" >> says("acme", text("Hello"), *finish())
    b << "again: 200" << f"again: {ANSWER}"
    b.check_over(turns=2)
