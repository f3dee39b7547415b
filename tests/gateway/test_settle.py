"""What a Turn cost and what is written down of it."""

from __future__ import annotations

from tests.conversations.playbook import After, Leaves, ask, book, says
from tests.conversations.saying import CUT, begin, event, finish, refuses, stop, text, usage


def test_a_providers_own_count_is_believed_and_an_estimate_says_so() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", text("Hello"), *finish())
    b.clear()
    assert not b.record.usage.estimated
    assert b.record.attempts[0].cost_nano == 200_000
    b.check_over()
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", text("Hello"), stop()) << "200" << "'Hello'" >> After(1.6)
    b.clear()
    assert b.record.usage.estimated
    assert b.record.usage.output_tokens == 2
    b.check_over()


def test_counts_so_far_are_raised_to_what_was_said() -> None:
    b = book("acme")
    early = event({"id": "up", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}})
    b >> ask() << "acme asked" >> says("acme", early, text("x" * 400)) << "200" << f"'{'x' * 400}'" >> Leaves()
    assert b.record.ending == "abandoned"
    assert (b.record.usage.input_tokens, b.record.usage.output_tokens) == (7, 100)
    assert b.record.usage.estimated
    b.check_over()


def test_an_attempt_that_said_nothing_costs_nothing() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(500)) << "bolt asked" >> says("bolt", begin(), CUT)
    b << "bolt asked" >> says("bolt", text("Yes"), *finish())
    b.clear()
    refused, started, served = b.record.attempts
    assert (refused.cost_nano, refused.usage.prompt_tokens) == (0, 0)
    assert started.cost_nano == b.record.absorbed_nano > 0
    assert served.cost_nano == 400_000
    b.check_over()


def test_our_own_time_leaves_providers_and_sleep_out() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> After(3.0) >> says("acme", *refuses(429, headers={"retry-after": "9"})) >> After(9.1)
    b.clear()
    b >> After(2.0) >> says("acme", text("Yes"), usage(), *finish())
    b.clear()
    assert 14_000 < b.record.latency_ms < 14_200
    assert b.record.overhead_ms < 200
    b.check_over()
