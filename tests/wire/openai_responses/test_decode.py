from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause
from gammainfra.domain.stream import (
    Finished,
    Opaque,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.domain.usage import Usage
from gammainfra.wire.openai_responses import PROVIDER

OWN: dict[str, Any] = {"format": "openai-responses-v1", "id": "rs_1"}
COUNTS = {
    "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
}  # fmt: skip
RESPONSE: dict[str, Any] = {"id": "resp_1", "model": "gpt", "status": "completed", "output": [], "usage": COUNTS}
CREATED = {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}


def ended(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {**RESPONSE, "status": status, **fields}}


def added(at: int, **item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": at, "item": item}


def done(at: int, **item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def delta(at: int, kind: str, piece: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": at, "delta": piece, **more}


def sse(*events: object) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def decode(raw: bytes, *, streamed: bool = True, piece: int = 0) -> list[StreamEvent]:
    decoder = PROVIDER.decoder(streamed=streamed)
    events: list[StreamEvent] = []
    size = piece or len(raw) or 1
    for at in range(0, len(raw), size):
        events += decoder.feed(raw[at : at + size])
    return events + decoder.eof()


def stream(*events: object) -> list[StreamEvent]:
    return decode(sse(*events))


def whole(*items: Any, **fields: Any) -> list[StreamEvent]:
    return decode(json.dumps({**RESPONSE, "output": list(items), **fields}).encode(), streamed=False)


def failure(events: list[StreamEvent]) -> Cause:
    last = events[-1]
    assert isinstance(last, UpstreamError)
    return last.failure.cause


USED = UsageSeen(Usage(input_tokens=6, cache_read_tokens=4, output_tokens=3, reasoning_tokens=2), final=True)
ANSWER = (
    CREATED,
    {"type": "response.in_progress"},
    added(0, type="reasoning", id="rs_1"),
    delta(0, "reasoning_summary_text", "a", item_id="rs_1", summary_index=0),
    delta(0, "reasoning_summary_text", "b", item_id="rs_1", summary_index=1),
    done(0, type="reasoning", id="rs_1", summary=[], encrypted_content="g"),
    added(1, type="message"),
    delta(1, "output_text", "Hel"),
    delta(1, "output_text", "lo"),
    delta(1, "output_text", ""),
    done(1, type="message", content=[{"type": "output_text", "text": "Hello"}]),
    added(2, **{**CALL, "arguments": ""}),
    delta(2, "function_call_arguments", '{"a"'),
    delta(2, "function_call_arguments", ":1}"),
    delta(2, "function_call_arguments", ""),
    done(2, **CALL),
    ended(),
)
HEARD = [
    Started("resp_1", "gpt"),
    ThinkingDelta("a", index=0, **OWN),
    ThinkingDelta("\n\nb", index=0, **OWN),
    ThinkingDelta(redacted="g", index=0, **OWN),
    TextDelta("Hel"),
    TextDelta("lo"),
    ToolCallDelta(0, "call_1", "f"),
    ToolCallDelta(0, arguments='{"a"'),
    ToolCallDelta(0, arguments=":1}"),
    Finished("tool_calls"),
    USED,
]


def test_a_stream_with_a_thought_words_and_a_call() -> None:
    assert stream(*ANSWER) == HEARD


@given(st.integers(1, 40))
def test_pieces_of_any_size_say_the_same(piece: int) -> None:
    assert decode(sse(*ANSWER), piece=piece) == HEARD


def test_a_whole_body_says_the_same() -> None:
    said = whole(
        {"type": "reasoning", "id": "rs_1", "summary": [{"text": "a"}, "odd", {"text": "b"}], "encrypted_content": "g"},
        {"type": "message", "content": [{"type": "output_text", "text": "Hello"}, {"type": "output_text", "text": ""}]},
        CALL,
        "odd",
    )
    assert said == [
        *HEARD[:4],
        TextDelta("Hello"),
        ToolCallDelta(0, "call_1", "f"),
        ToolCallDelta(0, arguments='{"a":1}'),
        *HEARD[-2:],
    ]


def test_a_custom_call_becomes_a_function_with_one_text() -> None:
    made = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "patch", "input": "x"}
    said = stream(added(0, **made), delta(0, "custom_tool_call_input", "x"), done(0, **made), ended())
    assert said[:2] == [ToolCallDelta(0, "c", "patch"), ToolCallDelta(0, arguments='{"input":"x"}')]


def test_two_calls_at_once_are_told_apart() -> None:
    other = {**CALL, "call_id": "call_2"}
    said = stream(added(0, **CALL), added(1, **other), delta(1, "function_call_arguments", "{}"), done(0, **CALL))
    assert said[:-1] == [
        ToolCallDelta(0, "call_1", "f"),
        ToolCallDelta(1, "call_2", "f"),
        ToolCallDelta(1, arguments="{}"),
        ToolCallDelta(0, arguments='{"a":1}'),
    ]
    assert failure(said) is Cause.CUT


def test_items_of_tools_that_openai_runs_are_nobodys_calls() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    said = stream(added(0, **item), {"type": "response.web_search_call.searching"}, done(0, **item), ended())
    assert [json.loads(event.raw) for event in said if isinstance(event, Opaque)] == [item]
    assert Finished("stop") in said
    assert isinstance(whole({"type": "compaction", "encrypted_content": "x"})[1], Opaque)


def test_a_refusal_is_told_in_its_words() -> None:
    refusal = Finished("content_filter", refusal="No.")
    assert refusal in stream(delta(0, "refusal", "No."), ended())
    assert refusal in whole({"type": "message", "content": [{"type": "refusal", "refusal": "No."}, {"type": "odd"}]})


@pytest.mark.parametrize(
    ("details", "reason"),
    [({"reason": "max_output_tokens"}, "length"), ({"reason": "content_filter"}, "content_filter"), (None, "length")],
)
def test_an_incomplete_answer_says_why(details: object, reason: Any) -> None:
    assert Finished(reason) in stream(delta(0, "output_text", "x"), ended("incomplete", incomplete_details=details))


def test_errors_inside_a_stream_keep_their_class() -> None:
    limited = {"code": "rate_limit_exceeded", "message": "slow down"}
    assert failure(stream(CREATED, ended("failed", error=limited))) is Cause.RATE_LIMIT
    assert failure(stream(ended("failed"))) is Cause.IN_BAND_ERROR
    assert failure(stream({"type": "error", "error": limited})) is Cause.RATE_LIMIT
    assert failure(stream({"type": "error", **limited})) is Cause.RATE_LIMIT
    assert failure(stream({"type": "error"})) is Cause.IN_BAND_ERROR
    assert failure(whole(status="failed", error=limited)) is Cause.RATE_LIMIT


@pytest.mark.parametrize("raw", [b"data: [1]\n\n", b"data: {\n\n", b'data: "\xff"\n\n'])
def test_what_is_no_event_breaks_the_stream(raw: bytes) -> None:
    assert failure(decode(raw)) is Cause.MALFORMED_STREAM


def test_an_event_that_is_too_large_breaks_the_stream() -> None:
    decoder = PROVIDER.decoder(streamed=True)
    said = decoder.feed(b"data: " + b"x" * (limits.SSE_EVENT_BYTES + 1))
    assert failure(said) is Cause.ANSWER_TOO_LARGE
    assert decoder.feed(sse(ended())) == decoder.eof() == []


def test_an_end_without_its_blank_line_is_an_end() -> None:
    assert stream()[-1] == decode(b"")[-1]
    assert Finished("stop") in decode(sse(ended()).rstrip(b"\n"))


def test_done_and_what_follows_the_end_are_passed_over() -> None:
    assert stream(ended(), CREATED) == [Finished("stop"), USED]
    assert decode(b"data: [DONE]\n\n" + sse(ended()))[0] == Finished("stop")
    assert stream(ended(usage=None), "odd") == [Finished("stop")]


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"{}", b'{"output": 1}'])
def test_a_body_that_is_no_response_is_not_an_answer(raw: bytes) -> None:
    assert failure(decode(raw, streamed=False)) is Cause.NOT_AN_ANSWER


def test_an_error_with_status_200_keeps_its_class() -> None:
    raw = json.dumps({"error": {"message": "x", "code": "insufficient_quota"}}).encode()
    assert failure(decode(raw, streamed=False)) is Cause.BILLING


def test_odd_pieces_are_passed_over() -> None:
    odd = delta(7, "function_call_arguments", "{}")
    assert stream(odd, delta(0, "reasoning_text", "", item_id="rs_1", content_index=0), ended())[0] == Finished("stop")
    late = done(3, **CALL)
    assert ToolCallDelta(0, "call_1", "f") in stream(late, ended())


def test_a_thought_whose_pieces_came_is_not_told_twice() -> None:
    piece = delta(0, "reasoning_summary_text", "a", item_id="rs_1", summary_index=0)
    said = stream(piece, done(0, type="reasoning", id="rs_1", summary=[{"text": "a"}]), ended())
    assert [event for event in said if isinstance(event, ThinkingDelta)] == [ThinkingDelta("a", index=0, **OWN)]
