from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.bill import Bill, Closing
from gammainfra.domain.chat import Thinking
from gammainfra.domain.failure import Cause, Failure, Refused
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
from gammainfra.wire.anthropic import CLIENT
from gammainfra.wire.anthropic.blocks import THINKING_FORMAT
from gammainfra.wire.anthropic.thoughts import SEAL, read_redacted, read_thinking
from tests.wire.anthropic.spoken import CLOSING, events, message, renderer, streamed, whole

OWN: dict[str, Any] = {"format": THINKING_FORMAT}
CALLED = (ToolCallDelta(0, "toolu_1", "f", '{"x": 1}'), ToolCallDelta(1, "toolu_2", "g", "{}"), Finished("tool_calls"))
COUNTS = {
    "input_tokens": 5,
    "cache_creation_input_tokens": 5,
    "cache_read_input_tokens": 40,
    "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
    "output_tokens": 7,
}
COST = {
    "cost": 0.000001235,
    "cost_details": {
        "input": 0.000001, "output": 5e-09, "cache_read": 2e-07, "cache_write": 3e-08,
        "fee": 0, "upstream_inference_cost": 0, "absorbed": 0,
    },
    "is_byok": False,
}  # fmt: skip


def opaque(**event: Any) -> Opaque:
    return Opaque("anthropic", json.dumps(event).encode())


def start(index: int, **block: Any) -> Opaque:
    return opaque(type="content_block_start", index=index, content_block=block)


def piece(index: int, **delta: Any) -> Opaque:
    return opaque(type="content_block_delta", index=index, delta=delta)


def stop(index: int) -> Opaque:
    return opaque(type="content_block_stop", index=index)


def test_text_streams_as_it_comes() -> None:
    made = renderer()
    first, second = made.render([TextDelta("Hel")]), made.render([TextDelta("lo"), TextDelta("!")])
    shown = events(first + second + made.tail([Finished("stop")], CLOSING))
    assert [one["type"] for one in shown] == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_delta",
        "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    begun = shown[0]["message"]
    assert (begun["id"], begun["model"], begun["content"], begun["stop_reason"]) == ("msg_7", "asked/for", [], None)
    assert [one["delta"]["text"] for one in shown[2:5]] == ["Hel", "lo", "!"]
    assert made.content_type.startswith("text/event-stream")


def test_the_end_tells_counts_cost_and_facts() -> None:
    stream = renderer().tail([TextDelta("hi"), Finished("stop")], CLOSING)
    ending = events(stream)[-2]
    assert ending["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert ending["usage"] == {**COUNTS, **COST}
    assert b'\n\n: gammainfra {"attempted_count":"1"}\n\nevent: message_stop\n' in stream


def test_a_whole_answer_tells_the_same() -> None:
    shown = whole(TextDelta("h"), TextDelta("i"), *CALLED)
    assert shown == {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "asked/for",
        "content": [
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {**COUNTS, **COST},
    }
    assert renderer(stream=False).content_type == "application/json"


def test_an_unknown_price_leaves_no_cost_and_reasoning_is_counted_apart() -> None:
    usage = Usage(input_tokens=1, output_tokens=2, reasoning_tokens=3)
    shown = whole(TextDelta("hi"), Finished("stop"), closing=Closing(Bill(usage, None, settled=False)))["usage"]
    assert shown["output_tokens"] == 5
    assert shown["output_tokens_details"] == {"thinking_tokens": 3}
    assert "cost" not in shown
    assert shown["settled"] is False


def test_the_plan_is_shown_when_it_was_asked_for() -> None:
    closing = Closing(CLOSING.bill, {}, {"candidates": []})
    assert whole(Finished("stop"), closing=closing)["gammainfra"] == {"candidates": []}
    assert streamed(Finished("stop"), closing=closing)[-2]["gammainfra"] == {"candidates": []}


def test_calls_leave_as_whole_blocks() -> None:
    shown = streamed(*CALLED)[1:-2]
    assert [(one["type"], one["index"]) for one in shown] == [
        ("content_block_start", 0), ("content_block_delta", 0), ("content_block_stop", 0),
        ("content_block_start", 1), ("content_block_delta", 1), ("content_block_stop", 1),
    ]  # fmt: skip
    assert shown[0]["content_block"] == {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    assert shown[1]["delta"] == {"type": "input_json_delta", "partial_json": '{"x": 1}'}


def test_pieces_of_a_call_belong_together() -> None:
    pieces = (ToolCallDelta(0, "a", "f"), ToolCallDelta(0, arguments='{"x"'), ToolCallDelta(0, arguments=":1}"))
    assert whole(*pieces)["content"] == [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]


@pytest.mark.parametrize("arguments", ['{"x": "ab', "[1]"])
def test_what_the_token_limit_cut_is_no_input(arguments: str) -> None:
    shown = whole(ToolCallDelta(0, "a", "f", arguments), Finished("length"))
    assert shown["content"][0]["input"] == {}
    assert shown["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("finish", "reason", "sequence"),
    [
        (Finished("stop"), "end_turn", None),
        (Finished("stop", "END"), "stop_sequence", "END"),
        (Finished("stop", native="pause_turn"), "pause_turn", None),
        (Finished("length"), "max_tokens", None),
        (Finished("length", native="model_context_window_exceeded"), "model_context_window_exceeded", None),
        (Finished("content_filter"), "refusal", None),
    ],
)
def test_every_end_has_its_stop_reason(finish: Finished, reason: str, sequence: str | None) -> None:
    shown = renderer(stream=False).whole([TextDelta("hi"), finish], CLOSING)
    decoded = json.loads(shown) if reason == "model_context_window_exceeded" else message(shown)
    assert (decoded["stop_reason"], decoded["stop_sequence"]) == (reason, sequence)


def test_a_refusal_says_what_the_provider_says() -> None:
    shown = whole(Finished("content_filter", refusal="I cannot."))
    assert shown["stop_details"] == {"type": "refusal", "category": None, "explanation": "I cannot."}
    assert shown["content"] == []


def test_thinking_is_a_block_that_ends_with_its_signature_in_one_piece() -> None:
    said: list[StreamEvent] = [
        ThinkingDelta("let", index=0, **OWN), ThinkingDelta(" me", index=0, **OWN),
        ThinkingDelta(signature="s1", **OWN), ThinkingDelta(signature="s2", **OWN),
        ThinkingDelta(redacted="blob", index=1, **OWN),
        ThinkingDelta(signature="only", index=2, **OWN), TextDelta("hi"), Finished("stop"),
    ]  # fmt: skip
    content = [
        {"type": "thinking", "thinking": "let me", "signature": "s1s2"},
        {"type": "redacted_thinking", "data": "blob"},
        {"type": "thinking", "thinking": "", "signature": "only"},
        {"type": "text", "text": "hi"},
    ]
    assert whole(*said)["content"] == content
    shown = streamed(*said)
    deltas = [
        one["delta"]["type"] for one in shown if "delta" in one and one["index" if "index" in one else "type"] == 0
    ]
    assert deltas == ["thinking_delta", "thinking_delta", "signature_delta"]


def test_thoughts_of_other_makers_come_back_as_they_were() -> None:
    said = (
        ThinkingDelta("plain", index=0),
        ThinkingDelta("signed", "sig", index=1, format="google-gemini-v1", id="call_1"),
        ThinkingDelta(redacted="blob", index=2, format="openai-responses-v1", id="rs_1"),
        TextDelta("hi"),
    )
    plain, signed, hidden, _ = whole(*said)["content"]
    assert plain["signature"] == ""
    assert signed["signature"].startswith(SEAL)
    assert hidden["data"].startswith(SEAL)
    assert read_thinking(plain["thinking"], plain["signature"]) == Thinking("plain")
    assert read_thinking(signed["thinking"], signed["signature"]) == Thinking(
        "signed", "sig", format="google-gemini-v1", id="call_1"
    )
    assert read_redacted(hidden["data"]) == Thinking(redacted="blob", format="openai-responses-v1", id="rs_1")


@pytest.mark.parametrize("broken", ["***", "e30=", "/w=="])
def test_a_broken_seal_is_no_signature(broken: str) -> None:
    assert read_thinking("hm", SEAL + broken) == Thinking("hm")


def test_what_anthropic_alone_says_keeps_its_shape_under_our_numbers() -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    said = (
        start(7, **search),
        piece(7, type="input_json_delta", partial_json='{"query":'),
        piece(7, type="input_json_delta", partial_json='"x"}'),
        stop(7),
        start(8, **found),
        stop(8),
        stop(8),
        TextDelta("hi"),
        Finished("stop"),
    )
    assert whole(*said)["content"] == [{**search, "input": {"query": "x"}}, found, {"type": "text", "text": "hi"}]
    assert [one["index"] for one in streamed(*said) if "index" in one] == [0, 0, 0, 0, 1, 1, 2, 2, 2]


def test_citations_stay_with_their_text() -> None:
    source = {
        "type": "char_location", "cited_text": "a", "document_index": 0, "document_title": None, "end_char_index": 1,
        "file_id": None, "start_char_index": 0,
    }  # fmt: skip
    cited = {"type": "text", "citations": [source]}
    said = (
        TextDelta("plain"),
        start(1, type="text", text="", citations=[]),
        TextDelta("cited"),
        piece(1, type="citations_delta", citation=source),
        start(2, type="text", text="whole", citations=[source]),
        TextDelta("whole"),
        start(3, type="text", text="again"),
        TextDelta("again"),
    )
    assert whole(*said)["content"] == [
        {"type": "text", "text": "plain"},
        {**cited, "text": "cited"},
        {**cited, "text": "whole"},
        {"type": "text", "text": "again"},
    ]
    assert whole(piece(0, type="citations_delta", citation=source))["content"] == [{**cited, "text": ""}]


def test_blocks_of_a_later_day_pass_and_their_pieces_grow() -> None:
    said = (
        start(0, type="compaction", content=None),
        piece(0, type="compaction_delta", content="so"),
        piece(0, type="compaction_delta", content=" far"),
        stop(0),
        piece(0, type="odd_delta", more=1),
        opaque(type="later_event"),
    )
    made = renderer(stream=False).whole(said, CLOSING)
    assert json.loads(made)["content"] == [{"type": "compaction", "content": "so far"}]


def test_what_other_dialects_and_the_gateway_know_is_not_shown() -> None:
    silent = (Opaque("openai_chat", b"{}"), Started(), UsageSeen(Usage(), final=True))
    assert whole(*silent, UpstreamError(Failure(Cause.CUT, "cut")))["content"] == []
    assert [one["type"] for one in streamed(*silent)] == ["message_start", "message_delta", "message_stop"]


def test_an_open_block_is_ended_before_the_next_one_begins() -> None:
    made = renderer()
    live = made.render(
        [ThinkingDelta("hm", **OWN), start(3, type="server_tool_use", id="s", name="web_search", input={})]
    )
    shown = events(live + made.tail([TextDelta("stitched"), *CALLED], CLOSING))
    depth = 0
    for one in shown:
        depth += {"content_block_start": 1, "content_block_stop": -1}.get(one["type"], 0)
        assert depth in {0, 1}
    assert [one["index"] for one in shown if one["type"] == "content_block_start"] == [0, 1, 2, 3, 4]


def test_text_after_another_block_is_a_new_block() -> None:
    made = renderer()
    live = made.render([TextDelta("a"), TextDelta("b"), ThinkingDelta("hm", **OWN), TextDelta("c"), TextDelta("d")])
    shown = [(one["index"], one["delta"]["text"]) for one in events(live) if one.get("delta", {}).get("text")]
    assert shown == [(0, "a"), (0, "b"), (2, "c"), (2, "d")]


def test_an_error_in_the_stream_is_an_error_event_and_nothing_follows() -> None:
    (shown,) = events(renderer().error(Refused(503, "all_providers_failed", "No provider could answer.")))
    assert shown["type"] == "error"
    assert shown["error"]["type"] == "overloaded_error"
    assert shown["request_id"] == "gen-7"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", "invalid_request_error"),
        (401, "invalid_api_key", "authentication_error"),
        (402, "session_budget_reached", "billing_error"),
        (403, "model_not_allowed", "permission_error"),
        (404, "model_not_found", "not_found_error"),
        (405, "method_not_allowed", "invalid_request_error"),
        (409, "already_served", "conflict_error"),
        (413, "request_too_large", "request_too_large"),
        (429, "rate_limit_exceeded", "rate_limit_error"),
        (500, "internal_error", "api_error"),
        (503, "all_providers_failed", "overloaded_error"),
        (504, "latency_budget_exceeded", "timeout_error"),
    ],
)
def test_every_refusal_has_anthropics_shape(status: int, code: str, kind: str) -> None:
    shown = json.loads(CLIENT.write_error(Refused(status, code, "why", param="p", metadata={"a": 1}), "gen-1"))
    error = {"type": kind, "message": "why", "code": code, "param": "p", "metadata": {"a": 1}}
    assert shown == {"type": "error", "error": error, "request_id": "gen-1"}


def test_claude_code_reads_that_its_prompt_is_too_long() -> None:
    refused = Refused(400, "context_length_exceeded", "maximum context length is 5 tokens")
    shown = json.loads(CLIENT.write_error(refused, "gen-1"))["error"]["message"]
    assert shown == "prompt is too long: maximum context length is 5 tokens"


def test_the_keepalive_is_a_ping() -> None:
    assert events(CLIENT.keepalive) == [{"type": "ping"}]
    assert CLIENT.name == "anthropic"


def test_who_called_and_the_container_are_shown_to_clients_of_the_dialect() -> None:
    run = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    box: dict[str, Any] = {"id": "c1", "expires_at": "2026-01-01T00:00:00Z"}
    edits: dict[str, Any] = {"applied_edits": []}
    said = (
        opaque(type="gammainfra_called", id="toolu_1", caller=run),
        ToolCallDelta(0, "toolu_1", "f", "{}"),
        ToolCallDelta(1, "toolu_2", "g", "{}"),
        Finished("tool_calls", native_fields=json.dumps({"container": box, "context_management": edits}).encode()),
    )
    shown = json.loads(renderer(stream=False).whole(said, CLOSING))
    assert shown["content"][0]["caller"] == run
    assert "caller" not in shown["content"][1]
    assert (shown["container"], shown["context_management"]) == (box, edits)
    end = next(event for event in streamed(*said) if event["type"] == "message_delta")
    assert (end["delta"]["container"], end["context_management"]) == (box, edits)
