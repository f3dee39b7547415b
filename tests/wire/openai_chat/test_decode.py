from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
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
from gammainfra.wire.openai_chat import PROVIDER
from gammainfra.wire.openai_chat.usage import read_usage
from tests.wire.openai_chat.shapes import DONE, Json, chunk, decoded, event

START = Started("c1", "up")
USAGE: Json = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
SEEN = Usage(input_tokens=10, output_tokens=4)


def piece(index: int | None = 0, call_id: str | None = None, name: str | None = None, arguments: object = None) -> Json:
    made: Json = {"function": {"name": name, "arguments": arguments}}
    return made | ({} if index is None else {"index": index}) | ({} if call_id is None else {"id": call_id})


def tools(*pieces: Json) -> bytes:
    return chunk({"tool_calls": list(pieces)})


def told(*pieces: bytes) -> list[StreamEvent]:
    """The events of a stream between its start and its finish."""
    first, *rest = decoded(*pieces, chunk(None, "stop"), DONE)
    assert first == START
    assert isinstance(rest[-1], Finished)
    return rest[:-1]


def cause(events: Sequence[StreamEvent]) -> Cause:
    last = events[-1]
    assert isinstance(last, UpstreamError)
    return last.failure.cause


def whole(message: Json | None = None, finish: str | None = "stop", **more: object) -> bytes:
    choice = {"index": 0, "message": message or {"role": "assistant", "content": "hi"}, "finish_reason": finish}
    return json.dumps({"id": "c1", "model": "up", "choices": [choice], **more}).encode()


def test_a_stream_is_told_in_order() -> None:
    events = decoded(
        b": keepalive\n\n",
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "he"}),
        chunk({"content": "llo"}),
        chunk(None, "stop"),
        event({"id": "c1", "choices": [], "usage": USAGE}),
        DONE,
        chunk({"content": "after the end"}),
    )
    assert events == [START, TextDelta("he"), TextDelta("llo"), Finished("stop"), UsageSeen(SEEN, final=True)]


def test_usage_with_the_finish_is_final_at_the_end_only() -> None:
    events = decoded(chunk({"content": "x"}, usage=USAGE), chunk(None, "length", usage=USAGE), DONE)
    assert events[2:] == [
        UsageSeen(SEEN, final=False),
        Finished("length"),
        UsageSeen(SEEN, final=False),
        UsageSeen(SEEN, final=True),
    ]


def test_usage_may_hide_and_may_be_missing() -> None:
    assert decoded(chunk({"content": "x"}), chunk(None, "stop", x_groq={"usage": USAGE}), DONE)[-1].final  # type: ignore[union-attr]
    assert told(chunk({"content": "x"}, usage=None, x_groq={"id": "r"}), chunk(usage={})) == [TextDelta("x")]


def test_calls_come_in_pieces() -> None:
    events = decoded(
        chunk({"content": "I call"}),
        tools(piece(0, "a", "f", "")),
        tools(piece(0, None, None, '{"x"'), piece(1, "b", "g", "{")),
        tools(piece(0, None, None, ":1}")),
        tools(piece(1, None, None, "}")),
        chunk(None, "tool_calls"),
        DONE,
    )
    assert events == [
        START,
        TextDelta("I call"),
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(0, arguments='{"x"'),
        ToolCallDelta(1, "b", "g", "{"),
        ToolCallDelta(0, arguments=":1}"),
        ToolCallDelta(1, arguments="}"),
        Finished("tool_calls"),
    ]


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        # id and name in every piece
        ([piece(0, "a", "f", "{"), piece(0, "a", "f", "}")], [("a", "f", "{}")]),
        # no index: by id, then by position
        ([piece(None, "a", "f", "{}"), piece(None, "b", "f", "{}")], [("a", "f", "{}"), ("b", "f", "{}")]),
        ([piece(None, "a", "f", "{"), piece(None, "a", None, "}")], [("a", "f", "{}")]),
        ([piece(None, "a", "f", "{"), piece(None, None, None, "}")], [("a", "f", "{}")]),
        # one index for all
        ([piece(0, "a", "f", "{}"), piece(0, "b", "g", "{}")], [("a", "f", "{}"), ("b", "g", "{}")]),
        # no ids at all: the gateway names them
        ([piece(0, None, "f", "{}"), piece(0, None, "f", "{}")], [("", "f", "{}"), ("", "f", "{}")]),
        ([piece(0, None, "f", "{"), piece(0, None, "f", "}")], [("", "f", "{}")]),
        # sparse indices, arguments as an object, the name late
        ([piece(3, "a", "f", {"x": 1})], [("a", "f", '{"x":1}')]),
        ([piece(0, "a", None, "{"), piece(0, None, "f", "}"), piece(0)], [("a", "f", "{}")]),
    ],
)
def test_calls_are_numbered_however_a_host_does(pieces: list[Json], calls: list[tuple[str, str, str]]) -> None:
    events = decoded(*(tools(one) for one in pieces), chunk(None, "stop"), DONE)
    found: dict[int, list[str]] = {}
    for one in events:
        if isinstance(one, ToolCallDelta):
            seen = found.setdefault(one.index, ["", "", ""])
            for place, text in enumerate((one.id, one.name, one.arguments)):
                seen[place] += text
    assert [tuple(found[index]) for index in range(len(found))] == calls
    assert events[-1] == Finished("tool_calls")


def test_a_legacy_function_call_is_a_call() -> None:
    events = decoded(
        chunk({"function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}),
        chunk(None, "function_call"),
        DONE,
    )
    assert events[1:] == [ToolCallDelta(0, "", "f", "{"), ToolCallDelta(0, arguments="}"), Finished("tool_calls")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("STOP", "stop"),
    ],
)
def test_finish_reasons_are_four(said: str, reason: str) -> None:
    assert decoded(chunk({"content": "x"}, said))[-1] == Finished(reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("insufficient_system_resource", Cause.OVERLOADED),
        ("error", Cause.IN_BAND_ERROR),
        ("network_error", Cause.SERVER_ERROR),
        ("abort", Cause.CUT),
        ("MALFORMED_FUNCTION_CALL", Cause.BAD_TOOL_CALL),
    ],
)
def test_some_finishes_are_failures(said: str, expected: Cause) -> None:
    assert cause(decoded(chunk({"content": "x"}), chunk(None, said), DONE)) is expected


def test_a_cut_call_keeps_the_providers_word_for_it() -> None:
    assert decoded(tools(piece(0, "a", "f", '{"x')), chunk(None, "length"))[-1] == Finished("length")


def test_a_call_without_a_name_is_broken() -> None:
    assert cause(decoded(tools(piece(0, "a", None, "{}")), chunk(None, "tool_calls"))) is Cause.BAD_TOOL_CALL
    assert cause(decoded(tools(piece(0, "a", None, "{}")), chunk({"content": "x"}), DONE)) is Cause.CUT


def test_the_end_marker_finishes_text_and_complete_calls() -> None:
    assert decoded(chunk({"content": "x"}), DONE)[-1] == Finished("stop")
    assert decoded(tools(piece(0, "a", "f", "{}")), DONE)[-1] == Finished("tool_calls")
    assert decoded(chunk({"refusal": "no"}), DONE)[-1] == Finished("stop", refusal="no")


def test_the_end_marker_does_not_finish_the_rest() -> None:
    assert cause(decoded(tools(piece(0, "a", "f", '{"x')), DONE)) is Cause.CUT
    assert cause(decoded(chunk({"reasoning_content": "t"}), DONE)) is Cause.EMPTY_ANSWER
    assert cause(decoded(chunk({"role": "assistant"}), DONE)) is Cause.EMPTY_ANSWER
    assert cause(decoded(DONE)) is Cause.EMPTY_ANSWER


def test_an_orderly_end_without_marker_finishes_complete_calls_only() -> None:
    calls = (tools(piece(0, "a", "f", '{"x":1}')), tools(piece(1, "b", "f", "{}")))
    assert decoded(*calls, event({"choices": [], "usage": USAGE}))[-2:] == [
        Finished("tool_calls"),
        UsageSeen(SEEN, final=True),
    ]
    assert cause(decoded(*calls, tools(piece(2, "c", "f", "")))) is Cause.CUT
    assert cause(decoded(*calls, tools(piece(2, "c", "f", "[1]")))) is Cause.CUT
    assert cause(decoded(chunk({"content": "x"}))) is Cause.CUT
    assert cause(decoded(event({"id": "c1", "choices": []}))) is Cause.CUT
    assert cause(decoded()) is Cause.CUT
    assert cause(decoded(b"Bad gateway")) is Cause.CUT


def test_a_finish_without_marker_is_enough() -> None:
    assert decoded(chunk({"content": "x"}, "stop", usage=USAGE))[-1] == UsageSeen(SEEN, final=True)


def test_an_end_marker_without_its_blank_line_counts() -> None:
    assert decoded(chunk({"content": "x"}), DONE.rstrip())[-1] == Finished("stop")


def test_a_choice_may_hold_nothing_but_its_finish() -> None:
    assert decoded(event({"choices": [{"finish_reason": "content_filter"}]}))[1:] == [Finished("content_filter")]


def test_what_follows_a_finish_of_its_choice_is_ignored() -> None:
    assert decoded(chunk({"content": "x"}, "stop"), chunk({"content": "y"}, "stop"), DONE)[1:] == [
        TextDelta("x"),
        Finished("stop"),
    ]


def test_several_choices_are_told_apart() -> None:
    choices = [
        {"index": index, "delta": {"content": str(index), "reasoning": f"t{index}"}, "finish_reason": "stop"}
        for index in (0, 1)
    ]
    assert decoded(event({"choices": choices}), DONE)[1:] == [
        ThinkingDelta("t0"),
        TextDelta("0"),
        Finished("stop"),
        TextDelta("1", 1),
        Finished("stop", choice=1),
    ]
    half = [choices[0], {"index": 1, "delta": {"content": "1"}}]
    assert cause(decoded(event({"choices": half}))) is Cause.CUT
    ended = [{"index": 0, "delta": {}, "finish_reason": "error"}, choices[1]]
    assert cause(decoded(event({"choices": ended}))) is Cause.IN_BAND_ERROR


@pytest.mark.parametrize(
    ("delta", "thoughts"),
    [
        ({"reasoning_content": "t"}, [ThinkingDelta("t")]),
        ({"reasoning": "t", "reasoning_content": ""}, [ThinkingDelta("t")]),
        (
            {
                "reasoning": "t",
                "reasoning_details": [{"type": "reasoning.text", "text": "t", "format": "f", "index": 2}],
            },
            [ThinkingDelta("t", format="f")],
        ),
        (
            {
                "reasoning": "t",
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "data": "d", "id": "rs_1", "index": 0},
                    {"type": "reasoning.text", "signature": "s", "index": "?"},
                    {"type": "reasoning.text", "text": ""},
                    {"type": "other"},
                    "?",
                ],
            },
            [
                ThinkingDelta("t", index=2),
                ThinkingDelta(redacted="d", index=0, id="rs_1"),
                ThinkingDelta(signature="s", index=1),
            ],
        ),
        (
            {"content": [{"type": "thinking", "thinking": [{"text": "t"}]}, {"type": "thinking", "thinking": ""}, {}]},
            [ThinkingDelta("t")],
        ),
        ({"content": [{"type": "text", "text": "x"}, {"type": "text", "text": ""}]}, [TextDelta("x")]),
    ],
)
def test_thinking_is_told_once(delta: Json, thoughts: list[StreamEvent]) -> None:
    expected = thoughts
    if len(thoughts) == 3:  # blocks are numbered in the order in which they are first seen
        expected = [ThinkingDelta("t", index=1), *thoughts[1:]]
    assert told(chunk(delta)) == expected


def test_a_block_keeps_its_number() -> None:
    first = {"type": "reasoning.text", "text": "a", "index": 5}
    second = {"type": "reasoning.text", "text": "b", "index": 6}
    deltas = [{"reasoning_details": [one]} for one in (first, second, {**first, "text": "", "signature": "s"})]
    assert told(*map(chunk, deltas)) == [
        ThinkingDelta("a"),
        ThinkingDelta("b", index=1),
        ThinkingDelta(signature="s"),
    ]


def test_a_signature_on_a_call_is_a_thought() -> None:
    signed = {**piece(0, "a", "f", "{}"), "extra_content": {"google": {"thought_signature": "s"}}}
    plain = {**piece(1, "b", "f", "{}"), "extra_content": {}}
    assert told(tools(signed, plain)) == [
        ThinkingDelta(signature="s", format="google-gemini-v1", id="a"),
        ToolCallDelta(0, "a", "f", "{}"),
        ToolCallDelta(1, "b", "f", "{}"),
    ]


def test_what_only_this_dialect_knows_passes() -> None:
    events = told(
        chunk({"content": "x", "annotations": [{"type": "url_citation"}], "refusal": None, "audio": {}}),
        event({"choices": [{"index": 0, "delta": {"content": "y"}, "logprobs": {"content": [1]}}], "citations": ["u"]}),
        event({"choices": [{"index": 0, "delta": {}, "logprobs": None}], "citations": ["u"]}),
        chunk({"refusal": "n"}),
        chunk({"refusal": "o"}),
    )
    assert events == [
        TextDelta("x"),
        Opaque("openai_chat", b'{"delta":{"annotations":[{"type": "url_citation"}]}}'),
        Opaque("openai_chat", b'{"top":{"citations":["u"]}}'),
        TextDelta("y"),
        Opaque("openai_chat", b'{"choice":{"logprobs":{"content": [1]}}}'),
        Opaque("openai_chat", b'{"delta":{"refusal":"n"}}'),
        Opaque("openai_chat", b'{"delta":{"refusal":"o"}}'),
    ]


def test_custom_calls_pass_and_count_as_calls() -> None:
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "g", "input": "x"}}
    events = decoded(tools(custom), DONE)
    assert json.loads(events[1].raw) == {"delta": {"tool_calls": [custom]}}  # type: ignore[union-attr]
    assert events[2] == Finished("tool_calls")
    assert decoded(whole({"tool_calls": [custom]}, "tool_calls"), streamed=False)[2] == Finished("tool_calls")


@pytest.mark.parametrize(
    ("choice", "events"),
    [
        ({"delta": {"content": 7}, "index": "0"}, []),
        ({"delta": {"content": "x", "reasoning": {"a": 1}, "tool_calls": None}}, [TextDelta("x")]),
        ({"delta": {"tool_calls": [{"index": "1", "id": 7, "function": {"name": "f", "arguments": [1]}}, "?"]}}, None),
        ({"delta": {"tool_calls": [{"index": "x", "function": 7}], "content": "x"}}, None),
        (
            {"delta": "?", "text": "x", "logprobs": 7, "index": None},
            [TextDelta("x"), Opaque("openai_chat", b'{"choice":{"logprobs":7}}')],
        ),
        ({"delta": {"content": ["x"], "function_call": 7, "reasoning_details": {}}, "finish_reason": 7}, []),
    ],
)
def test_odd_types_cost_nothing_but_themselves(choice: Json, events: list[StreamEvent] | None) -> None:
    found = decoded(event({"id": 7, "model": None, "choices": [choice, "?"], "usage": "x"}), DONE)
    assert found[0] == Started("7", "")
    if events is not None:
        assert found[1 : 1 + len(events)] == events


def test_an_odd_call_is_read_loosely() -> None:
    odd = {"index": "1", "id": 7, "function": {"name": "f", "arguments": 1.5}, "custom": None}
    assert told(tools(odd)) == [ToolCallDelta(0, "7", "f", "1.5")]
    assert told(tools({**odd, "function": {"name": "f"}, "extra_content": []})) == [ToolCallDelta(0, "7", "f")]


@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b"ping", b'{"a":' + b"[" * 100_000, b"\xff"])
def test_an_event_that_is_no_object_breaks_the_stream(data: bytes) -> None:
    assert cause(decoded(chunk({"content": "x"}), b"data: " + data + b"\n\n", DONE)) is Cause.MALFORMED_STREAM


def test_half_an_emoji_is_mended() -> None:
    assert told(b'data: {"id":"c1","model":"up","choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n') == [
        TextDelta("a\ufffd")
    ]


def test_chunks_without_choices_are_no_failure() -> None:
    assert told(event({"id": "c1", "model": "up", "choices": None}), chunk({"content": "x"}), b"data:\n\n") == [
        TextDelta("x")
    ]
    assert told(event({"id": "c1", "model": "up", "choices": [], "prompt_filter_results": []})) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"error": {"message": "Overloaded", "type": "overloaded_error"}}, Cause.OVERLOADED),
        ({"error": {"message": "slow down", "code": 429}, "choices": []}, Cause.RATE_LIMIT),
        ({"error": "Internal error"}, Cause.IN_BAND_ERROR),
        ({"object": "error", "message": "bad", "code": "503"}, Cause.OVERLOADED),
    ],
)
def test_errors_inside_a_stream_are_classified(error: Json, expected: Cause) -> None:
    events = decoded(chunk({"content": "x"}), event(error), chunk({"content": "y"}), DONE)
    assert cause(events) is expected
    assert len(events) == 3


def test_an_event_named_error_needs_an_error_in_it() -> None:
    named = b'event: error\ndata: {"error":{"message":"no call","code":"tool_use_failed"}}\n\n'
    assert cause(decoded(chunk({"content": "x"}), named)) is Cause.BAD_TOOL_CALL
    assert told(chunk({"content": "x"}), chunk(error={})) == [TextDelta("x")]


def test_a_whole_body_tells_the_same_events() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "x", "reasoning_content": "t", "tool_calls": [call, {**call, "id": "a"}]}
    body = whole(message, "stop", usage=USAGE)
    expected = [
        START,
        ThinkingDelta("t"),
        TextDelta("x"),
        ToolCallDelta(0, "a", "f", "{}"),
        ToolCallDelta(1, "a", "f", "{}"),
        Finished("tool_calls"),
        UsageSeen(SEEN, final=False),
        UsageSeen(SEEN, final=True),
    ]
    assert decoded(body, streamed=False) == decoded(b"\n \n" + body, streamed=True) == expected
    assert decoded(*(bytes([byte]) for byte in body), streamed=False) == expected


def test_a_whole_body_needs_no_finish() -> None:
    assert decoded(whole(finish=None), streamed=False)[-1] == Finished("stop")
    assert decoded(whole({"content": "x"}, "error"), streamed=False)[-1] == decoded(whole(finish="error"))[-1]


def test_a_body_prefers_its_message_and_a_stream_its_delta() -> None:
    both = {"message": {"content": "m"}, "delta": {"content": ""}, "text": "t", "finish_reason": "stop"}
    assert decoded(json.dumps({"choices": [both]}).encode(), streamed=False)[1] == TextDelta("m")
    both = {"message": {"content": "so far"}, "delta": {"content": "d"}, "text": "d"}
    assert decoded(event({"choices": [both]}), DONE)[1:] == [TextDelta("d"), Finished("stop")]
    assert decoded(event({"choices": [{"message": {"content": "m"}}]}), DONE)[1] == TextDelta("m")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html>Bad gateway</html>", Cause.NOT_AN_ANSWER),
        (b"[]", Cause.NOT_AN_ANSWER),
        (b"[7]", Cause.NOT_AN_ANSWER),
        (b"{}", Cause.NOT_AN_ANSWER),
        (b'{"choices":[]}', Cause.NOT_AN_ANSWER),
        (b'{"choices":[{"mess', Cause.CUT),
        (b'{"choices":[}', Cause.NOT_AN_ANSWER),
        (b"Bad gateway", Cause.NOT_AN_ANSWER),
        (b"", Cause.CUT),
        (b'{"error":{"message":"quota","code":"insufficient_quota"}}', Cause.BILLING),
        (b'[{"error":{"message":"x","code":503}}]', Cause.OVERLOADED),
        (b'{"message":"model is overloaded"}', Cause.OVERLOADED),
    ],
)
def test_a_body_that_is_no_answer_says_so(body: bytes, expected: Cause) -> None:
    assert cause(decoded(body, streamed=False)) is expected


def test_a_stream_for_who_asked_for_a_body_is_read() -> None:
    assert decoded(chunk({"content": "x"}, "stop"), DONE, streamed=False)[1:] == [TextDelta("x"), Finished("stop")]


def test_answers_are_bounded() -> None:
    decoder = PROVIDER.decoder(streamed=False)
    assert decoder.feed(b"{" + b" " * (limits.ANSWER_BYTES - 1)) == []
    assert cause(decoder.feed(b" ")) is Cause.ANSWER_TOO_LARGE
    assert decoder.feed(b"x") == decoder.eof() == []


def test_one_event_is_bounded() -> None:
    decoder = PROVIDER.decoder(streamed=True)
    piece_of_it = b"data: " + b"x" * (limits.SSE_EVENT_BYTES // 2)
    assert decoder.feed(piece_of_it) == []
    assert cause(decoder.feed(piece_of_it)) is Cause.MALFORMED_STREAM


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (None, None),
        ({}, None),
        (USAGE, SEEN),
        (
            {**USAGE, "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 3}},
            Usage(1, 6, 3, output_tokens=4),
        ),
        ({**USAGE, "prompt_cache_hit_tokens": 6}, Usage(4, 6, output_tokens=4)),
        ({**USAGE, "cached_tokens": 60}, Usage(0, 10, output_tokens=4)),
        ({**USAGE, "num_cached_tokens": 6, "cache_creation_input_tokens": 9}, Usage(0, 6, 4, output_tokens=4)),
        (
            {**USAGE, "completion_tokens_details": {"reasoning_tokens": 3}},
            Usage(10, output_tokens=1, reasoning_tokens=3),
        ),
        # beside the completion: the total says so, or the count cannot be a part
        (
            {**USAGE, "total_tokens": 17, "completion_tokens_details": {"reasoning_tokens": 3}},
            Usage(10, output_tokens=4, reasoning_tokens=3),
        ),
        ({**USAGE, "reasoning_tokens": 9}, Usage(10, output_tokens=4, reasoning_tokens=9)),
        # a rest that nothing explains was thought; spoken input is input
        ({**USAGE, "total_tokens": 20}, Usage(10, output_tokens=4, reasoning_tokens=6)),
        ({**USAGE, "total_tokens": 20, "prompt_tokens_details": {"audio_tokens": 6}}, Usage(16, output_tokens=4)),
        ({"prompt_tokens": "x", "completion_tokens": 4, "total_tokens": -1}, Usage(output_tokens=4)),
    ],
)
def test_usage_becomes_disjoint_classes(raw: object, usage: Usage | None) -> None:
    assert read_usage(raw) == usage


COUNTS = st.integers(0, 1000)


@settings(deadline=None)
@given(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS))
def test_no_class_is_ever_negative(counts: tuple[int, int, int, int, int, int]) -> None:
    prompt, completion, total, cached, written, reasoning = counts
    details = {
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "audio_tokens": max(0, total - prompt - completion),
    }
    usage = (
        read_usage(
            {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": total,
                "prompt_tokens_details": details,
                "completion_tokens_details": {"reasoning_tokens": reasoning},
            }
        )
        or Usage()
    )
    assert min(usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.output_tokens) >= 0


DELTAS: list[Any] = [
    chunk({"content": "x"}),
    chunk({"reasoning": "t"}),
    tools(piece(0, "a", "f", "{")),
    tools(piece(0, None, None, "}")),
    chunk(None, "stop"),
    chunk(usage=USAGE),
    event({"error": {"message": "m"}}),
    DONE,
    b"data: {\n\n",
    b": ping\r\n\r\n",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(DELTAS), max_size=8), st.integers(1, 9))
def test_fragmentation_changes_nothing(pieces: list[bytes], size: int) -> None:
    stream = b"".join(pieces)
    fragments = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert decoded(*fragments) == decoded(stream)


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_in_a_finish_or_a_failure(noise: bytes, streamed: bool) -> None:
    assert isinstance(decoded(noise, streamed=streamed)[-1], UpstreamError | Finished)
