"""What a caller is told when there is no answer: status, code, headers, words (contract section 5)."""

from __future__ import annotations

import pytest

from gammainfra.domain import limits
from tests.conversations.playbook import After, Ask, Ends, ask, book, says
from tests.conversations.saying import CUT, error, finish, refuses, text, whole

OVERFLOW = "This model's maximum context length is 100000 tokens."


@pytest.mark.parametrize("stream", [True, False])
def test_a_request_that_is_wrong_everywhere_ends_at_once(stream: bool) -> None:
    b = book()
    b >> ask(stream=stream) << "acme asked" >> says("acme", *refuses(400, "messages: bad role", param="messages"))
    b << "400" << "error invalid_request | end"
    assert b.headers()["x-should-retry"] == "false"
    assert b.headers()["content-type"] == "application/json"
    assert "retry-after" not in b.headers()
    assert b.error()["message"] == "acme/one refuses this request: messages: bad role"
    assert b.error()["request_id"] == b.record.id == b.headers()["x-request-id"]
    assert (b.record.status, b.record.error_code) == (400, "invalid_request")
    b.check_over()


def test_a_request_that_is_too_large_for_a_provider_is_a_413() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(413, "too big")) << "413" << "error request_too_large | end"
    assert b.headers()["x-should-retry"] == "false"
    b.check_over()


def test_a_body_above_our_own_limit_is_a_413_before_it_is_read() -> None:
    b = book()
    b >> Ask(b" " * (limits.REQUEST_BODY_BYTES + 1)) << "refused 413 request_too_large"
    b.check_over(turns=0)


def test_a_body_that_is_no_request_and_a_caller_without_a_key_are_refused() -> None:
    b = book()
    b >> Ask(b"{oops") << "refused 400 invalid_request" >> ask(key="") << "refused 401 invalid_api_key"
    b >> ask(model="nobody/nothing") << "refused 404 model_not_found"
    b >> ask(headers={"x-gammainfra-cost-quality": "2"}) << "refused 400 invalid_request"
    b.check_over(turns=0)


def test_a_context_overflow_is_served_by_a_larger_window() -> None:
    b = book("acme", "bolt", "corp")
    b >> ask(tools=True) << "acme asked"
    b >> says("acme", *refuses(400, OVERFLOW, code="context_length_exceeded")) << "corp asked"
    b >> says("corp", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    assert b.attempts() == ["acme absorbed context_overflow", "corp served"]
    b.check_over()


@pytest.mark.parametrize("stream", [True, False])
def test_a_context_overflow_everywhere_is_a_400_in_the_words_that_agents_look_for(stream: bool) -> None:
    b = book()
    b >> ask(stream=stream, tools=True) << "acme asked"
    b >> says("acme", *refuses(400, OVERFLOW, code="context_length_exceeded"))
    b << "400" << "error context_length_exceeded | end"
    assert "maximum context length" in b.error()["message"]
    assert b.headers()["x-should-retry"] == "false"
    b.check_over()


def test_those_words_appear_in_no_other_error() -> None:
    b = book("acme")
    said = "Rate limit: the Maximum Context Length of your plan is used up"
    b >> ask() << "acme asked" >> says("acme", *refuses(429, said, headers={"retry-after": "50"}))
    b << "503" << "error all_providers_failed | end"
    assert b"maximum context length" not in b.clients["caller"].body.lower()
    b >> ask("second", key="other") << "acme asked" >> says("acme", *refuses(400, "tools: maximum  context\\nlength"))
    b.clear()
    assert b"maximum context length" not in b.clients["second"].body.lower()
    b.check_over(turns=2)


def test_rejected_keys_of_ours_are_named_by_their_place_and_not_retried() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(401, "bad key sk-abcdefghij1234567890")) << "bolt asked"
    b >> says("bolt", *refuses(403, "no")) << "503" << "error provider_credentials_rejected | end"
    assert "Check [providers.acme] api_key" in b.error()["message"]
    assert b"sk-abcdefghij" not in b.clients["caller"].body
    assert b.headers()["x-should-retry"] == "false"
    assert "retry-after" not in b.headers()
    b.check_over()


def test_what_only_the_operator_can_mend_is_not_retried() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(402)) << "bolt asked" >> says("bolt", *refuses(404, "no model"))
    b << "503" << "error all_providers_failed | end"
    assert b.headers()["x-should-retry"] == "false"
    assert "retry-after" not in b.headers()
    b.check_over()


def test_the_shortest_wait_of_all_providers_is_told() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "55"})) << "bolt asked"
    b >> says("bolt", *refuses(429, headers={"retry-after-ms": "40500"})) << "503" << "error all_providers_failed | end"
    assert (b.headers()["retry-after"], b.headers()["retry-after-ms"]) == ("40", "40500")
    assert [one["cause"] for one in b.error()["metadata"]["attempts"]] == ["rate_limit", "rate_limit"]
    assert b.headers()["x-gammainfra-fallback-chain"] == "acme/one,bolt/two"
    assert b.headers()["x-gammainfra-fallback-reason"] == "acme_rate_limit,bolt_rate_limit"
    b.check_over()


def test_an_error_after_the_head_has_no_finish_and_no_end_marker() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> says("acme", error("it broke")) << "error all_providers_failed | end"
    assert b"[DONE]" not in b.clients["caller"].body
    assert b'"finish_reason":"' not in b.clients["caller"].body
    b.check_over()


# ---- the process ends ------------------------------------------------------------------------------------------------
def test_a_stream_that_ends_within_the_drain_is_not_lost() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'" >> Ends(120.0)
    b >> ask("late", key="other") << "late: refused 503 overloaded" >> After(10.0)
    b >> says("acme", *finish()) << "stop | done | end"
    assert b.ending_is_over
    b.check_over()


@pytest.mark.parametrize("stream", [True, False])
def test_what_has_not_ended_by_then_gets_one_error(stream: bool) -> None:
    b = book(closings=True)
    b >> ask(stream=stream, tools=True) << "acme asked" >> says("acme", text("Hello"))
    b.clear()
    b >> Ends(10.0) >> After(9.9) >> After(0.2) << "acme closed"
    assert b.told == ("error shutting_down | end" if stream else "503 | error shutting_down | end")
    assert (b.record.ending, b.record.status) == ("stopped", 503)
    assert b.attempts() == ["acme cancelled by stop"]
    b.check_over()


def test_an_idle_process_ends_at_once() -> None:
    b = book()
    b >> Ends(10.0)
    assert b.ending_is_over
    b.check_over(turns=0)


def test_a_wrong_answer_to_a_whole_question_leaves_no_half_answer() -> None:
    b = book()
    b >> ask(stream=False) << "acme asked" >> says("acme", *whole("Hello")[:2], CUT) << "bolt asked"
    b >> says("bolt", *whole("Yes")) << "200" << "'Yes' | stop | end"
    b.check_over()
