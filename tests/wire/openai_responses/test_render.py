from __future__ import annotations

import json

import pytest

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
from gammainfra.wire.openai_responses import CLIENT
from tests.wire.openai_responses.shapes import Json, events, function, response, sketch

USAGE = Usage(100, 20, 30, 7, 40, 9)
CHARGE = Charge(input_nano=1_000_000, cache_read_nano=250_000, cache_write_nano=0, output_nano=37_000_000)
CLOSING = Closing(Bill(USAGE, CHARGE, absorbed_nano=5, fee_nano=382_500), {"endpoint": "openai/gpt-5"})
FREE = Closing(Bill(Usage(1, output_tokens=2), None))
STOP = Finished("stop")
NAME = "0" * 22


def renderer(**asked: object) -> Renderer:
    seen = sketch(**{"stream": True, **asked})
    return CLIENT.renderer(seen, answer_id=f"gen-{NAME}", model="openai/gpt-5", created_at=1_700_000_000)


def told(*said: StreamEvent, closing: Closing = CLOSING, **asked: object) -> list[Json]:
    return events(renderer(**asked).tail(said, closing))


def whole(*said: StreamEvent, closing: Closing = CLOSING, **asked: object) -> Json:
    return response(renderer(stream=False, **asked).whole(said, closing))


def kinds(found: list[Json]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in found]


def test_a_text_is_told_event_by_event_in_openais_order() -> None:
    shown = renderer()
    live = shown.render([Started("x", "y"), TextDelta("he")]) + shown.render([TextDelta('l"lo\n')])
    found = events(live + shown.tail([STOP], CLOSING))
    assert shown.content_type.startswith("text/event-stream")
    assert kinds(found) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["delta"] for event in found if "delta" in event] == ["he", 'l"lo\n']
    text = {"type": "output_text", "text": 'hel"lo\n', "annotations": [], "logprobs": []}
    item = {"id": f"msg_{NAME}_0", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    assert found[-1]["response"]["output"] == [item] == [found[-2]["item"]]


def test_the_id_of_an_answer_holds_the_generation_id() -> None:
    first, *_, last = told(TextDelta("a"), STOP)
    assert {one["response"]["id"] for one in (first, last)} == {f"resp_{NAME}"}
    assert (first["response"]["status"], first["response"]["usage"]) == ("in_progress", None)


def test_usage_and_cost_stand_in_the_last_event_and_the_facts_just_before_it() -> None:
    rendered = renderer().tail([TextDelta("a"), STOP], CLOSING)
    *_, comment, last, nothing = rendered.split(b"\n\n")
    assert comment == b': gammainfra {"endpoint":"openai/gpt-5"}'
    assert last.startswith(b"event: response.completed\n")
    assert nothing == b""
    assert json.loads(last.split(b"data: ")[1])["response"]["usage"] == {
        "input_tokens": 157,
        "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 37},
        "output_tokens": 49,
        "output_tokens_details": {"reasoning_tokens": 9},
        "total_tokens": 206,
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
            "absorbed": 5e-09,
        },
        "is_byok": False,
    }


def test_a_price_that_is_not_known_is_no_cost_of_zero() -> None:
    usage = whole(TextDelta("a"), STOP, closing=FREE)["usage"]
    assert usage["total_tokens"] == 3
    assert "cost" not in usage


def test_calls_are_written_whole_under_the_ids_of_the_conversation() -> None:
    found = told(
        TextDelta("Now."),
        ToolCallDelta(0, "call_a", "f", '{"x"'),
        ToolCallDelta(0, arguments=":1}"),
        ToolCallDelta(1, "call_b", "g", "{}"),
        Finished("tool_calls"),
    )
    one = ("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done")
    assert kinds(found)[8:] == [*one, *one, "completed"]
    calls = found[-1]["response"]["output"][1:]
    assert [(one["id"], one["call_id"], one["name"], one["arguments"]) for one in calls] == [
        (f"fc_{NAME}_1", "call_a", "f", '{"x":1}'),
        (f"fc_{NAME}_2", "call_b", "g", "{}"),
    ]
    assert [event["output_index"] for event in found if event["type"] == "response.output_item.done"] == [0, 1, 2]


def test_text_after_a_call_is_a_message_of_its_own() -> None:
    items = whole(ToolCallDelta(0, "call_a", "f", "{}"), TextDelta("Done."), STOP)["output"]
    assert [item["type"] for item in items] == ["function_call", "message"]


def test_reasoning_is_a_summary_and_what_must_return_unchanged() -> None:
    found = told(
        ThinkingDelta("Let ", index=0, format="anthropic-claude-v1"),
        ThinkingDelta("me.", index=0),
        ThinkingDelta(signature="sig", index=0),
        ThinkingDelta(redacted="xx", index=1, format="anthropic-claude-v1"),
        TextDelta("Yes."),
        STOP,
    )
    assert kinds(found)[2:12] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "output_item.done",
        "output_item.added",
    ]
    first, second, text = found[-1]["response"]["output"]
    assert first["summary"] == [{"type": "summary_text", "text": "Let me."}]
    assert second["summary"] == []
    assert first["encrypted_content"] != second["encrypted_content"]
    assert text["content"][0]["text"] == "Yes."


def test_reasoning_that_nobody_signed_has_no_encrypted_content() -> None:
    item = whole(ThinkingDelta("Hm."), TextDelta("a"), STOP)["output"][0]
    assert item == {"id": f"rs_{NAME}_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}


def test_a_custom_tool_is_called_with_its_text() -> None:
    tools = [{"type": "custom", "name": "apply_patch"}]
    found = told(ToolCallDelta(0, "call_a", "apply_patch", '{"input":"*** Begin"}'), STOP, tools=tools)
    assert kinds(found)[3:5] == ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
    item = found[-1]["response"]["output"][0]
    assert (item["id"], item["type"], item["input"]) == (f"ctc_{NAME}_0", "custom_tool_call", "*** Begin")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"a","why":"b"}', "a"),
        ('{"patch":"a"}', "a"),
        ('{"a":"1","b":"2"}', '{"a":"1","b":"2"}'),
        ('{"input":{"a":1}}', '{"input":{"a":1}}'),
        ('{"input":"cut of', '{"input":"cut of'),
        ("[1]", "[1]"),
    ],
)
def test_what_a_model_meant_as_the_text_of_a_custom_tool_is_found(arguments: str, text: str) -> None:
    tools = [{"type": "custom", "name": "t"}]
    assert whole(ToolCallDelta(0, "call_a", "t", arguments), STOP, tools=tools)["output"][0]["input"] == text


def test_a_tool_of_a_namespace_is_called_by_both_its_names() -> None:
    space = {"type": "namespace", "name": "agents", "description": "d", "tools": [function("close")]}
    item = whole(ToolCallDelta(0, "call_a", "agents__close", "{}"), STOP, tools=[space])["output"][0]
    assert (item["type"], item["name"], item["namespace"]) == ("function_call", "close", "agents")


def test_the_local_shell_gets_its_action() -> None:
    said = ToolCallDelta(0, "call_a", "local_shell", '{"command":["ls"]}')
    found = told(said, STOP, tools=[{"type": "local_shell"}])
    assert kinds(found)[2:] == ["output_item.added", "output_item.done", "completed"]
    item = found[-1]["response"]["output"][0]
    assert item["action"] == {"type": "exec", "command": ["ls"], "env": {}}


def test_the_clients_tool_search_is_called_with_an_object() -> None:
    tool = {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}}
    item = whole(ToolCallDelta(0, "call_a", "tool_search", '{"query":"x"}'), STOP, tools=[tool])["output"][0]
    assert (item["execution"], item["arguments"]) == ("client", {"query": "x"})


def test_an_answer_cut_by_its_limit_is_incomplete() -> None:
    found = told(TextDelta("a"), Finished("length"))
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert found[-1]["response"]["output"][0]["status"] == "incomplete"


def test_a_filtered_answer_without_words_is_incomplete() -> None:
    shown = whole(Finished("content_filter"))
    assert (shown["status"], shown["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert shown["output"] == []


@pytest.mark.parametrize("before", [(), (TextDelta("Well. "),)])
def test_a_refusal_in_words_is_a_part_of_the_message(before: tuple[StreamEvent, ...]) -> None:
    found = told(*before, Finished("content_filter", refusal="I will not."))
    assert kinds(found)[-6:] == [
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    content = found[-1]["response"]["output"][0]["content"]
    assert [part["type"] for part in content] == ["output_text"] * len(before) + ["refusal"]


def test_nothing_else_is_shown() -> None:
    shown = renderer()
    opened = events(shown.render([]))
    failed = UpstreamError(Failure(Cause.CUT, "cut"))
    said: list[StreamEvent] = [UsageSeen(USAGE, final=True), failed, Opaque("other", b"{}")]
    assert kinds(opened) == ["created", "in_progress"]
    assert shown.render(said) == b""


def test_an_error_on_an_open_stream_fails_the_response() -> None:
    shown = renderer()
    live = shown.render([TextDelta("a")])
    refused = Refused(503, "all_providers_failed", "No provider could answer.", metadata={"attempts": []})
    last = events(live + shown.error(refused))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    error = last["response"]["error"]
    assert (error["code"], error["message"]) == ("server_error", "No provider could answer.")
    assert error["request_id"] == f"gen-{NAME}"
    assert error["metadata"] == {"attempts": [], "code": "all_providers_failed"}


def test_a_code_that_clients_know_is_kept_in_an_error() -> None:
    rendered = renderer().error(Refused(400, "context_length_exceeded", "maximum context length"))
    last = json.loads(rendered.split(b"data: ")[-1])
    assert last["response"]["error"]["code"] == "context_length_exceeded"


def test_a_body_repeats_what_was_asked_and_explains_the_plan_on_demand() -> None:
    asked = {
        "temperature": 0.5,
        "metadata": {"a": "b"},
        "tool_choice": "none",
        "parallel_tool_calls": False,
    }
    shown = whole(TextDelta("a"), STOP, closing=Closing(FREE.bill, {}, {"candidates": []}), user=None, **asked)
    assert {name: shown.get(name) for name in asked} == asked
    assert shown["gammainfra"] == {"candidates": []}
    assert (shown["object"], shown["store"]) == ("response", False)
    assert "user" not in shown
    assert whole(STOP)["tool_choice"] == "auto"


def test_a_long_field_is_not_repeated() -> None:
    assert whole(TextDelta("a"), STOP, metadata={"a": "b" * 5000})["metadata"] == {}


def test_errors_have_openais_shape() -> None:
    shown = json.loads(CLIENT.write_error(Refused(400, "invalid_request", "no", param="input"), "gen-1"))
    assert shown["error"]["code"] == "invalid_request"
    assert (shown["error"]["param"], shown["error"]["request_id"]) == ("input", "gen-1")


def test_what_openai_sealed_and_ran_itself_is_shown_as_it_was() -> None:
    searched = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    }
    made = (
        ThinkingDelta("hm", index=0, format="openai-responses-v1", id="rs_up"),
        ThinkingDelta(redacted="gAAAA", index=0, format="openai-responses-v1", id="rs_up"),
        Opaque("openai_responses", json.dumps(searched).encode()),
        Opaque("anthropic", b"{}"),
        TextDelta("found"),
        Finished("stop"),
    )
    items = whole(*made)["output"]
    assert items[0]["id"] == "rs_up"
    assert items[0]["encrypted_content"] == "gAAAA"
    assert items[1] == searched
    assert [item["type"] for item in items] == ["reasoning", "web_search_call", "message"]
