from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.accounts.login import LoginLinks, Logins, make_link
from gammainfra.accounts.pepper import Pepper
from gammainfra.domain import limits

PEPPER = Pepper(1, b"p" * 32)


@dataclass
class Clock:
    at: float = 1_800_000_000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


class Dice:
    def __init__(self) -> None:
        self._numbers = count(1)

    def bytes(self, n: int) -> bytes:
        return next(self._numbers).to_bytes(n, "big")

    def uniform(self) -> float:
        return 0.5


def links(clock: Clock, *peppers: Pepper) -> LoginLinks:
    return LoginLinks(peppers or (PEPPER,), clock=clock, random=Dice())


def logins(clock: Clock) -> Logins:
    return Logins(clock=clock, random=Dice())


def test_a_link_opens_once() -> None:
    opener = links(Clock())
    token = opener.make()

    assert opener.open(token)
    assert not opener.open(token)


def test_a_link_of_the_command_opens_the_gateway_that_runs() -> None:
    clock = Clock()
    opener = links(clock)
    clock.at += 60

    assert opener.open(make_link(PEPPER, clock.at, b"0123456789abcdef"))


def test_a_link_is_good_for_five_minutes() -> None:
    clock = Clock()
    opener = links(clock)
    token = opener.make()
    clock.at += limits.LOGIN_LINK_S + 1

    assert not opener.open(token)


def test_a_link_from_before_a_restart_is_refused_because_it_may_have_been_used() -> None:
    clock = Clock()
    token = links(clock).make()
    clock.at += 10

    assert not links(clock).open(token)


def test_an_older_pepper_still_opens_and_a_strange_one_never_does() -> None:
    clock = Clock()
    newest = Pepper(2, b"q" * 32)

    assert links(clock, newest, PEPPER).open(make_link(PEPPER, clock.at, b"0" * 16))
    assert not links(clock, newest).open(make_link(PEPPER, clock.at, b"0" * 16))


def test_used_links_are_bounded_and_forgotten_when_they_would_have_expired() -> None:
    clock = Clock()
    opener = links(clock)
    tokens = [opener.make() for _ in range(limits.LOGIN_LINKS + 1)]

    assert [opener.open(token) for token in tokens].count(True) == limits.LOGIN_LINKS
    clock.at += limits.LOGIN_LINK_S + 1
    assert opener.open(opener.make())


@given(st.text(max_size=120))
def test_no_other_text_opens(text: str) -> None:
    assert not links(Clock()).open(text)


def test_a_login_is_found_by_its_cookie_until_it_is_closed() -> None:
    book = logins(Clock())
    cookie, login = book.open("local")

    assert book.find(cookie) == login
    assert book.find("another") is None
    book.close(cookie)
    assert book.find(cookie) is None


def test_a_login_ends_unused_and_ends_anyway() -> None:
    clock = Clock()
    book = logins(clock)
    cookie, _ = book.open("local")
    clock.at += limits.LOGIN_IDLE_S + 1
    assert not book.holds(cookie)
    assert book.find(cookie) is None

    cookie, _ = book.open("local")
    for _ in range(int(limits.LOGIN_S / limits.LOGIN_IDLE_S) * 2):
        clock.at += limits.LOGIN_IDLE_S / 2
        assert book.find(cookie) is not None
    clock.at += 1
    assert book.find(cookie) is None


def test_the_login_unused_for_longest_makes_room() -> None:
    book = logins(Clock())
    first, _ = book.open("local")
    others = [book.open("local")[0] for _ in range(limits.LOGINS)]

    assert book.find(first) is None
    assert all(book.find(cookie) for cookie in others)


def test_what_is_kept_of_a_login_would_open_nothing(tmp_path: Path) -> None:
    book = logins(Clock())
    cookie, _ = book.open("local")

    assert cookie not in repr(vars(book))
