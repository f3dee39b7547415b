"""The Turn when something of ours goes wrong at its very beginning or end; its life stands in tests/conversations."""

from __future__ import annotations

from tests.conversations.playbook import After, Leaves, ask, book, says
from tests.conversations.saying import finish, text


def test_a_turn_that_cannot_even_begin_is_one_500_and_one_record() -> None:
    b = book("acme")
    b.hosts.clear()
    b >> ask() << "500" << "error internal_error | end"
    assert (b.record.status, b.record.attempts) == (500, ())
    b.check_over(defects=1)


def test_events_after_the_end_change_nothing() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    b >> Leaves() >> After(30.0)
    assert b.attempts() == ["acme served"]
    b.check_over()
