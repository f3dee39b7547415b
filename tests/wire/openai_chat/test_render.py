from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.domain.bill import Bill, Closing
from gammainfra.domain.failure import Cause, Failure, Refused
from gammainfra.domain.money import Charge
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
from gammainfra.wire.dialect import Renderer
from gammainfra.wire.openai_chat import CLIENT
from tests.wire.openai_chat.shapes import Json, chunk, chunks, completion, decoded, deltas, event, sketch

USAGE = Usage(100, 20, 30, 7, 40, 9)
CHARGE = Charge(input_nano=1_000_000, cache_read_nano=250_000, cache_write_nano=0, output_nano=37_000_000)
CLOSING = Closing(Bill(USAGE, CHARGE, absorbed_nano=5, fee_nano=382_500), {"endpoint": "openai/gpt-5"})
FREE = Closing(Bill(Usage(1, output_tokens=2), None))


def renderer(*, include_usage: bool = True, stream: bool = True) -> Renderer:
    seen = sketch(stream=stream, stream_options={"include_usage": include_usage})
    return CLIENT.renderer(seen, answer_id="gen-1", model="openai/gpt-5", created_at=1_700_000_000)


def streamed(*events: StreamEvent, closing: Closing = CLOSING, include_usage: bool = True) -> bytes:
    return renderer(include_usage=include_usage).tail(events, closing)


def whole(*events: StreamEvent, closing: Closing = CLOSING) -> Json:
    return completion(renderer(stream=False).whole(events, closing))


def test_a_stream_opens_with_the_role_and_ends_with_the_marker() -> None:
    shown = renderer()
    live = shown.render([Started("x", "y"), TextDelta("he")]) + shown.render([TextDelta('l"lo\n')])
    tail = shown.tail([Finished("stop")], CLOSING)
    assert shown.content_type.startswith("text/event-stream")
    seen = chunks(live + tail)
    assert {(one["id"], one["object"], one["created"], one["model"]) for one in seen} == {
        ("gen-1", "chat.completion.chunk", 1_700_000_000, "openai/gpt-5")
    }
    assert deltas(seen) == [{"role": "assistant", "content": ""}, {"content": "he"}, {"content": 'l"lo\n'}, {}]
    assert [one["choices"][0]["finish_reason"] for one in seen[:-1]] == [None, None, None, "stop"]
    assert seen[-1]["choices"] == []
    assert tail.endswith(b': gammainfra {"endpoint":"openai/gpt-5"}\n\ndata: [DONE]\n\n')


def test_opening_twice_is_opening_once() -> None:
    shown = renderer()
    assert shown.render([]).count(b'"role"') == 1
    assert shown.render([]) == b""


def test_usage_says_everything_that_clients_read() -> None:
    usage = chunks(streamed(Finished("stop")))[-1]["usage"]
    assert usage == {
        "prompt_tokens": 157,
        "completion_tokens": 49,
        "total_tokens": 206,
        "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 37},
        "completion_tokens_details": {"reasoning_tokens": 9},
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 37,
        "cost": 0.03825,
        "cost_details": {
            "input": 0.001,
            "output": 0.037,
            "cache_read": 0.00025,
            "cache_write": 0,
            "fee": 0.0003825,
            "upstream_inference_cost": 0,
            "absorbed": 5e-9,
        },
        "is_byok": False,
    }


@pytest.mark.parametrize(
    ("nano", "text"),
    [(38_250_000, b"0.03825"), (1, b"0.000000001"), (0, b"0"), (2_000_000_000, b"2"), (10_500_000_000, b"10.5")],
)
def test_costs_are_exact_numbers(nano: int, text: bytes) -> None:
    bill = Bill(Usage(), Charge(output_nano=nano), is_byok=True)
    assert b'"cost":' + text + b"," in streamed(closing=Closing(bill))
    assert whole(closing=Closing(bill))["usage"]["is_byok"] is True


def test_an_unknown_price_is_no_cost() -> None:
    usage = whole(TextDelta("x"), Finished("stop"), closing=FREE)["usage"]
    assert not {"cost", "cost_details", "is_byok", "settled"} & usage.keys()
    unsettled = Closing(Bill(Usage(), None, settled=False))
    assert whole(closing=unsettled)["usage"]["settled"] is False


def test_usage_rides_on_the_finish_unless_asked_for() -> None:
    seen = chunks(streamed(TextDelta("x"), Finished("length"), include_usage=False))
    assert seen[-1]["choices"][0]["finish_reason"] == "length"
    assert seen[-1]["usage"]["prompt_tokens"] == 157


def test_the_plan_stands_in_the_last_chunk_and_in_the_body() -> None:
    explained = Closing(FREE.bill, explain={"candidates": []})
    for include_usage in (True, False):
        seen = chunks(streamed(Finished("stop"), closing=explained, include_usage=include_usage))
        assert ["gammainfra" in one for one in seen] == [False] * (len(seen) - 1) + [True]
    assert whole(closing=explained)["gammainfra"] == {"candidates": []}


CALLS = (
    TextDelta("I call"),
    ToolCallDelta(0, "a", "f", '{"x"'),
    ToolCallDelta(0, arguments=":1}"),
    ToolCallDelta(1, "b", "g"),
    UsageSeen(USAGE, final=True),
    Finished("stop"),
)


def test_calls_leave_whole_and_decide_the_finish() -> None:
    seen = chunks(streamed(*CALLS))
    assert [delta["tool_calls"] for delta in deltas(seen) if "tool_calls" in delta] == [
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
        [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}],
    ]
    assert seen[-2]["choices"][0]["finish_reason"] == "tool_calls"
    shown = whole(*CALLS)["choices"][0]
    assert shown["finish_reason"] == "tool_calls"
    assert shown["message"]["content"] == "I call"
    assert [call["id"] for call in shown["message"]["tool_calls"]] == ["a", "b"]
    assert whole(*CALLS[1:])["choices"][0]["message"]["content"] is None


def test_nothing_of_a_call_is_shown_live() -> None:
    shown = renderer()
    failed = UpstreamError(Failure(Cause.CUT, "x"))
    foreign = Opaque("anthropic", b"{}")
    assert chunks(shown.render([*CALLS[1:], failed, foreign])) == chunks(renderer().render([]))
    assert shown.render([foreign, Finished("stop")]) == b""
    assert whole(Started(), failed, foreign)["choices"][0]["message"]["content"] == ""


def test_a_cut_call_keeps_its_reason() -> None:
    assert whole(ToolCallDelta(0, "a", "f", '{"x'), Finished("length"))["choices"][0]["finish_reason"] == "length"


THOUGHTS = (
    ThinkingDelta("th", format="anthropic-claude-v1"),
    ThinkingDelta("ink"),
    ThinkingDelta(signature="s1"),
    ThinkingDelta(signature="s2"),
    ThinkingDelta(redacted="blob", index=1, format="anthropic-claude-v1"),
    ThinkingDelta("more", index=2, format="openai-responses-v1", id="rs_1"),
    ThinkingDelta(signature="s3", index=3),
    ThinkingDelta(signature="s4", index=4),
    TextDelta("x"),
)


def test_thinking_is_shown_in_every_field_and_signed_at_its_blocks_end() -> None:
    seen = deltas(chunks(streamed(*THOUGHTS, Finished("stop"))))
    assert "".join(delta.get("reasoning_content", "") for delta in seen) == "thinkmore"
    assert all(delta.get("reasoning") == delta.get("reasoning_content") for delta in seen)
    details = [one for delta in seen for one in delta.get("reasoning_details", ())]
    assert details == [
        {"type": "reasoning.text", "text": "th", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "ink", "format": "unknown", "index": 0},
        {"type": "reasoning.text", "signature": "s1s2", "format": "unknown", "index": 0},
        {"type": "reasoning.encrypted", "data": "blob", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.summary", "summary": "more", "id": "rs_1", "format": "openai-responses-v1", "index": 2},
        {"type": "reasoning.text", "signature": "s3", "format": "unknown", "index": 3},
        {"type": "reasoning.text", "signature": "s4", "format": "unknown", "index": 4},
    ]
    assert seen[-2] == {"content": "x"}


def test_a_signature_at_the_very_end_is_shown() -> None:
    assert b'"signature":"s"' in streamed(ThinkingDelta("t"), ThinkingDelta(signature="s"), Finished("stop"))
    shown = renderer()
    shown.render([ThinkingDelta("t"), ThinkingDelta(signature="s")])
    assert b'"signature":"s"' in shown.render([Opaque("openai_chat", b'{"delta":{"annotations":[]}}')])


def test_thinking_is_whole_in_a_body() -> None:
    message = whole(*THOUGHTS, ThinkingDelta(redacted="b2", signature="s", index=5), Finished("stop"))["choices"][0][
        "message"
    ]
    assert message["reasoning_content"] == message["reasoning"] == "think\nmore"
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "think", "signature": "s1s2", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "blob", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.summary", "summary": "more", "id": "rs_1", "format": "openai-responses-v1", "index": 2},
        {"type": "reasoning.text", "signature": "s3", "format": "unknown", "index": 3},
        {"type": "reasoning.text", "signature": "s4", "format": "unknown", "index": 4},
        {"type": "reasoning.text", "signature": "s", "format": "unknown", "index": 5},
        {"type": "reasoning.encrypted", "data": "b2", "format": "unknown", "index": 5},
    ]
    hidden = whole(ThinkingDelta(redacted="b"), Finished("stop"))["choices"][0]["message"]
    assert "reasoning" not in hidden


OPAQUE = (
    Opaque("openai_chat", b'{"delta":{"annotations":[{"type":"a"}],"audio":{"id":"1","data":"A"}}}'),
    TextDelta("x"),
    Opaque("openai_chat", b'{"choice":{"logprobs":{"content":[1]}}}'),
    Opaque("openai_chat", b'{"choice":{"logprobs":{"content":[2]}},"delta":{"audio":{"id":"1","data":"B"}}}'),
    Opaque("openai_chat", b'{"delta":{"annotations":[{"type":"b"}],"images":null}}'),
    Opaque("openai_chat", b'{"top":{"citations":["u"]}}'),
    Finished("stop"),
)


def test_opaque_fields_keep_their_place_in_the_order() -> None:
    lines = streamed(*OPAQUE).decode().split("\n\n")
    seen = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert seen[1]["choices"][0]["delta"]["annotations"] == [{"type": "a"}]
    assert [one["choices"][0].get("logprobs") for one in seen[2:5]] == [None, {"content": [1]}, {"content": [2]}]
    assert seen[6]["citations"] == ["u"]


def test_opaque_fields_are_joined_in_a_body() -> None:
    body = json.loads(renderer(stream=False).whole(OPAQUE, CLOSING))
    choice = body["choices"][0]
    assert choice["message"]["annotations"] == [{"type": "a"}, {"type": "b"}]
    assert choice["message"]["audio"] == {"id": "1", "data": "AB"}
    assert choice["logprobs"] == {"content": [1, 2]}
    assert body["citations"] == ["u"]


def test_custom_calls_join_the_others() -> None:
    raw = b'{"delta":{"tool_calls":[{"id":"c","type":"custom","custom":{"name":"g","input":"x"}}]}}'
    message = whole(Opaque("openai_chat", raw), Finished("tool_calls"))["choices"][0]["message"]
    assert [call["type"] for call in message["tool_calls"]] == ["custom"]


def test_a_refusal_is_shown_once() -> None:
    said = (Opaque("openai_chat", b'{"delta":{"refusal":"no"}}'), Finished("stop", refusal="no"))
    assert [delta["refusal"] for delta in deltas(chunks(streamed(*said))) if "refusal" in delta] == ["no"]
    foreign = Finished("content_filter", refusal="no")
    assert [delta["refusal"] for delta in deltas(chunks(streamed(foreign))) if "refusal" in delta] == ["no"]
    assert whole(*said)["choices"][0]["message"]["refusal"] == "no"
    message = whole(foreign)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "no")


def test_several_choices_have_a_role_and_a_finish_each() -> None:
    events: Sequence[StreamEvent] = (
        TextDelta("a"),
        TextDelta("b", 1),
        ToolCallDelta(0, "c", "f", "{}", 2),
        Opaque("openai_chat", b'{"delta":{"annotations":[]}}', 3),
        Finished("stop"),
        Finished("length", choice=1),
        Finished("stop", choice=2),
        Finished("stop", choice=3),
    )
    seen = chunks(streamed(*events))
    roles = [one["choices"][0]["index"] for one in seen[:-1] if "role" in one["choices"][0]["delta"]]
    assert sorted(roles) == [0, 1, 2, 3]
    finishes = [(one["choices"][0]["index"], one["choices"][0]["finish_reason"]) for one in seen[-5:-1]]
    assert finishes == [(0, "stop"), (1, "length"), (2, "tool_calls"), (3, "stop")]
    assert [choice["finish_reason"] for choice in whole(*events)["choices"]] == ["stop", "length", "tool_calls", "stop"]


def test_an_error_on_an_open_stream_is_the_last_word() -> None:
    shown = renderer().error(Refused(503, "all_providers_failed", "sorry", retry=True))
    assert shown.startswith(b'data: {"error":{"message":"sorry"')
    assert json.loads(shown[6:])["error"]["request_id"] == "gen-1"
    assert b"[DONE]" not in shown


def test_an_error_body_has_every_field() -> None:
    refused = Refused(404, "model_not_found", "no such model", param="model", metadata={"near": ["a"]})
    assert json.loads(CLIENT.write_error(refused, "gen-1")) == {
        "error": {
            "message": "no such model",
            "type": "not_found_error",
            "code": "model_not_found",
            "param": "model",
            "request_id": "gen-1",
            "metadata": {"near": ["a"]},
        }
    }
    types = [json.loads(CLIENT.write_error(Refused(status, "c", "m"), ""))["error"]["type"] for status in (405, 504)]
    assert types == ["invalid_request_error", "api_error"]


def test_what_a_host_said_is_what_a_client_reads() -> None:
    stream = (chunk({"content": "hé"}), event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    events = decoded(*stream)
    assert "".join(delta.get("content") or "" for delta in deltas(chunks(streamed(*events)))) == "hé"


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6), st.integers(1, 6))
def test_text_survives_any_batching(texts: list[str], size: int) -> None:
    shown = renderer()
    events = [TextDelta(text) for text in texts]
    stream = b"".join(shown.render(events[start : start + size]) for start in range(0, len(events), size))
    stream += shown.tail([Finished("stop")], FREE)
    assert "".join(delta.get("content") or "" for delta in deltas(chunks(stream))) == "".join(texts)
