"""What is kept of an answer for another reader, and what is not."""

from __future__ import annotations

from gammainfra.domain import limits
from tests.conversations.playbook import ask, book, says
from tests.conversations.saying import finish, text


def test_an_answer_up_to_a_megabyte_can_be_said_again_and_a_longer_one_reaches_its_reader_only() -> None:
    for n_bytes, again in ((limits.JOURNAL_BYTES - 4096, True), (limits.JOURNAL_BYTES, False)):
        b = book()
        b >> ask() << "acme asked" >> says("acme", text("y" * n_bytes), *finish())
        assert b.clients["caller"].body.count(b"yyyy") == n_bytes // 4
        b.clear()
        b >> ask("again", retry=1)
        assert (b.outcome[0] == "again: 200") is again
        if not again:
            b >> says("acme", text("Yes"), *finish())
            b.clear()
        b.check_over(turns=1 if again else 2)


def test_the_two_readers_of_one_answer_get_the_same_bytes() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello"), *finish())
    b.clear()
    b >> ask("again", tools=True, retry=1)
    b.clear()
    assert b.clients["again"].body == b.clients["caller"].body
    assert b.headers("again") == b.headers()
    b.check_over()
