"""The table of Turns: what it keeps and for how long. Who joins whom stands in conversations/test_joining.py."""

from __future__ import annotations

from gammainfra.domain import limits
from tests.conversations.playbook import After, Leaves, ask, book, says
from tests.conversations.saying import finish, text

LONG = limits.JOURNAL_BYTES // 2


def test_answers_to_be_said_again_are_bounded_in_all() -> None:
    b = book()
    kept = limits.REPLAY_BYTES // LONG
    for number in range(kept + 2):
        b >> ask(str(number), seed=number) << "acme asked" >> says("acme", text("y" * LONG), *finish())
        b.clear()
    b >> ask("old", seed=0, retry=1) << "acme asked" >> says("acme", text("new"), *finish())
    b.clear()
    b >> ask("young", seed=kept + 1, retry=1)
    assert b.clients["young"].body.count(b"yyyy") == LONG // 4
    b.clear()
    b.check_over(turns=kept + 3)


def test_a_turn_that_has_ended_gives_a_further_readers_permit_back_at_once() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Yes"), *finish())
    b.clear()
    b >> ask("again", retry=1)
    b.clear()
    assert (b.admission.requests, b.admission.n_bytes) == (0, 0)
    b.check_over()


def test_every_reader_of_a_running_turn_holds_a_permit_until_its_end() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> Leaves() >> ask("again", tools=True)
    assert b.admission.requests == 2
    b >> Leaves("again") >> After(2.6)
    assert b.admission.requests == 0
    b.check_over()


def test_the_newest_of_equal_questions_is_the_one_that_is_found() -> None:
    b = book()
    b >> ask("one") << "acme asked" >> ask("two") << "acme asked"
    b.upstream.lines[0].say(text("first"), *finish())
    b >> After(0.0)
    b.clear()
    b >> Leaves("two") >> ask("again") >> says("acme", text("second"), *finish())
    assert b.told == "again: 200 | again: 'second' | stop | done | end"
    b.check_over(turns=2)
