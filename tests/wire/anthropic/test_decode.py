from __future__ import annotations

import json
from collections.abc import Sequence
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
from gammainfra.wire.anthropic import PROVIDER

CLAUDE = "anthropic-claude-v1"
COUNTS = {"input_tokens": 9, "output_tokens": 1}


def start(**message: Any) -> dict[str, Any]:
    return {
        "type": "message_start",
        "message": {"id": "msg_1", "model": "claude", "content": [], "usage": COUNTS} | message,
    }


def block(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": fields}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str | None = "end_turn", usage: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    counts = {"output_tokens": 5} if usage is None else usage
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None, **fields}, "usage": counts}


STOP = {"type": "message_stop"}
PING = {"type": "ping"}
HELLO = [block(0, type="text", text=""), delta(0, "text_delta", text="Hello"), stop(0)]


def call(index: int, *pieces: str, call_id: str = "toolu_1", **fields: Any) -> list[dict[str, Any]]:
    opening = block(index, **{"type": "tool_use", "id": call_id, "name": "f", "input": {}, **fields})
    return [opening, *(delta(index, "input_json_delta", partial_json=piece) for piece in pieces), stop(index)]


def sse(events: Sequence[dict[str, Any]]) -> bytes:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def decode(raw: bytes, *, streamed: bool = True, piece: int | None = None) -> list[StreamEvent]:
    decoder = PROVIDER.decoder(streamed=streamed)
    events: list[StreamEvent] = []
    for at in range(0, len(raw), piece or len(raw) or 1):
        events += decoder.feed(raw[at : at + (piece or len(raw))])
    return events + decoder.eof()


def stream(*events: dict[str, Any]) -> list[StreamEvent]:
    return decode(sse(events))


def whole(*content: dict[str, Any], **fields: Any) -> list[StreamEvent]:
    message = {"type": "message", "id": "msg_1", "model": "claude", "role": "assistant", "content": list(content)}
    message |= {"stop_reason": "end_turn", "usage": {"input_tokens": 9, "output_tokens": 5}} | fields
    return decode(json.dumps(message).encode(), streamed=False)


def of(kind: type[StreamEvent], events: list[StreamEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def finish(events: list[StreamEvent]) -> Finished:
    (finished,) = of(Finished, events)
    assert isinstance(finished, Finished)
    return finished


def usage(events: list[StreamEvent]) -> Usage:
    last = of(UsageSeen, events)[-1]
    assert last.final
    assert isinstance(last.usage, Usage)
    return last.usage


def failure(events: list[StreamEvent]) -> Cause:
    last = events[-1]
    assert isinstance(last, UpstreamError)
    assert not of(Finished, events)
    return last.failure.cause


# --------------------------------------------------------------------------------------- a turn


def test_a_stream_of_text() -> None:
    assert stream(start(), PING, *HELLO, ended(), STOP) == [
        Started("msg_1", "claude"),
        UsageSeen(Usage(input_tokens=9, output_tokens=1), final=False),
        TextDelta("Hello"),
        Finished("stop"),
        UsageSeen(Usage(input_tokens=9, output_tokens=5), final=True),
    ]


def test_a_whole_text() -> None:
    assert whole({"type": "text", "text": "Hello"}) == [
        Started("msg_1", "claude"),
        TextDelta("Hello"),
        Finished("stop"),
        UsageSeen(Usage(input_tokens=9, output_tokens=5), final=True),
    ]


def test_calls_are_numbered_among_the_clients_tools() -> None:
    # Portkey gateway#1275: parallel streamed calls shared an index.
    search = [block(1, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}), stop(1)]
    turn = [*HELLO, *search, *call(2, '{"a"', ":1}"), *call(3, "{}", call_id="toolu_2")]
    assert of(ToolCallDelta, stream(start(), *turn, ended("tool_use"), STOP)) == [
        ToolCallDelta(0, "toolu_1", "f"),
        ToolCallDelta(0, arguments='{"a"'),
        ToolCallDelta(0, arguments=":1}"),
        ToolCallDelta(1, "toolu_2", "f"),
        ToolCallDelta(1, arguments="{}"),
    ]


@pytest.mark.parametrize(
    ("pieces", "opened", "arguments"),
    [
        ((), {}, "{}"),  # litellm#5063, haystack-core-integrations#1947: "" is no JSON
        (("",), None, "{}"),
        ((), {"a": 1}, '{"a": 1}'),
        (('{"a"', ":1}"), {}, '{"a":1}'),  # litellm#4537: never {}{"a":1}
        (('{"a":1}',), {"a": 1}, '{"a":1}'),
    ],
)
def test_arguments_come_from_the_pieces_or_else_from_the_start(
    pieces: tuple[str, ...], opened: dict[str, int] | None, arguments: str
) -> None:
    events = stream(start(), *call(0, *pieces, input=opened), ended("tool_use"), STOP)
    assert "".join(event.arguments for event in of(ToolCallDelta, events)) == arguments


def test_a_call_that_names_no_input_at_all_takes_none() -> None:
    opening = block(0, type="tool_use", name="f")
    events = stream(
        start(), opening, delta(0, "input_json_delta"), delta(7, "input_json_delta", partial_json="{}"), ended()
    )
    assert of(ToolCallDelta, events) == [ToolCallDelta(0, "", "f"), ToolCallDelta(0, arguments="{}")]


def test_a_whole_answer_with_calls() -> None:
    events = whole({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}, stop_reason="tool_use")
    assert of(ToolCallDelta, events) == [ToolCallDelta(0, "toolu_1", "f"), ToolCallDelta(0, arguments='{"a": 1}')]
    assert finish(events).reason == "tool_calls"


# -------------------------------------------------------------------------------------- thinking


def test_thinking_and_its_signature_keep_their_block() -> None:
    # litellm#9255, openrouter-examples#67: the signature was lost on the way.
    events = stream(
        start(),
        block(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "thinking_delta", thinking=""),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        block(1, type="redacted_thinking", data="blob"),
        stop(1),
        *HELLO,
        ended(),
        STOP,
    )
    assert of(ThinkingDelta, events) == [
        ThinkingDelta("hm", index=0, format=CLAUDE),
        ThinkingDelta(signature="sig", index=0, format=CLAUDE),
        ThinkingDelta(redacted="blob", index=1, format=CLAUDE),
    ]


def test_whole_thinking_whose_text_is_left_out_keeps_its_signature() -> None:
    events = whole({"type": "thinking", "thinking": "", "signature": "sig"}, {"type": "text", "text": ""})
    assert of(ThinkingDelta, events) == [ThinkingDelta(signature="sig", format=CLAUDE)]


# ------------------------------------------------------------------------- what is not the client's


def test_server_tools_and_their_results_are_never_calls() -> None:
    # 58 of 400 recorded answers became phantom calls in a peer.
    opening = block(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={})
    piece = delta(0, "input_json_delta", partial_json='{"q":1}')
    found = block(1, type="web_search_tool_result", content=[])
    turn = [opening, piece, stop(0), found, stop(1)]
    events = stream(start(), *turn, *call(0, "{}"), ended("tool_use"), STOP)
    assert of(Opaque, events) == [Opaque("anthropic", json.dumps(event).encode()) for event in turn]
    assert of(ToolCallDelta, events)[0] == ToolCallDelta(0, "toolu_1", "f")
    assert finish(events).reason == "tool_calls"


def test_a_whole_answers_foreign_blocks_are_told_as_events() -> None:
    # vercel/ai#13013: server and client tools in one turn.
    content: list[dict[str, Any]] = [{"type": "text", "text": "a"}, {"type": "fallback", "to": {}}]
    opened, closed = of(Opaque, whole(*content))
    assert json.loads(opened.raw) == block(1, type="fallback", to={})
    assert json.loads(closed.raw) == stop(1)


def test_citations_and_pieces_of_a_later_day_are_kept_for_clients_of_this_dialect() -> None:
    citation = delta(0, "citations_delta", citation={"url": "https://e.org"})
    events = stream(start(), HELLO[0], citation, ended(), STOP)
    assert of(Opaque, events) == [Opaque("anthropic", json.dumps(citation).encode())]
    assert not of(Opaque, stream(start(), {"type": "later"}, {"type": "content_block_delta"}, ended(), STOP))


# ----------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize(
    ("reason", "finished"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("tool_use", "stop"),  # higress#3506, clewdr#153: the reason without a call
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("a later day's", "stop"),
    ],
)
def test_each_stop_reason_has_its_finish_reason(reason: str, finished: str) -> None:
    assert finish(stream(start(), *HELLO, ended(reason), STOP)).reason == finished
    assert finish(whole({"type": "text", "text": "x"}, stop_reason=reason)).reason == finished


@pytest.mark.parametrize("reason", ["tool_use", "end_turn", "stop_sequence"])
def test_the_reason_is_tool_calls_whenever_there_are_calls(reason: str) -> None:
    assert finish(stream(start(), *call(0, "{}"), ended(reason), STOP)).reason == "tool_calls"


def test_arguments_cut_by_the_token_limit_stay_cut_and_end_as_length() -> None:
    # litellm#15322, #19028: finish "stop" hid that the arguments are half.
    opening, piece, _ = call(0, '{"a": "ha')
    events = stream(start(), opening, piece, ended("max_tokens"), STOP)
    assert [event.arguments for event in of(ToolCallDelta, events)] == ["", '{"a": "ha']
    assert finish(events).reason == "length"


@pytest.mark.parametrize("reason", ["pause_turn", "model_context_window_exceeded"])
def test_a_reason_that_others_have_no_word_for_is_kept_for_clients_of_this_dialect(reason: str) -> None:
    assert finish(stream(start(), *HELLO, ended(reason))).native == reason
    assert finish(whole({"type": "text", "text": "Hello"}, stop_reason=reason)).native == reason


def test_text_that_follows_text_or_cites_is_told_as_a_block_of_its_own() -> None:
    cited = {"type": "text", "text": "b", "citations": [{"type": "char_location"}]}
    told = whole({"type": "text", "text": "a"}, cited, {"type": "text", "text": ""})
    assert [json.loads(one.raw)["index"] for one in of(Opaque, told)] == [1, 2]
    assert json.loads(of(Opaque, told)[0].raw)["content_block"] == cited
    assert [one.text for one in of(TextDelta, told)] == ["a", "b"]


def test_a_matched_stop_sequence_is_told() -> None:
    assert finish(stream(start(), *HELLO, ended("stop_sequence", stop_sequence="END"), STOP)).stop_sequence == "END"
    assert finish(whole(stop_reason="stop_sequence", stop_sequence="END")).stop_sequence == "END"


def test_a_refusal_says_why() -> None:
    # litellm PR#23899
    details = {"type": "refusal", "category": "cyber", "explanation": "not allowed"}
    assert finish(stream(start(), ended("refusal", stop_details=details), STOP)).refusal == "not allowed"
    assert finish(whole(stop_reason="refusal", stop_details=details)).refusal == "not allowed"
    assert finish(whole(stop_reason="refusal", stop_details=None)).refusal is None


def test_the_end_is_known_before_message_stop_and_nothing_after_it_counts() -> None:
    late = [*HELLO, {"type": "error", "error": {"type": "api_error", "message": "late"}}, STOP]
    events = stream(start(), *HELLO, ended(), *late)
    assert events[-2:] == [Finished("stop"), UsageSeen(Usage(input_tokens=9, output_tokens=5), final=True)]
    assert decode(sse([start(), *HELLO, ended()]) + b"data: {broken\n\n") == stream(start(), *HELLO, ended())


def test_message_stop_ends_an_answer_without_a_reason() -> None:
    assert finish(stream(start(), *HELLO, STOP)).reason == "stop"
    assert finish(stream(start(), *call(0, "{}"), ended(None), STOP)).reason == "tool_calls"
    assert finish(whole({"type": "tool_use", "id": "1", "name": "f"}, stop_reason=None)).reason == "tool_calls"


# ------------------------------------------------------------------------------------------- usage


def test_counts_in_a_stream_replace_each_other() -> None:
    # bifrost#5354, #5510, #3451: full prompt first, the split at the end, counted twice. litellm#5364: lost.
    last = {"input_tokens": 100, "cache_read_input_tokens": 9900, "output_tokens": 7}
    events = stream(start(usage={"input_tokens": 10_000, "output_tokens": 1}), *HELLO, ended(usage=last), STOP)
    assert usage(events) == Usage(input_tokens=100, cache_read_tokens=9900, output_tokens=7)
    assert usage(events).prompt_tokens == 10_000


def test_counts_that_come_after_the_end_still_count() -> None:
    events = stream(
        start(), *HELLO, ended(), {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 8}}, STOP
    )
    assert usage(events).output_tokens == 8
    early = stream(start(usage=None), ended(None), *HELLO, ended(usage={}), STOP)
    assert [seen.final for seen in of(UsageSeen, early)] == [False, True]


@pytest.mark.parametrize(
    ("counts", "five_minutes", "one_hour"),
    [
        ({"cache_creation_input_tokens": 30}, 30, 0),  # new-api#6353: a total without a split was free
        ({"cache_creation_input_tokens": 30, "cache_creation": None}, 30, 0),
        (
            {
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            },
            10,
            20,
        ),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}, 10, 20),
        ({"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 20}}, 0, 5),
    ],
)
def test_cache_writes_are_counted_by_their_lifetime(counts: dict[str, Any], five_minutes: int, one_hour: int) -> None:
    seen = usage(whole(usage=counts))
    assert (seen.cache_write_tokens, seen.cache_write_1h_tokens) == (five_minutes, one_hour)


def test_thinking_is_the_part_of_the_output_that_it_is() -> None:
    seen = usage(whole(usage={"output_tokens": 100, "output_tokens_details": {"thinking_tokens": 80}}))
    assert (seen.output_tokens, seen.reasoning_tokens, seen.completion_tokens) == (20, 80, 100)
    assert (
        usage(whole(usage={"output_tokens": 1, "output_tokens_details": {"thinking_tokens": 8}})).completion_tokens == 1
    )


def test_every_iteration_is_billed() -> None:
    iterations = [
        {"type": "message", "input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 3},
        {"type": "advisor_message", "input_tokens": 200, "output_tokens": 20, "cache_creation_input_tokens": 4},
    ]
    counts = {"input_tokens": 10, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 2}}
    assert usage(whole(usage=counts | {"iterations": iterations})) == Usage(
        input_tokens=210, cache_read_tokens=3, cache_write_tokens=4, output_tokens=19, reasoning_tokens=2
    )
    assert usage(whole(usage=counts | {"iterations": []})).input_tokens == 10


# ------------------------------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("overloaded_error", Cause.OVERLOADED),  # litellm#24004, #32086, #39703: swallowed mid-stream
        ("rate_limit_error", Cause.RATE_LIMIT),
        ("api_error", Cause.SERVER_ERROR),
        ("invalid_request_error", Cause.INVALID_REQUEST),
        ("a later day's", Cause.IN_BAND_ERROR),
    ],
)
def test_an_error_event_ends_the_attempt(kind: str, cause: Cause) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "Overloaded"}, "request_id": "req_9"}
    events = stream(start(), *HELLO, error, *HELLO, ended(), STOP)
    assert failure(events) is cause
    assert events[-1] == UpstreamError(of(UpstreamError, events)[0].failure)
    assert of(UpstreamError, events)[0].failure.upstream_request_id == "req_9"
    assert failure(decode(json.dumps(error).encode(), streamed=False)) is cause


@pytest.mark.parametrize(
    "events", [[], [PING], [start()], [start(), *HELLO], [start(), *HELLO, *call(1, '{"a"')[:-1]], [*call(0, "{}")[:1]]]
)
def test_a_stream_without_its_end_is_cut_and_never_a_stop(events: list[dict[str, Any]]) -> None:
    assert failure(stream(*events)) is Cause.CUT


def test_an_orderly_end_after_complete_calls_is_tool_calls_and_its_count_is_never_final() -> None:
    events = stream(start(), *HELLO, *call(1, '{"a":1}'))
    assert finish(events).reason == "tool_calls"
    assert of(UsageSeen, events) == [UsageSeen(Usage(input_tokens=9, output_tokens=1), final=False)]


def test_a_host_that_never_counts_is_not_said_to_have_counted_nothing() -> None:
    streamed = stream(start(usage=None), *HELLO, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, STOP)
    assert finish(streamed).reason == finish(whole({"type": "text", "text": "Hi"}, usage=None)).reason == "stop"
    assert of(UsageSeen, streamed) == of(UsageSeen, whole({"type": "text", "text": "Hi"}, usage=None)) == []


def test_the_last_event_counts_without_its_blank_line() -> None:
    raw = sse([start(), *HELLO, ended(), STOP])
    assert decode(raw.rstrip(b"\n")) == decode(raw)
    assert failure(decode(sse([start()]) + b"data: {broken")) is Cause.MALFORMED_STREAM


@pytest.mark.parametrize(
    "bad",
    [
        b"{broken",
        b'"text"',
        b'{"type":"content_block_delta","delta":7}',
        b'{"type":"content_block_start"}',
        b"\xff",
        b'{"type":' + b"[" * 100_000,
    ],
)
def test_an_event_that_is_not_what_it_should_be_breaks_the_stream(bad: bytes) -> None:
    decoder = PROVIDER.decoder(streamed=True)
    events = decoder.feed(sse([start(), *HELLO]) + b"data: " + bad + b"\n\n" + sse([ended(), STOP]))
    assert failure(events) is Cause.MALFORMED_STREAM
    assert decoder.feed(sse(HELLO)) == []
    assert decoder.eof() == []


def test_an_event_beyond_the_limit_breaks_the_stream() -> None:
    decoder = PROVIDER.decoder(streamed=True)
    assert failure(decoder.feed(b"data: " + b"x" * limits.SSE_EVENT_BYTES)) is Cause.ANSWER_TOO_LARGE


def test_a_compatible_hosts_end_marker_is_no_event() -> None:
    assert decode(sse([start(), *HELLO, ended(), STOP]) + b"data: [DONE]\n\n") == stream(start(), *HELLO, ended(), STOP)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"{}", b"[]", b'{"type":"message"}', b'{"type":"message","content":[7]}']
)
def test_a_body_that_is_no_message_is_no_answer(body: bytes) -> None:
    assert failure(decode(body, streamed=False)) is Cause.NOT_AN_ANSWER


@given(st.integers(1, 40))
def test_the_fragments_in_which_bytes_arrive_change_nothing(piece: int) -> None:
    turn = [start(), PING, *HELLO, *call(1, '{"a"', ":1}"), *call(2, call_id="toolu_2"), ended("tool_use"), STOP]
    assert decode(sse(turn), piece=piece) == stream(*turn)
    assert decode(sse(turn).replace(b"\n", b"\r\n"), piece=piece) == stream(*turn)


RUN = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}


def programmatic(index: int, **fields: Any) -> list[dict[str, Any]]:
    return call(index, '{"a":1}', caller=RUN, **fields)


def test_calls_of_code_whose_result_is_here_are_answered_and_nobodys_to_carry_out() -> None:
    done = block(3, type="code_execution_tool_result", tool_use_id="srvtoolu_1", content={})
    said = stream(start(), *programmatic(1), *programmatic(2, call_id="toolu_2"), done, stop(3), ended(), STOP)
    assert not [event for event in said if isinstance(event, ToolCallDelta)]
    shown = [json.loads(event.raw) for event in said if isinstance(event, Opaque)]
    assert [one["content_block"]["type"] for one in shown if one["type"] == "content_block_start"] == [
        "tool_use",
        "tool_use",
        "code_execution_tool_result",
    ]
    assert [event.reason for event in said if isinstance(event, Finished)] == ["stop"]


def test_calls_of_code_that_waits_for_them_are_the_clients_and_say_who_called() -> None:
    said = stream(start(), *programmatic(1), *call(2, call_id="toolu_2"), ended("tool_use"), STOP)
    calls = [event for event in said if isinstance(event, ToolCallDelta)]
    assert {event.id for event in calls if event.id} == {"toolu_1", "toolu_2"}
    noted = [json.loads(event.raw) for event in said if isinstance(event, Opaque)]
    assert noted == [{"type": "gammainfra_called", "id": "toolu_1", "caller": RUN}]
    assert [event.reason for event in said if isinstance(event, Finished)] == ["tool_calls"]


def test_a_call_of_code_without_pieces_or_end_gets_the_input_it_began_with() -> None:
    begun = block(1, type="tool_use", id="toolu_1", name="f", input={"a": 1}, caller=RUN)
    for rest in ([stop(1)], []):
        said = stream(start(), begun, *rest, ended("tool_use"), STOP)
        assert "".join(event.arguments for event in said if isinstance(event, ToolCallDelta)) == '{"a": 1}'


def test_a_signature_leaves_with_the_end_of_its_block_and_never_in_part() -> None:
    begun = [start(), block(0, type="thinking", thinking=""), delta(0, "thinking_delta", thinking="hm")]
    signed = [delta(0, "signature_delta", signature="ab"), delta(0, "signature_delta", signature="cd")]
    cut = stream(*begun, *signed)
    assert not [event for event in cut if isinstance(event, ThinkingDelta) and event.signature]
    for rest in ([stop(0)], []):
        said = stream(*begun, *signed, *rest, ended(), STOP)
        assert [e.signature for e in said if isinstance(e, ThinkingDelta) and e.signature] == ["abcd"]


def test_the_container_and_the_edits_of_the_context_come_with_the_end() -> None:
    box: dict[str, Any] = {"id": "c1"}
    edits: dict[str, Any] = {"applied_edits": []}
    end = {**ended(container=box), "context_management": edits}
    finish = next(event for event in stream(start(), *HELLO, end, STOP) if isinstance(event, Finished))
    assert json.loads(finish.native_fields) == {"container": box, "context_management": edits}
    body = {"type": "message", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}
    decoder = PROVIDER.decoder(streamed=False)
    decoder.feed(json.dumps({**body, "container": box, "context_management": None}).encode())
    finish = next(event for event in decoder.eof() if isinstance(event, Finished))
    assert json.loads(finish.native_fields) == {"container": box}
