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


def broken(at: Book, said: tuple[Saying, ...]) -> Book:
    """Acme breaks off: in its own way, or by a silence of a minute."""
    return at >> (says("acme", *said) if said else After(60.0))


def closing(at: Book, said: tuple[Saying, ...]) -> Book:
    """The gateway closes what the provider did not end itself."""
    return at if said in {(CUT,), (END,)} else at << "acme closed"


# ---- before the head --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*REFUSALS, *EMPTY])
@pytest.mark.parametrize("stream", [True, False])
def test_a_provider_that_gives_no_answer_is_absorbed_unseen(name: str, stream: bool) -> None:
    said, cause = {**REFUSALS, **EMPTY}[name]
    b = book()
    b >> ask(stream=stream, tools=True) << "acme asked" >> says("acme", *said)
    seen = b.outcome
    assert seen[-1] == "bolt asked"
    assert [one for one in seen if one[0] in "'2e"] == []
    if stream:
        b >> says("bolt", text("Hello"), *finish()) << "200" << "'Hello' | stop | done | end"
    else:
        b >> says("bolt", *whole("Hello")) << "200" << "'Hello' | stop | end"
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == BOLT
    assert b.record.absorbed_nano == (0 if name in REFUSALS or said[0] in {END, DONE} else b.record.absorbed_nano)
    assert b.record.error_code == ""
    b.over()


@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("stream", [True, False])
def test_a_stream_that_breaks_before_its_first_word_is_absorbed_unseen(
    name: str, said: tuple[Saying, ...], cause: str, stream: bool
) -> None:
    b = book()
    b >> ask(stream=stream, tools=True, max_tokens=10) << "acme asked" >> says("acme", begin())
    closing(broken(b, said), said) << "bolt asked"
    b >> says("bolt", text("Hello"), *finish()) << "200"
    assert b.outcome == ["'Hello' | stop | done | end" if stream else "'Hello' | stop | end"]
    assert b.attempts() == [f"acme absorbed {cause.replace('stall', 'first_token_timeout')}", "bolt served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == BOLT
    b.over()


# ---- after text -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
def test_an_agent_gets_the_rest_of_a_broken_text_from_the_next_provider(
    name: str, said: tuple[Saying, ...], cause: str
) -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    broken(b, said)
    seen = b.outcome
    assert seen.pop() == "bolt asked"
    assert {one.split(" | ")[0] for one in seen} <= {"acme closed", "keepalive"}
    b >> says("bolt", text("Hello world"), *finish()) << "' world' | stop | done | end"
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == BOLT
    assert b.record.absorbed_nano == 70_000  # an estimate: the prompt's bytes / 4 and two tokens said
    b.over()


@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
def test_a_reader_without_tools_gets_one_error_after_a_broken_text(
    name: str, said: tuple[Saying, ...], cause: str
) -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    broken(b, said)
    seen = b.outcome
    assert seen.count("error all_providers_failed | end") == 1
    assert set(seen) <= {"acme closed", "keepalive", "error all_providers_failed | end"}
    assert b.attempts() == [f"acme failed {cause}"]
    assert b.record.charge is not None
    assert (b.record.ending, b.record.status, b.record.charge.total_nano) == ("failed", 503, 0)
    assert b.error()["metadata"]["attempts"][0]["cause"] == cause
    b.over()


@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("tools", [True, False])
def test_a_whole_answer_that_breaks_after_text_is_asked_for_again(
    name: str, said: tuple[Saying, ...], cause: str, tools: bool
) -> None:
    b = book()
    b >> ask(stream=False, tools=tools) << "acme asked" >> says("acme", text("Hello"))
    closing(broken(b, said), said) << "bolt asked"
    b >> says("bolt", *whole("Good morning")) << "200" << "'Good morning' | stop | end"
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    b.over()


# ---- inside arguments -------------------------------------------------------------------------------------------------
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
    broken(b, said)
    seen = b.outcome
    assert seen.pop() == "bolt asked"
    assert {one.split(" | ")[0] for one in seen} <= {"acme closed", "keepalive"}
    b >> says("bolt", text("Other words"), call("c2", '{"path":"b"}'), *finish("tool_calls"))
    rest = 'c2 = write({"path":"b"}) | tool_calls'
    if not stream:
        assert b.outcome == ["200", f"'Other words' | {rest} | end"]
    elif shown:
        assert b.outcome == [f"{rest} | done | end"]
    else:
        assert b.outcome == [f"'Other words' | {rest} | done | end"]
    assert b.attempts() == [f"acme absorbed {cause}", "bolt served"]
    assert b.record.call_ids == (("c2", "c2"),)
    b.over()


# ---- after the finish -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "said", "cause"), PLACES)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("counted", [True, False])
def test_what_breaks_after_the_finish_changes_nothing(
    name: str, said: tuple[Saying, ...], cause: str, stream: bool, counted: bool
) -> None:
    b = book()
    b >> ask(stream=stream, tools=True) << "acme asked"
    b >> says("acme", call("c1"), stop("tool_calls"), *([usage()] if counted else []))
    broken(b, said)
    seen = [one for one in b.outcome if one != "acme closed"]
    assert seen == ["200", 'c1 = write({"a":1}) | tool_calls' + (" | done" if stream else "") + " | end"]
    assert b.attempts() == ["acme served"]
    assert b.record.usage.estimated is not counted
    assert b.record.charge is not None
    assert counted is (b.record.charge.total_nano == ACME)
    b.over()


# ---- nobody is left ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in REFUSALS if name not in {"401", "402", "403", "404"}])
@pytest.mark.parametrize("stream", [True, False])
def test_when_everybody_refuses_the_caller_gets_one_503_and_may_retry(name: str, stream: bool) -> None:
    said, cause = REFUSALS[name]
    b = book()
    b >> ask(stream=stream, tools=True)
    for _ in range(4):
        seen = b.outcome
        if seen[-1] in {"acme asked", "bolt asked"}:
            b >> says(seen[-1].split()[0], *said)
            b.arrive(After(3.0))
    left = [*seen, *b.outcome]
    assert left[-2:] == ["503", "error all_providers_failed | end"]
    assert b.record.status == 503
    assert 1 <= int(b.headers()["retry-after"]) < 60
    assert b.headers()["x-should-retry"] == "true"
    assert {one.split()[-1] for one in b.attempts()} == {cause}
    assert b.record.absorbed_nano == 0
    b.over()


def test_the_head_of_an_event_stream_alone_says_nothing() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", Head(200, EVENT_STREAM), b": ping\n\n")
    b >> After(4.9) >> says("acme", b": ping\n\n") >> After(0.2) << "acme closed" << "bolt asked"
    b >> says("bolt", text("Hello"), *finish()) << "200" << "'Hello' | stop | done | end"
    assert b.attempts() == ["acme absorbed first_token_timeout", "bolt served"]
    b.over()
