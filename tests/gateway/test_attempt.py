"""One exchange: what is sent, how long it is waited for, and what becomes of it."""

from __future__ import annotations

import pytest

from tests.conversations.playbook import After, ask, book, says
from tests.conversations.saying import begin, call, finish, stop, text, usage, whole
from tests.conversations.upstream import Head


def test_a_provider_gets_its_key_and_the_form_of_answer_that_was_asked_for() -> None:
    for stream, accept in ((True, "text/event-stream"), (False, "application/json")):
        b = book("acme")
        b >> ask(stream=stream) << "acme asked"
        sent = b.upstream.lines[0].ask
        assert sent.url == "http://acme.test/v1/chat/completions"
        assert (sent.headers["authorization"], sent.headers["accept"]) == ("Bearer secret", accept)
        b >> says("acme", *((text("Yes"), *finish()) if stream else whole("Yes")))
        b.clear()
        b.check_over()


def test_the_request_id_of_a_provider_is_kept() -> None:
    b = book("acme")
    b >> ask() << "acme asked"
    b >> says("acme", Head(200, {"content-type": "text/event-stream", "request-id": "up-7"}), text("Yes"), *finish())
    b.clear()
    assert b.record.attempts[0].upstream_request_id == "up-7"
    b.check_over()


@pytest.mark.parametrize(
    ("model", "n_bytes", "patience_s"),
    [("acme/one", 0, 5.0), ("acme/one", 200_000, 13.3), ("dust/four", 0, 60.0)],
)
def test_the_first_token_is_waited_for_by_what_is_usual(model: str, n_bytes: int, patience_s: float) -> None:
    b = book("acme", "dust")
    b >> ask(model=model, messages=[{"role": "user", "content": "x" * n_bytes}])
    b.arrive(After(patience_s - 0.3))
    assert [one for one in b.outcome if one.endswith("asked")] == [f"{model.partition('/')[0]} asked"]
    b.arrive(After(0.6))
    assert b.upstream.lines[0].closed_at_s is not None
    b.arrive(After(600.0))
    b.clear()
    b.check_over()


def test_a_slow_endpoint_is_waited_for_longer_once_that_was_measured() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> After(4.0) >> says("acme", text("Yes"), *finish())
    b.clear()
    b >> ask("second") << "acme asked" >> After(11.9)
    assert b.outcome == []
    b >> says("acme", text("Yes"), *finish())
    b.clear()
    assert b.notes.records[0].ttft_ms == 4000.0
    b.check_over(turns=2)


def test_a_latency_budget_leaves_a_share_for_one_more_attempt() -> None:
    b = book()
    (
        b
        >> ask(headers={"x-gammainfra-max-latency-ms": "5000"})
        << "acme asked"
        >> After(2.9)
        >> After(0.2)
        << "bolt asked"
    )
    b >> says("bolt", text("Yes"), *finish())
    b.clear()
    b.check_over()


def test_a_whole_answer_may_take_as_long_as_it_is_long() -> None:
    b = book("acme")
    b >> ask(stream=False, max_tokens=600) << "acme asked" >> After(89.0) >> says("acme", *whole("Yes"))
    assert b.told == "200 | 'Yes' | stop | end"
    b.check_over()


def test_several_answers_are_waited_for() -> None:
    b = book("acme")
    b >> ask(n=2) << "acme asked" >> says("acme", begin(), text("Yes")) << "200" << "'Yes'" >> says("acme", stop())
    second = stop().replace(b'"index": 0', b'"index": 1')
    b >> says("acme", second, usage()) << "stop | stop | done | end"
    b.check_over()


def test_a_call_alone_brings_the_head_but_nothing_else() -> None:
    b = book("acme")
    b >> ask(tools=True) << "acme asked" >> says("acme", call("c1")) << "200" >> After(1.0)
    b >> says("acme", *finish("tool_calls"))
    b.clear()
    assert b.record.ttft_ms == 0.0
    b.check_over()
