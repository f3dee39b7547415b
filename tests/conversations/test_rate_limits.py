"""A key asks faster than it may: delayed in order, within its deadline, and only then refused with OpenAI's headers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from gammainfra.domain import limits
from gammainfra.domain.policy import RateLimits
from tests.conversations.playbook import KEY, After, Book, ask, book, says
from tests.conversations.saying import finish, text

ANSWER = "'Yes' | stop | done | end"


def limited(**given: int) -> Book:
    return book(key=replace(KEY, rates=RateLimits(**given)))


def served(b: Book, who: str, **asked: Any) -> None:
    b >> ask(who, seed=sum(who.encode()), **asked) << "acme asked" >> says("acme", text("Yes"), *finish())
    b << f"{who}: 200" << f"{who}: {ANSWER}"


def test_without_limits_nothing_is_said_of_them() -> None:
    b = book()
    served(b, "one")
    assert not [name for name in b.headers("one") if name.startswith("x-ratelimit")]
    b.check_over()


def test_a_minutes_worth_may_come_at_once_and_the_next_one_is_delayed() -> None:
    b = limited(requests_per_minute=6)
    for number in range(6):
        served(b, f"caller {number}")
    assert b.headers("caller 5")["x-ratelimit-limit-requests"] == "6"
    assert b.headers("caller 5")["x-ratelimit-remaining-requests"] == "0"
    assert b.headers("caller 5")["x-ratelimit-reset-requests"] == "60.000s"
    b >> ask("late", seed=1) >> After(9.9) >> After(0.2) << "acme asked" >> says("acme", text("Yes"), *finish())
    b << "late: 200" << f"late: {ANSWER}"
    b.check_over(turns=7)


def test_whoever_would_wait_longer_than_15_s_is_refused_and_told_when_to_come() -> None:
    b = limited(requests_per_minute=6)
    for number in range(6):
        served(b, f"caller {number}")
    b >> ask("waits", seed=1) >> ask("too late", seed=2) << "too late: refused 429 rate_limit_exceeded"
    refused = b.refused("too late")
    assert refused.retry
    assert refused.retry_after_s is not None
    assert round(refused.retry_after_s) == 20
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert "6 requests per minute" in refused.message
    b >> After(10.1) << "acme asked" >> says("acme", text("Yes"), *finish()) << "waits: 200" << f"waits: {ANSWER}"
    b.check_over(turns=7)


def test_keys_do_not_wait_for_each_other() -> None:
    b = limited(requests_per_minute=1)
    served(b, "one")
    served(b, "two", key="other")
    b.check_over(turns=2)


def test_a_deadline_bounds_the_delay_and_what_was_waited_counts() -> None:
    b = limited(requests_per_minute=6)
    for number in range(6):
        served(b, f"caller {number}")
    b >> ask("hasty", seed=1, headers={"x-gammainfra-max-latency-ms": "5000"})
    b << "hasty: refused 429 rate_limit_exceeded"
    b >> ask("patient", seed=2, headers={"x-gammainfra-max-latency-ms": "12000"}) >> After(10.1) << "acme asked"
    b >> After(3.0)
    assert b.told.endswith("patient: 504 | patient: error latency_budget_exceeded | end")
    b.check_over(turns=7)


def test_the_tokens_of_an_answer_are_booked_when_they_are_counted() -> None:
    b = limited(tokens_per_minute=40)
    served(b, "one")
    assert b.headers("one")["x-ratelimit-remaining-tokens"] == str(math.floor(40 - len(b.asked[0].raw) / 4))
    b >> ask("two", seed=1) << "two: refused 429 rate_limit_exceeded" >> After(50.0)
    served(b, "three")
    b.check_over(turns=2)


def test_what_is_larger_than_a_minutes_worth_waits_until_nothing_else_is_owed() -> None:
    b = limited(tokens_per_minute=10)
    served(b, "one")
    b.check_over()


def test_a_place_is_waited_for_in_order() -> None:
    b = limited(concurrency=1)
    b >> ask("one", seed=1) << "acme asked" >> ask("two", seed=2) >> ask("three", seed=3) >> After(2.0)
    b >> says("acme", text("Yes"), *finish())
    assert b.told == f"one: 200 | one: {ANSWER} | acme asked"
    b >> says("acme", text("Yes"), *finish())
    assert b.told == f"two: 200 | two: {ANSWER} | acme asked"
    b >> says("acme", text("Yes"), *finish()) << "three: 200" << f"three: {ANSWER}"
    b.check_over(turns=3)


def test_a_place_that_does_not_come_free_in_time_is_a_refusal() -> None:
    b = limited(concurrency=1, requests_per_minute=100)
    b >> ask("one", seed=1) << "acme asked" >> ask("two", seed=2) >> After(2.0) >> says("acme", text("Yes"))
    b << "one: 200" << "one: 'Yes'" >> After(12.9)
    b.clear()
    b >> After(0.2) << "two: refused 429 rate_limit_exceeded" >> says("acme", *finish()) << "one: stop | done | end"
    served(b, "three")
    assert b.headers("three")["x-ratelimit-remaining-requests"] == "99"
    b.check_over(turns=2)


def test_only_so_many_requests_of_a_key_wait() -> None:
    b = limited(concurrency=1)
    b >> ask("first", seed=-1) << "acme asked"
    for number in range(limits.RATE_WAITING_PER_KEY):
        b >> ask(str(number), seed=number)
    b >> ask("last", seed=1000) << "last: refused 429 rate_limit_exceeded"
    b >> says("acme", text("Yes"), *finish())
    for _ in range(limits.RATE_WAITING_PER_KEY):
        b >> says("acme", text("Yes"), *finish()) if b.outcome else b
    b.clear()
    b.check_over(turns=limits.RATE_WAITING_PER_KEY + 1)
