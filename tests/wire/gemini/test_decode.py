from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.failure import Cause, Failure, Fix
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
from gammainfra.wire.gemini import PROVIDER, VERTEX
from tests.wire.gemini.shapes import MADE_BY

HEAD = {"modelVersion": "gemini-3.5-flash", "responseId": "r1"}
START = Started("r1", "gemini-3.5-flash")


def chunk(*parts: Any, finish: object = None, usage: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    told: dict[str, Any] = {"candidates": [candidate], **HEAD, **more}
    return told if usage is None else {**told, "usageMetadata": usage}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"text": words, **more}


def calling(name: str = "f", signature: str = "", **fields: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"name": name, **fields}}
    return {**part, "thoughtSignature": signature} if signature else part


def sse(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in chunks)


def streamed(raw: bytes, size: int = 0) -> list[StreamEvent]:
    decoder = PROVIDER.decoder(streamed=True)
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)] if size else [raw]
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.eof()]


def heard(*chunks: Any) -> list[StreamEvent]:
    """What a stream says behind its start, and the same of the list of its pieces as one body."""
    events = streamed(sse(*chunks))
    if not isinstance(events[-1], UpstreamError):
        assert whole(list(chunks)) == events
    assert events[0] == START
    return events[1:]


def whole(body: object) -> list[StreamEvent]:
    decoder = PROVIDER.decoder(streamed=False)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert decoder.feed(raw) == []
    return decoder.eof()


def failure_of(events: list[StreamEvent]) -> Failure:
    last = events[-1]
    assert isinstance(last, UpstreamError)
    return last.failure


def test_a_streamed_text_with_its_counts() -> None:
    counted = {"promptTokenCount": 10, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 3}
    events = heard(
        chunk(text("Hel"), usage={"promptTokenCount": 10}),
        chunk(text("lo"), text("")),
        chunk(text(""), finish="STOP", usage={**counted, "candidatesTokenCount": 5, "thoughtsTokenCount": 7}),
    )
    assert events == [
        TextDelta("Hel"),
        UsageSeen(Usage(input_tokens=10), final=False),
        TextDelta("lo"),
        Finished("stop"),
        UsageSeen(Usage(input_tokens=9, cache_read_tokens=4, output_tokens=5, reasoning_tokens=7), final=True),
    ]


def test_counts_behind_the_finish_are_still_heard_and_empty_ones_are_none() -> None:
    events = heard(
        chunk(text("Hi"), finish="STOP", usage={}),
        {"usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 1}},
    )
    assert events[-1] == UsageSeen(Usage(input_tokens=2, output_tokens=1), final=True)
    assert len(events) == 3


def test_thoughts_are_told_apart_from_text_and_signatures_are_opaque() -> None:
    events = heard(
        chunk(text("why", thought=True)),
        chunk(text(" so", thought=True), {"thought": True}),
        chunk(text("Hi", thoughtSignature="S1")),
        chunk(text("again", thought=True)),
        chunk({"thoughtSignature": "S2"}, finish="STOP"),
    )
    assert events == [
        ThinkingDelta("why", index=0, format=MADE_BY),
        ThinkingDelta(" so", index=0, format=MADE_BY),
        TextDelta("Hi"),
        ThinkingDelta(redacted="S1", index=1, format=MADE_BY),
        ThinkingDelta("again", index=2, format=MADE_BY),
        ThinkingDelta(redacted="S2", index=3, format=MADE_BY),
        Finished("stop"),
    ]


def test_a_call_has_its_own_id_and_its_signature_stands_before_it() -> None:
    events = heard(chunk(calling("f", "S", id="abc", args={"x": 1})), chunk(text(""), finish="STOP"))
    assert events == [
        ThinkingDelta(redacted="S", format=MADE_BY, id="abc"),
        ToolCallDelta(0, "abc", "f"),
        ToolCallDelta(0, arguments='{"x": 1}'),
        Finished("tool_calls"),
    ]


def test_calls_without_ids_get_new_ones_in_every_answer() -> None:
    ids = []
    for answer in ("r1", "r2", "r1"):
        events = whole({**chunk(calling(args={}), calling(args={}), finish="STOP"), "responseId": answer})
        ids.append([event.id for event in events if isinstance(event, ToolCallDelta) and event.name])
    assert ids[0] == ids[2]
    assert len({*ids[0], *ids[1]}) == 4
    assert all(one.startswith("call_") and len(one) == 29 for one in ids[0])
    nameless = whole({"candidates": chunk(calling(), finish="STOP")["candidates"]})
    assert ToolCallDelta(0, "", "f") in nameless


def test_a_call_may_come_value_by_value() -> None:
    def piece(path: str, value: str, *, more: bool = False) -> dict[str, Any]:
        partial = {"jsonPath": path, "stringValue": value, "willContinue": more}
        return {"functionCall": {"partialArgs": [partial], "willContinue": True}}

    events = heard(
        chunk(calling("f", "S", willContinue=True)),
        chunk(piece("$.path", "a.", more=True)),
        chunk(piece("$.path", "txt")),
        chunk({"functionCall": {}}),
        chunk(calling("g", args=None)),
        chunk(calling("h", willContinue=True)),
        chunk(text(""), finish="STOP"),
    )
    calls = [(event.index, event.name or event.arguments) for event in events if isinstance(event, ToolCallDelta)]
    assert calls == [(0, "f"), (0, '{"path":"a.txt"}'), (1, "g"), (1, "{}"), (2, "h"), (2, "{}")]


def test_several_answers_keep_apart_and_only_the_first_shows_its_thoughts() -> None:
    second = chunk(text("b", thoughtSignature="S"), text("t", thought=True), finish="STOP")["candidates"][0]
    both = chunk(text("a"), finish="MAX_TOKENS")
    both["candidates"].append({**second, "index": 1})
    assert heard(both) == [TextDelta("a"), Finished("length"), TextDelta("b", 1), Finished("stop", choice=1)]


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "S"},
        {"executableCode": {"code": "1", "language": "PYTHON"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"toolCall": {"id": "x", "toolType": "FILE_SEARCH"}},
    ],
)
def test_what_only_googles_clients_understand_is_opaque_and_never_a_call(part: dict[str, Any]) -> None:
    assert heard(chunk(part, finish="STOP")) == [Opaque("gemini", json.dumps(part).encode()), Finished("stop")]


@pytest.mark.parametrize(
    ("finish", "told"),
    [
        ("STOP", "stop"),
        ("OTHER", "stop"),
        ("A_REASON_OF_A_LATER_DAY", "stop"),
        (1, "stop"),
        (2, "length"),
        (99, "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("SPII", "content_filter"),
        ("LANGUAGE", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
    ],
)
def test_every_finish_reason(finish: object, told: str) -> None:
    last = heard(chunk(text("a"), finish=finish))[-1]
    assert isinstance(last, Finished)
    assert last.reason == told


@pytest.mark.parametrize(
    ("finish", "cause", "fix"),
    [
        ("MALFORMED_FUNCTION_CALL", Cause.BAD_TOOL_CALL, None),
        ("UNEXPECTED_TOOL_CALL", Cause.BAD_TOOL_CALL, None),
        ("TOO_MANY_TOOL_CALLS", Cause.BAD_TOOL_CALL, None),
        ("MALFORMED_RESPONSE", Cause.MALFORMED_STREAM, None),
        ("MISSING_THOUGHT_SIGNATURE", Cause.INVALID_SIGNATURE, Fix.DROP_THINKING),
    ],
)
def test_an_answer_that_the_model_broke_is_a_failure(finish: str, cause: Cause, fix: Fix | None) -> None:
    for events in (streamed(sse(chunk(text("a"), finish=finish), chunk(text("b")))), whole(chunk(finish=finish))):
        failure = failure_of(events)
        assert (failure.cause, failure.fix) == (cause, fix)
        assert finish in failure.message


def test_what_a_broken_answer_cost_is_known_before_it_fails() -> None:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4}
    events = whole(chunk(calling(args={}), finish="UNEXPECTED_TOOL_CALL", usage=usage))
    assert events[-2] == UsageSeen(Usage(input_tokens=3, output_tokens=4), final=False)
    assert failure_of(events).cause is Cause.BAD_TOOL_CALL


def test_a_refusal_says_why() -> None:
    told = chunk(finish="SAFETY")
    told["candidates"][0] |= {"finishMessage": "No.", "content": {}}
    assert heard(told) == [Finished("content_filter", refusal="No.")]
    told["candidates"][0]["content"] = None
    assert heard(told) == [Finished("content_filter", refusal="No.")]


def test_a_blocked_prompt_is_a_refusal() -> None:
    blocked: dict[str, Any] = {**HEAD, "promptFeedback": {"blockReason": "SAFETY"}}
    assert heard(blocked) == [Finished("content_filter", refusal="The prompt was blocked: SAFETY")]
    blocked["promptFeedback"]["blockReasonMessage"] = "No."
    assert heard(blocked) == [Finished("content_filter", refusal="No.")]


def test_a_stream_without_its_finish_is_cut_unless_its_calls_are_complete() -> None:
    assert failure_of(streamed(sse(chunk(text("a"))))).cause is Cause.CUT
    assert failure_of(streamed(b"")).cause is Cause.CUT
    assert failure_of(streamed(sse(chunk(calling(willContinue=True))))).cause is Cause.CUT
    assert heard(chunk(text("a"), finish="FINISH_REASON_UNSPECIFIED"), chunk(calling(args={})))[-1] == Finished(
        "tool_calls"
    )


def test_what_follows_the_finish_no_longer_matters() -> None:
    events = streamed(sse(chunk(text("a"), finish="STOP"), chunk(text("b"), finish="STOP"), {"error": {"code": 503}}))
    assert events == [START, TextDelta("a"), Finished("stop")]
    assert streamed(sse(chunk(text("a"), finish="STOP")) + b"data: {\n\n")[-1] == Finished("stop")


@pytest.mark.parametrize(
    "told",
    [
        b'data: {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}\r\n\r\n',
        b'{\r\n  "error": {\r\n    "code": 503,\r\n    "message": "overloaded", "status": "UNAVAILABLE"\r\n}}\r\n',
        b'[{\n  "error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}\n}\n]',
    ],
)
def test_an_error_inside_a_stream_is_known_with_and_without_its_frame(told: bytes) -> None:
    failure = failure_of(streamed(sse(chunk(text("a"))) + told + b"\n\ndata: {}\n\n"))
    assert (failure.cause, failure.message) == (Cause.OVERLOADED, "overloaded")


def test_an_error_in_a_body_that_came_with_status_200() -> None:
    error = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}
    for body in (error, [error], [chunk(text("a")), error], [error, chunk(text("a"), finish="STOP")]):
        assert failure_of(whole(body)).cause is Cause.RATE_LIMIT
    assert whole({**chunk(text("a"), finish="STOP"), "error": None})[-1] == Finished("stop")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b"7", b'{"candidates": 7}', b'{"candidates": []}'])
def test_a_body_that_is_no_answer(body: bytes) -> None:
    assert failure_of(whole(body)).cause is Cause.NOT_AN_ANSWER


def test_a_whole_answer_without_a_finish_is_finished_and_a_list_is_not() -> None:
    said = chunk(text("a"))
    assert whole(said) == [START, TextDelta("a"), Finished("stop"), UsageSeen(Usage(), final=True)]
    assert failure_of(whole([said])).cause is Cause.CUT
    assert whole(chunk(calling(args={})))[-1] == Finished("tool_calls")


def test_an_event_that_is_no_json_or_too_large_ends_the_attempt() -> None:
    assert failure_of(streamed(b"data: {\n\n")).cause is Cause.MALFORMED_STREAM
    assert failure_of(streamed(sse(chunk("odd")))).cause is Cause.MALFORMED_STREAM
    large = PROVIDER.decoder(streamed=True)
    events = [event for _ in range(9) for event in large.feed(b"data: " + b"x" * 2_000_000)]
    assert failure_of(events).cause is Cause.ANSWER_TOO_LARGE
    assert large.feed(b"more") == large.eof() == []


def test_the_last_event_may_lack_its_blank_line() -> None:
    assert streamed(sse(chunk(text("a"), finish="STOP")).rstrip()) == [START, TextDelta("a"), Finished("stop")]


def test_a_proxy_may_end_a_stream_with_done() -> None:
    assert streamed(sse(chunk(text("a"), finish="STOP")) + b"data: [DONE]\n\n")[-1] == Finished("stop")


def test_signatures_of_vertex_are_told_apart() -> None:
    decoder = VERTEX.decoder(streamed=False)
    decoder.feed(json.dumps(chunk(calling("f", "S", args={}), finish="STOP")).encode())
    assert [event.format for event in decoder.eof() if isinstance(event, ThinkingDelta)] == ["google-vertex-v1"]


@given(st.integers(1, 40))
def test_fragments_change_nothing(size: int) -> None:
    raw = sse(
        chunk(text("Über 🙂", thought=True)),
        chunk(calling("f", "S", args={"ä": "🙂"})),
        chunk(text(""), finish="STOP", usage={"promptTokenCount": 3}),
    )
    assert streamed(raw, size) == streamed(raw)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_an_answer_or_a_failure(raw: bytes) -> None:
    for events in (streamed(b"data: " + raw + b"\n\n"), whole(raw)):
        assert isinstance(events[-1], UpstreamError | Finished | UsageSeen)
