"""Every failure class at every moment, streamed and not: what the caller gets, what is recorded, what is charged."""

from __future__ import annotations

import pytest

from gammainfra.domain.failure import Cause
from tests.conversations.playbook import After, Book, ask, book, says
from tests.conversations.saying import (
    CUT,
    DONE,
    END,
    begin,
    call,
    error,
    finish,
    refuses,
    stop,
    text,
    thinking,
    usage,
    whole,
)
from tests.conversations.upstream import EVENT_STREAM, Broken, Head, Saying

# A bill in nano-USD for 100 tokens in and 10 out.
ACME, BOLT = 200_000, 400_000
HTML = Head(200, {"content-type": "text/html"})

REFUSALS: dict[str, tuple[tuple[Saying, ...], str]] = {
    "no connection": ((Broken(Cause.CONNECT_ERROR),), "connect_error"),
    "no connection in time": ((Broken(Cause.CONNECT_TIMEOUT),), "connect_timeout"),
    "401": (refuses(401), "credentials_rejected"),
    "402": (refuses(402), "billing"),
    "403": (refuses(403), "credentials_rejected"),
    "404": (refuses(404), "model_not_found"),
    "408": (refuses(408), "request_timeout"),
    "409": (refuses(409), "conflict"),
    "425": (refuses(425), "unavailable"),
    "429": (refuses(429), "rate_limit"),
    "429 with Retry-After": (refuses(429, headers={"retry-after": "2"}), "rate_limit"),
    "500": (refuses(500), "server_error"),
    "502 as a page": ((Head(502, {"content-type": "text/html"}), b"<html>bad gateway</html>", END), "unavailable"),
    "503": (refuses(503), "overloaded"),
    "529": (refuses(529), "overloaded"),
    "a page instead of an answer": ((HTML, b"<html>hello</html>", END), "not_an_answer"),
    "an error with status 200": ((Head(200), error("it broke"), END), "in_band_error"),
}
EMPTY: dict[str, tuple[tuple[Saying, ...], str]] = {
    "nothing but a finish": ((begin(), *finish()), "empty_answer"),
    "thoughts and a finish": ((thinking("hm"), *finish()), "empty_answer"),
    "the end marker alone": ((DONE, END), "empty_answer"),
    "nothing at all": ((END,), "cut"),
    "a call without a name": ((call("c1", name=""), *finish("tool_calls")), "bad_tool_call"),
    "arguments that are no JSON": ((call("c1", '{"a":'), *finish("tool_calls")), "bad_tool_call"),
}
BREAKS: dict[str, tuple[tuple[Saying, ...], str]] = {
    "cut": ((CUT,), "cut"),
    "ends without a finish": ((END,), "cut"),
    "no JSON": ((b"data: {oops\n\n",), "malformed_stream"),
    "in-band error": ((error("it broke"),), "in_band_error"),
    "in-band overload": ((error("overloaded", type="overloaded_error"),), "overloaded"),
    "in-band rate limit": ((error("slow down", code="rate_limit_exceeded"),), "rate_limit"),
    "silence": ((), "stall"),
}
PLACES = [(name, *row) for name, row in BREAKS.items()]


def broken(at: Book, said: tuple[Saying, ...], silence_s: float = 60.0) -> list[str]:
    """What leaves after acme broke off, in its own way or by a long silence; without the keep-alives."""
    at >> (says("acme", *said) if said else After(silence_s))
    return [one for one in at.outcome if one != "keepalive"]


def estimated_nano(at: Book, input_nano: int, output_nano: int, output_tokens: int) -> int:
    """What an attempt is reckoned to cost when its provider did not say: a quarter of a token for each byte."""
    return (len(at.asked[0].raw) // 4 + 8) * input_nano + output_tokens * output_nano


# ---- before the head -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*REFUSALS, *EMPTY])
@pytest.mark.parametrize("stream", [True, False])
def test_a_provider_that_gives_no_answer_is_absorbed_unseen(name: str, stream: bool) -> None:
    said, cause = {**REFUSALS, **EMPTY}[name]
    b = book()
    b >> ask(stream=stream, tools=True) << "acme asked" >> says("acme", *said)
    seen = b.outcome
    assert seen[-1] == "bolt asked"
    assert set(seen[:-1]) <= {"200", "thinks hm"}
    b >> says("bolt", *((text("Hello"), *finish()) if stream else whole("Hello")))
    answer = "'Hello' | stop | done | end" if stream else "'Hello' | stop | end"
    assert b.told == (answer if "200" in seen else f"200 | {answer}")
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == BOLT
    assert (b.record.absorbed_nano == 0) is (said[0] in (END, DONE) or name in REFUSALS)
    assert b.record.error_code == ""
    b.check_over()


@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("stream", [True, False])
def test_a_stream_that_breaks_before_its_first_word_is_absorbed_unseen(
    name: str, said: tuple[Saying, ...], cause: str, stream: bool
) -> None:
    b = book()
    b >> ask(stream=stream, tools=True, max_tokens=10) << "acme asked" >> says("acme", begin())
    assert broken(b, said, 5.1 if stream else 61.0) == ["bolt asked"]
    b >> says("bolt", text("Hello"), *finish())
    assert b.told == "200 | 'Hello' | stop | " + ("done | end" if stream else "end")
    assert b.attempts() == [f"acme absorbed {cause.replace('stall', 'first_token_timeout')}", "bolt served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == BOLT
    b.check_over()


# ---- after text ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
def test_an_agent_gets_the_rest_of_a_broken_text_from_the_next_provider(
    name: str, said: tuple[Saying, ...], cause: str
) -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    assert broken(b, said) == ["bolt asked"]
    b >> says("bolt", text("Hello world"), *finish()) << "' world' | stop | done | end"
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == BOLT
    assert b.record.absorbed_nano == estimated_nano(b, 1_000, 10_000, output_tokens=2)
    b.check_over()


@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
def test_a_reader_without_tools_gets_one_error_after_a_broken_text(
    name: str, said: tuple[Saying, ...], cause: str
) -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    assert broken(b, said) == ["error all_providers_failed | end"]
    assert b.attempts() == [f"acme failed {cause}"]
    assert b.record.charge is not None
    assert (b.record.ending, b.record.status, b.record.charge.total_nano) == ("failed", 503, 0)
    assert b.error()["metadata"]["attempts"][0]["cause"] == cause
    b.check_over()


@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("tools", [True, False])
def test_a_whole_answer_that_breaks_after_text_is_asked_for_again(
    name: str, said: tuple[Saying, ...], cause: str, tools: bool
) -> None:
    b = book()
    b >> ask(stream=False, tools=tools) << "acme asked" >> says("acme", text("Hello"))
    assert broken(b, said) == ["bolt asked"]
    b >> says("bolt", *whole("Good morning")) << "200" << "'Good morning' | stop | end"
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    b.check_over()


# ---- inside arguments ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("shown", ["", "Hello"])
def test_nothing_is_seen_of_a_call_that_breaks_inside_its_arguments(
    name: str, said: tuple[Saying, ...], cause: str, stream: bool, shown: str
) -> None:
    b = book()
    b >> ask(stream=stream, tools=True) << "acme asked"
    b >> says("acme", *([text(shown)] if shown else []), call("c1", '{"path":"a'))
    head = ["200", *([f"'{shown}'"] if shown else [])] if stream else []
    assert b.outcome == head
    assert broken(b, said) == ["bolt asked"]
    b >> says("bolt", text("Other words"), call("c2", '{"path":"b"}'), *finish("tool_calls"))
    rest = 'c2 = write({"path":"b"}) | tool_calls'
    if not stream:
        assert b.told == f"200 | 'Other words' | {rest} | end"
    elif shown:
        assert b.told == f"{rest} | done | end"
    else:
        assert b.told == f"'Other words' | {rest} | done | end"
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    assert b.record.call_ids == (("c2", "c2"),)
    b.check_over()


# ---- after the finish ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("counted", [True, False])
def test_what_breaks_after_the_finish_changes_nothing(
    name: str, said: tuple[Saying, ...], cause: str, stream: bool, counted: bool
) -> None:
    b = book()
    b >> ask(stream=stream, tools=True) << "acme asked"
    b >> says("acme", call("c1"), stop("tool_calls"), *([usage()] if counted else []))
    told = " | ".join(b.outcome + broken(b, said))
    assert told == '200 | c1 = write({"a":1}) | tool_calls' + (" | done" if stream else "") + " | end"
    assert b.attempts() == ["acme served"]
    assert b.record.usage.estimated is not counted
    assert b.record.charge is not None
    assert b.record.charge.total_nano == (ACME if counted else estimated_nano(b, 1_000, 10_000, output_tokens=2))
    b.check_over()


# ---- nobody is left --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in REFUSALS if name not in {"401", "402", "403", "404"}])
@pytest.mark.parametrize("stream", [True, False])
def test_when_everybody_refuses_the_caller_gets_one_503_and_may_retry(name: str, stream: bool) -> None:
    said, cause = REFUSALS[name]
    b = book()
    b >> ask(stream=stream, tools=True)
    told: list[str] = []
    while not told or told[-1].endswith(" asked"):
        b.arrive(says(told[-1].split()[0], *said) if told else After(0.0))
        b.arrive(After(3.0))
        told += b.outcome
    assert told[-2:] == ["503", "error all_providers_failed | end"]
    assert b.record.status == 503
    assert 1 <= int(b.headers()["retry-after"]) < 60
    assert b.headers()["x-should-retry"] == "true"
    assert {one.split()[-1] for one in b.attempts()} == {cause}
    assert b.record.absorbed_nano == 0
    b.check_over()


def test_the_head_of_an_event_stream_alone_says_nothing() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", Head(200, EVENT_STREAM), b": ping\n\n")
    b >> After(4.9) >> says("acme", b": ping\n\n") >> After(0.2) << "bolt asked"
    b >> says("bolt", text("Hello"), *finish())
    assert b.told == "200 | 'Hello' | stop | done | end"
    assert b.attempts() == ["acme absorbed first_token_timeout", "bolt served"]
    b.check_over()
