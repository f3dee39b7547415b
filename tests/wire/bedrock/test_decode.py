from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.stream import (
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.domain.usage import Usage
from gammainfra.wire.bedrock import PROVIDER
from tests.wire.bedrock.frames import event, exception, framed, header

CLAUDE: dict[str, Any] = {"format": "anthropic-claude-v1"}
COUNTS = {
    "inputTokens": 5, "outputTokens": 7, "totalTokens": 22, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 6,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 2}, {"ttl": "5m", "inputTokens": 4}, "odd"],
}  # fmt: skip
USED = UsageSeen(
    Usage(input_tokens=5, cache_read_tokens=4, cache_write_tokens=4, cache_write_1h_tokens=2, output_tokens=7),
    final=True,
)
BLOB = base64.b64encode(b"EqQB").decode()


def delta(at: int, **fields: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=at, delta=fields)


def stop(at: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=at)


def begin(at: int) -> bytes:
    return event("contentBlockStart", contentBlockIndex=at, start={"toolUse": {"toolUseId": "tooluse_1", "name": "f"}})


def ended(reason: str = "end_turn", **fields: Any) -> bytes:
    return event("messageStop", stopReason=reason, **fields)


def counted(counts: object = COUNTS) -> bytes:
    return event("metadata", usage=counts, metrics={"latencyMs": 1})


STREAM = (
    event("messageStart", role="assistant"),
    delta(0, reasoningContent={"text": "hm"}),
    delta(0, reasoningContent={"signature": "s1"}),
    delta(0, reasoningContent={"signature": "s2"}),
    stop(0),
    delta(1, reasoningContent={"redactedContent": BLOB}),
    stop(1),
    delta(2, text="Hel"),
    delta(2, text="lo"),
    delta(2, text=""),
    stop(2),
    begin(3),
    delta(3, toolUse={"input": '{"a"'}),
    delta(3, toolUse={"input": ":1}"}),
    delta(3, toolUse={"input": ""}),
    stop(3),
    ended("tool_use"),
    counted(),
)
HEARD = [
    Started(),
    ThinkingDelta("hm", index=0),
    ThinkingDelta(signature="s1s2", index=0, **CLAUDE),
    ThinkingDelta(redacted="EqQB", index=1, **CLAUDE),
    TextDelta("Hel"),
    TextDelta("lo"),
    ToolCallDelta(0, "tooluse_1", "f"),
    ToolCallDelta(0, arguments='{"a"'),
    ToolCallDelta(0, arguments=":1}"),
    Finished("tool_calls"),
    USED,
]


def decode(raw: bytes, *, streamed: bool = True, piece: int = 0) -> list[StreamEvent]:
    decoder = PROVIDER.decoder(streamed=streamed)
    size = piece or len(raw) or 1
    events = [said for at in range(0, len(raw), size) for said in decoder.feed(raw[at : at + size])]
    return events + decoder.eof()


def stream(*messages: bytes) -> list[StreamEvent]:
    return decode(b"".join(messages))


def whole(*content: Any, reason: str = "end_turn", **fields: Any) -> list[StreamEvent]:
    body = {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": reason, **fields}
    return decode(json.dumps(body).encode(), streamed=False)


def failure(events: list[StreamEvent]) -> Failure:
    last = events[-1]
    assert isinstance(last, UpstreamError)
    return last.failure


@given(st.sampled_from([0, 1, 7, 13, 100]))
def test_a_stream_says_the_same_in_pieces_of_any_size(piece: int) -> None:
    assert decode(b"".join(STREAM), piece=piece) == HEARD


def test_a_whole_answer_says_the_same() -> None:
    said = whole(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s1s2"}}},
        {"reasoningContent": {"redactedContent": BLOB}},
        {"text": "Hello"},
        {"text": ""},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": {"a": 1}}},
        {"video": {}},
        "odd",
        reason="tool_use",
        usage=COUNTS,
    )
    assert said == [
        *HEARD[:4],
        TextDelta("Hello"),
        ToolCallDelta(0, "tooluse_1", "f"),
        ToolCallDelta(0, arguments='{"a":1}'),
        *HEARD[-2:],
    ]


def test_a_call_without_pieces_takes_no_arguments() -> None:
    said = stream(begin(0), stop(0), ended("tool_use"))
    assert said == [ToolCallDelta(0, "tooluse_1", "f"), ToolCallDelta(0, arguments="{}"), Finished("tool_calls")]


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
    ],
)
def test_stop_reasons(native: str, reason: Any) -> None:
    assert Finished(reason) in stream(delta(0, text="x"), ended(native))
    assert Finished(reason) in whole({"text": "x"}, reason=native)


def test_the_sequence_that_stopped_it_is_told() -> None:
    fields = {"stop_sequence": "END"}
    assert Finished("stop", "END") in stream(ended("stop_sequence", additionalModelResponseFields=fields))


def test_a_turn_that_the_model_broke_is_asked_again() -> None:
    assert failure(stream(begin(0), ended("malformed_tool_use"), counted())).cause is Cause.BAD_TOOL_CALL
    assert failure(whole(reason="malformed_model_output", usage=COUNTS)).cause is Cause.BAD_TOOL_CALL


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("throttlingException", Cause.RATE_LIMIT),
        ("serviceUnavailableException", Cause.OVERLOADED),
        ("internalServerException", Cause.SERVER_ERROR),
        ("modelStreamErrorException", Cause.SERVER_ERROR),
        ("validationException", Cause.CONTEXT_OVERFLOW),
        ("newException", Cause.IN_BAND_ERROR),
    ],
)
def test_exceptions_inside_the_stream_keep_their_class(name: str, cause: Cause) -> None:
    said = stream(delta(0, text="x"), exception(name, "Input is too long"), delta(0, text="y"))
    assert failure(said).cause is cause
    assert len(said) == 2


def test_an_error_message_without_a_body_is_told_by_its_headers() -> None:
    headers = (
        header(":message-type", "error") + header(":error-code", "InternalFailure") + header(":error-message", "oh")
    )
    assert failure(stream(framed(headers, b""))).cause is Cause.SERVER_ERROR
    assert failure(stream(framed(header(":message-type", "error"), b""))).message == "an exception without a message"


def test_a_stream_without_its_end_is_cut_and_its_signature_is_not_told() -> None:
    said = stream(*STREAM[:3])
    assert failure(said).cause is Cause.CUT
    assert not [one for one in said if isinstance(one, ThinkingDelta) and one.signature]


def test_what_breaks_after_the_finish_no_longer_matters() -> None:
    assert stream(delta(0, text="x"), ended(), b"\0" * 16) == [TextDelta("x"), Finished("stop")]


@pytest.mark.parametrize("raw", [b"\0" * 16, framed(header(":message-type", "event"), b"[")])
def test_what_is_no_event_breaks_the_stream(raw: bytes) -> None:
    assert failure(decode(raw)).cause is Cause.MALFORMED_STREAM


def test_a_message_that_is_too_large_breaks_the_stream() -> None:
    raw = framed(b"", b"x" * limits.SSE_EVENT_BYTES)
    decoder = PROVIDER.decoder(streamed=True)
    assert failure(decoder.feed(raw)).cause is Cause.ANSWER_TOO_LARGE
    assert decoder.feed(STREAM[0]) == decoder.eof() == []


def test_what_is_not_known_is_passed_over() -> None:
    odd = framed(header(":message-type", "event") + header(":event-type", "later"), b"")
    said = stream(
        odd, event("contentBlockStart", start={}), delta(0, odd={}), delta(9, toolUse={"input": "{}"}),
        delta(1, reasoningContent={}), stop(1), delta(0, text="x"), ended(), counted(None), counted({}),
    )  # fmt: skip
    assert said == [TextDelta("x"), Finished("stop"), UsageSeen(Usage(), final=True)]


def test_a_blob_that_is_no_base64_stays_as_it_is() -> None:
    assert ThinkingDelta(redacted="é!", index=0, **CLAUDE) in whole({"reasoningContent": {"redactedContent": "é!"}})


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"{}", b'{"output":1}', b'{"message":"no"}'])
def test_a_body_that_is_no_answer(raw: bytes) -> None:
    assert failure(decode(raw, streamed=False)).cause is Cause.NOT_AN_ANSWER
