"""What compatible hosts get wrong reaches no client: each mistake, through decoder and renderer, by strict types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.bill import Bill, Closing
from gammainfra.domain.failure import Cause
from gammainfra.domain.stream import Finished, StreamEvent, ToolCallDelta, UpstreamError, UsageSeen
from gammainfra.domain.usage import Usage
from gammainfra.wire.openai_chat import CLIENT, PROVIDER
from tests.wire.openai_chat.shapes import DONE, Json, chunk, chunks, completion, decoded, event, sketch, user

CLOSING = Closing(bill=Bill(Usage(1, 0, 0, 0, 1), None), facts={})


def shown(events: list[StreamEvent]) -> Json:
    """The message that a client gets, the same streamed and whole, by the official SDK's strict types."""
    renderer = CLIENT.renderer(sketch(user()), answer_id="gen-1", model="m", created_at=1)
    whole = completion(renderer.whole(events, CLOSING))
    asked = sketch(user(), stream=True)
    streamer = CLIENT.renderer(asked, answer_id="gen-1", model="m", created_at=1)
    pieces = chunks(streamer.render([]) + streamer.tail(events, CLOSING))
    told = "".join(delta.get("content") or "" for one in pieces for delta in [one["choices"][0]["delta"]])
    message: Json = whole["choices"][0]["message"]
    assert told == (message["content"] or "")
    assert pieces[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    return {**message, "finish": whole["choices"][0]["finish_reason"]}


def whole(message: object, finish: object = "stop", **more: Any) -> list[StreamEvent]:
    body = {"id": "c1", "model": "up", "choices": [{"message": message, "finish_reason": finish}], **more}
    return decoded(json.dumps(body).encode(), streamed=False)


def called(**call: Any) -> Json:
    return {"function": {"name": "f", "arguments": "{}"}, **call}


@pytest.mark.parametrize("tier", [None, "on_demand", "standard", 7, {"odd": True}])
def test_a_service_tier_that_nobody_knows_is_left_out(tier: object) -> None:
    assert shown(whole({"content": "x"}, service_tier=tier))["content"] == "x"
    assert shown(decoded(chunk({"content": "x"}, "stop", service_tier=tier), DONE))["content"] == "x"


def test_a_call_without_its_type_gets_it() -> None:
    message = shown(whole({"content": None, "tool_calls": [called(id="a")]}, "tool_calls"))
    assert message["tool_calls"][0]["type"] == "function"
    assert message["finish"] == "tool_calls"


@pytest.mark.parametrize("arguments", ["", None, " "])
def test_empty_arguments_are_an_empty_object(arguments: object) -> None:
    call = {"id": "a", "index": 0, "function": {"name": "f", "arguments": arguments}}
    for events in (whole({"tool_calls": [call]}), decoded(chunk({"tool_calls": [call]}, "tool_calls"), DONE)):
        assert shown(events)["tool_calls"][0]["function"]["arguments"] == "{}"


def test_content_as_a_list_is_text() -> None:
    parts = [{"type": "text", "text": "a"}, "b", "", {"type": "odd"}]
    assert shown(whole({"content": parts}))["content"] == "ab"
    assert shown(decoded(chunk({"content": parts}, "stop"), DONE))["content"] == "ab"


def test_mistrals_thinking_in_the_content_is_reasoning() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]
    message = shown(whole({"content": parts, "tool_calls": None}))
    assert (message["content"], message["reasoning_content"]) == ("a", "hm")


@pytest.mark.parametrize("call_id", [None, "", "null", "None"])
def test_a_call_without_an_id_is_left_to_the_gateway_to_name(call_id: object) -> None:
    events = decoded(chunk({"tool_calls": [called(id=call_id, index=0)]}, "tool_calls"), DONE)
    assert [one.id for one in events if isinstance(one, ToolCallDelta)] == [""]


def test_calls_without_an_index_are_numbered() -> None:
    made = [called(id="a"), called(id="b")]
    assert [one["id"] for one in shown(decoded(chunk({"tool_calls": made}, "tool_calls"), DONE))["tool_calls"]] == [
        "a",
        "b",
    ]


def test_deltas_and_roles_of_null_say_nothing() -> None:
    null = event({"id": "c1", "choices": [{"index": 0, "delta": None}]})
    assert shown(decoded(null, chunk({"role": None, "content": "x"}), chunk({}, "stop"), DONE))["content"] == "x"


def test_an_empty_finish_is_none() -> None:
    assert shown(decoded(chunk({"content": "x"}, ""), chunk({"content": "y"}, "stop"), DONE))["content"] == "xy"
    assert shown(decoded(chunk({"content": "x"}, ""), DONE))["finish"] == "stop"


def test_chunks_and_bodies_need_no_object_id_or_date() -> None:
    assert shown(decoded(event({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]})))["content"] == "x"
    assert shown(decoded(b'{"choices":[{"message":{"content":"x"}}]}', streamed=False))["content"] == "x"


COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.mark.parametrize(
    "pieces",
    [
        (chunk({"content": "x"}, usage=COUNTS), chunk({}, "stop"), DONE),
        (chunk({"content": "x"}), chunk({}, "stop", usage=COUNTS), DONE),
        (chunk({"content": "x"}), chunk({}, "stop", x_groq={"usage": COUNTS}), DONE),
        (chunk({"content": "x"}), chunk({}, "stop"), event({"choices": [], "usage": COUNTS}), DONE),
        (chunk({"content": "x"}), chunk({}, "stop"), chunk({"content": ""}, "stop", usage=COUNTS), DONE),
        (chunk({"content": "x"}), chunk({}, "stop"), event({"choices": None, "usage": COUNTS}), DONE),
    ],
)
def test_counts_are_found_wherever_a_host_puts_them(pieces: tuple[bytes, ...]) -> None:
    counted = [one for one in decoded(*pieces) if isinstance(one, UsageSeen)]
    assert counted[-1] == UsageSeen(Usage(3, 0, 0, 0, 2), final=True)


@pytest.mark.parametrize("end", [b"", b"data: [DONE]", b"data: [DONE] \n\n", b"data:[DONE]\r\n\r\n"])
def test_the_end_marker_may_be_missing_or_odd(end: bytes) -> None:
    events = decoded(chunk({"content": "x"}), chunk({}, "stop"), end)
    assert [one for one in events if isinstance(one, Finished)] == [Finished("stop")]
    assert shown(events)["content"] == "x"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_may_end_as_windows_ends_them_and_begin_with_a_mark(size: int) -> None:
    stream = b"\xef\xbb\xbf" + (chunk({"content": "x"}, "stop") + DONE).replace(b"\n", b"\r\n")
    body = b" \xef\xbb\xbf\r\n" + b'{"choices":[{"message":{"content":"x"}}]}'
    for raw in (stream, body):
        assert shown(decoded(*(raw[at : at + size] for at in range(0, len(raw), size))))["content"] == "x"


@pytest.mark.parametrize("raw", [b"\xef", b"\xef\xbb\xbf", b""])
def test_half_a_mark_is_no_answer(raw: bytes) -> None:
    (failed,) = decoded(raw)
    assert isinstance(failed, UpstreamError)
    assert failed.failure.cause is Cause.CUT


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, Cause.RATE_LIMIT),
        ({"error": "overloaded, try again"}, Cause.OVERLOADED),
        ({"object": "error", "message": "Service tier capacity exceeded for this model."}, Cause.OVERLOADED),
        ({"code": "Some resource has been exhausted", "error": "Too many requests"}, Cause.RATE_LIMIT),
        ({"choices": [], "error": {"message": "Provider returned error", "code": 502}}, Cause.UNAVAILABLE),
    ],
)
def test_an_error_in_a_200_is_an_error(body: Json, cause: Cause) -> None:
    for events in (decoded(json.dumps(body).encode(), streamed=False), decoded(event(body))):
        (failed,) = events
        assert isinstance(failed, UpstreamError)
        assert failed.failure.cause is cause


def test_groq_says_a_call_that_it_could_not_read_inside_the_stream() -> None:
    error = {
        "message": "Failed to call a function",
        "code": "tool_use_failed",
        "failed_generation": "{",
        "status_code": 400,
    }
    events = decoded(chunk({"reasoning": "hm"}), b"event: error\n" + event({"error": error}))
    assert isinstance(events[-1], UpstreamError)
    assert events[-1].failure.cause is Cause.BAD_TOOL_CALL


def test_openrouter_finishes_with_an_error() -> None:
    failed = {"choices": [{"delta": {"content": ""}, "finish_reason": "error"}], "error": {"code": 502, "message": "x"}}
    events = decoded(b": OPENROUTER PROCESSING\n\n", chunk({"content": "a"}), event(failed))
    assert isinstance(events[-1], UpstreamError)
    assert events[-1].failure.cause is Cause.UNAVAILABLE


def test_azure_opens_with_filters_and_no_choices() -> None:
    filters = event({"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": []})
    assert shown(decoded(filters, chunk({"content": "x", "refusal": None}, "stop"), DONE))["content"] == "x"


def test_a_decoder_is_made_for_each_attempt() -> None:
    first, second = PROVIDER.decoder(streamed=True), PROVIDER.decoder(streamed=True)
    assert first is not second
