from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.bill import Bill, Closing
from gammainfra.domain.chat import (
    Document,
    Image,
    Message,
    OpaquePart,
    ResponseFormat,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.failure import Refused
from gammainfra.domain.stream import Finished, TextDelta, ThinkingDelta, ToolCallDelta
from gammainfra.domain.target import Target
from gammainfra.domain.usage import Usage
from gammainfra.wire import openai_chat
from gammainfra.wire.openai_responses import CLIENT
from tests.wire.openai_responses.shapes import Json, body, call, function, message, output, read, response, sketch

ANY = Capabilities(context_tokens=200_000, max_output_tokens=32_000, thinking="effort")
CLOSING = Closing(Bill(Usage(), None))


def refusal(*items: object, **more: object) -> Refused:
    with pytest.raises(Refused) as caught:
        read(*items, **more)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value


def test_a_text_is_a_user_message_after_the_instructions() -> None:
    hub = read(instructions="Be short.")
    assert hub.messages == (Message("system", (Text("Be short."),)), Message("user", (Text("hi"),)))
    assert (hub.dialect, hub.model, hub.stream) == ("openai_responses", "m", False)
    listed = read(instructions=[message("developer", "Be short.")], stream=True)
    assert (listed.messages, listed.stream) == (hub.messages, True)


def test_neighbouring_items_become_one_turn() -> None:
    hub = read(
        message("developer", "D"),
        message(content=[{"type": "input_text", "text": "one"}]),
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        message("assistant", [{"type": "output_text", "text": "Now.", "annotations": []}], id="msg_1"),
        call("a"),
        call("b"),
        output("a"),
        output("b", [{"type": "input_text", "text": "seen"}]),
        {"role": "user", "content": "two"},
        {"type": "web_search_call", "id": "ws_1"},
    )
    assert hub.messages == (
        Message("system", (Text("D"),)),
        Message("user", (Text("one"),)),
        Message(
            "assistant",
            (Thinking("Hm."), Text("Now."), ToolCall("a", "f", '{"x":1}'), ToolCall("b", "f", '{"x":1}')),
        ),
        Message("user", (ToolResult("a", (Text("r"),)), ToolResult("b", (Text("seen"),)))),
        Message("user", (Text("two"),)),
    )
    assert hub.extra == {"input.web_search_call": None}


def test_calls_of_other_kinds_are_calls_of_functions() -> None:
    action: Json = {"type": "exec", "command": ["ls"], "env": {}, "timeout_ms": None}
    hub = read(
        message(),
        {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"},
        {"type": "local_shell_call", "id": "ls_1", "action": action},
        {"type": "local_shell_call", "id": "ls_2", "action": None},
        {"type": "local_shell_call_output", "id": "ls_1", "output": {"stdout": "x"}},
        {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "q"}},
        {"type": "tool_search_output", "call_id": "s", "execution": "client", "tools": [function("g")]},
        {"type": "tool_search_output", "call_id": "t", "execution": "client", "tools": None},
        call("c", name="close", namespace="agents"),
        call("d", name="close", namespace="close"),
        call("e", name="get", namespace="mcp__x__"),
        {"type": "function_call", "arguments": None},
        output("c", None),
    )
    assert [part for one in hub.messages[1:] for part in one.parts] == [
        ToolCall("a", "patch", '{"input":"*** Begin"}'),
        ToolResult("a", (Text("ok"),)),
        ToolCall("ls_1", "local_shell", '{"command":["ls"]}'),
        ToolCall("ls_2", "local_shell", "{}"),
        ToolResult("ls_1", (Text('{"stdout":"x"}'),)),
        ToolCall("s", "tool_search", '{"query":"q"}'),
        ToolResult("s", (Text('Tools found: ["g"]'),)),
        ToolResult("t", (Text("Tools found: []"),)),
        ToolCall("c", "agents__close", '{"x":1}'),
        ToolCall("d", "close", '{"x":1}'),
        ToolCall("e", "mcp__x__get", '{"x":1}'),
        ToolCall("", "", ""),
        ToolResult("c"),
    ]


def test_found_tools_are_declared_and_an_odd_list_is_refused() -> None:
    found = {"type": "tool_search_output", "execution": "server", "tools": [function("g")]}
    assert [tool.name for tool in read(message(), found).tools] == ["g"]
    assert refusal(message(), {**found, "tools": ["odd"]}).param == "tools[0]"


def test_content_of_every_kind_has_its_part() -> None:
    data = base64.b64encode(b"x").decode()
    refused = {"type": "refusal", "refusal": "no"}
    audio = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    content: list[object] = [
        "bare",
        {"type": "input_text", "text": "t", "cache_control": {"type": "ephemeral"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{data}", "detail": "low"},
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_image", "file_id": "file_1"},
        {"type": "input_file", "file_data": f"data:application/pdf;base64,{data}", "filename": "a.pdf"},
        {"type": "input_file", "file_data": data},
        {"type": "input_file", "file_url": "https://x/y.pdf"},
        {"type": "input_file", "file_id": "file_2"},
        refused,
        audio,
    ]
    assert read(message(content=content)).messages[0].parts == (
        Text("bare"),
        Text("t", "5m"),
        Image("image/png", data, detail="low"),
        Image(url="https://x/y.png"),
        OpaquePart("openai_responses", {"type": "input_image", "file_id": "file_1"}),
        Document("application/pdf", data, name="a.pdf"),
        Document("application/pdf", data),
        Document(url="https://x/y.pdf"),
        Document(file_id="file_2"),
        OpaquePart("openai_chat", refused),
        OpaquePart("openai_chat", audio),
    )
    assert read(message(content="")).messages == (Message("user", ()),)


def test_tools_become_functions() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    hub = read(
        tools=[
            function(strict=True),
            {"name": "bare"},
            {"type": "function", "function": {"name": "nested", "description": "n"}},
            {"type": "custom", "name": "patch", "description": "Edits.", "format": grammar},
            {"type": "custom", "name": "plain", "format": {"type": "text"}},
            {"type": "namespace", "name": "agents", "description": "d", "tools": [function("close"), {"type": "x"}]},
            {"type": "tool_search", "execution": "client", "description": "Finds."},
            {"type": "web_search"},
            function("patch"),
        ]
    )
    first, bare, nested, patch, plain, close, search = hub.tools
    assert first == ToolSpec("f", "d", {"type": "object"}, strict=True)
    assert (bare, nested) == (ToolSpec("bare"), ToolSpec("nested", "n"))
    assert (patch.name, patch.description) == (
        "patch",
        "Edits.\n\n`input` must follow this lark grammar:\nstart: /a/",
    )
    assert patch.parameters is not None
    assert patch.parameters["required"] == ["input"]
    assert (plain.name, plain.description) == ("plain", None)
    assert (close.name, search.name) == ("agents__close", "tool_search")
    assert list(hub.extra) == ["tools.x", "tools.web_search"]


@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("named", "f")),
        ({"type": "custom", "name": "patch"}, ToolChoice("named", "patch")),
        ({"type": "local_shell"}, ToolChoice("named", "local_shell")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, 7]},
            ToolChoice("required", allowed=("f",)),
        ),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}, ToolChoice("auto")),
        (None, None),
        (7, None),
    ],
)
def test_every_form_of_tool_choice_is_read(choice: object, read_as: ToolChoice | None) -> None:
    tools = [function(), {"type": "custom", "name": "patch"}, {"type": "local_shell"}]
    hub = read(tools=tools, tool_choice=choice)
    assert (hub.tool_choice, hub.extra) == (read_as, {})


def test_a_choice_of_a_hosted_tool_is_dropped_and_named() -> None:
    hub = read(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    assert (hub.tool_choice, list(hub.extra)) == (None, ["tools.web_search", "tool_choice"])


def test_parameters_have_their_places() -> None:
    hub = read(
        max_output_tokens=100,
        temperature=0.5,
        top_p=1,
        parallel_tool_calls=False,
        user="u",
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}},
        service_tier="flex",
        top_logprobs=None,
        store=False,
        include=["reasoning.encrypted_content"],
        metadata={"a": "b"},
    )
    assert (hub.max_tokens, hub.temperature, hub.top_p, hub.parallel_tool_calls, hub.user) == (100, 0.5, 1, False, "u")
    assert (hub.effort, hub.thinking_budget) == ("high", None)
    assert hub.response_format == ResponseFormat("json_schema", {"a": 1}, "n", strict=True)
    assert hub.extra == {"verbosity": "low", "service_tier": "flex"}
    plain = read(max_output_tokens=0, text={"format": {"type": "text"}}, parallel_tool_calls="odd")
    assert (plain.max_tokens, plain.response_format, plain.parallel_tool_calls) == (None, None, None)
    assert read(text={"format": {"type": "json_object"}}).response_format == ResponseFormat("json_object")
    unnamed = read(text={"format": {"type": "json_schema", "schema": {}, "strict": None}})
    assert unnamed.response_format == ResponseFormat("json_schema", {}, "answer")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [7]}]}, "input[0].content[0]"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(given: Json, param: str) -> None:
    assert refusal(**given).param == param


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(Refused):
        CLIENT.read_request(b"[]")


# ---- reasoning ------------------------------------------------------------------------------------------------------
def test_reasoning_returns_as_it_was_told() -> None:
    thoughts = [
        ThinkingDelta("Let me.", "sig", index=0, format="anthropic-claude-v1", id="t1"),
        ThinkingDelta(redacted="xx", index=1, format="anthropic-claude-v1"),
        ThinkingDelta("Both.", "s2", "r2", 2, "f"),
        ThinkingDelta("Unsigned.", index=3),
    ]
    shown = CLIENT.renderer(sketch(), answer_id="gen-1", model="m", created_at=0)
    items = response(shown.whole([*thoughts, TextDelta("a"), Finished("stop")], CLOSING))["output"]
    assert read(message(), *items).messages[1].parts == (
        Thinking("Let me.", "sig", format="anthropic-claude-v1", id="t1"),
        Thinking(redacted="xx", format="anthropic-claude-v1"),
        Thinking("Both.", "s2", format="f"),
        Thinking(redacted="r2", format="f"),
        Thinking("Unsigned."),
        Text("a"),
    )


def test_what_openai_sealed_stays_openais() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "S"}]}
    made_by = "openai-responses-v1"
    assert read(message(), {**item, "encrypted_content": "gAAA"}).messages[1].parts == (
        Thinking("S", format=made_by, id="rs_1"),
        Thinking(redacted="gAAA", format=made_by, id="rs_1"),
    )
    silent = {"type": "reasoning", "encrypted_content": "gAAA"}
    assert read(message(), silent).messages[1].parts == (Thinking(redacted="gAAA", format=made_by),)


def test_reasoning_that_says_nothing_or_was_changed_costs_nothing() -> None:
    content = [{"type": "reasoning_text", "text": "Full."}, {"type": "other"}]
    item = {"type": "reasoning", "summary": [], "content": content, "encrypted_content": "gi1.%%%"}
    assert read(message(), item).messages[1].parts == (Thinking("Full."),)
    assert read(message(), {"type": "reasoning", "summary": []}).messages == (Message("user", (Text("hi"),)),)


# ---- onward ---------------------------------------------------------------------------------------------------------
def test_chat_completions_gets_what_it_knows_by_the_same_name_and_the_rest_is_named() -> None:
    target = Target("openai", "openai_chat", "gpt-5", ANY, owns_dialect=True)
    hub = read(text={"verbosity": "low"}, prompt_cache_key="k", tools=[function(), {"type": "web_search"}])
    written = openai_chat.PROVIDER.write_request(hub, target)
    sent = json.loads(written.body)
    assert (sent["verbosity"], sent["prompt_cache_key"]) == ("low", "k")
    assert written.dropped_params == ("tools.web_search",)


CALLED = ToolCallDelta(0, "call_a", "patch", '{"input":"*** Begin"}')
QUESTION = body(message(), tools=[{"type": "custom", "name": "patch"}])


def test_a_custom_call_returns_to_the_model_as_the_function_it_called() -> None:
    shown = CLIENT.renderer(CLIENT.sketch(QUESTION), answer_id="gen-1", model="m", created_at=0)
    items = response(shown.whole([CALLED, Finished("tool_calls")], CLOSING))["output"]
    assert read(message(), *items).messages[1].parts == (ToolCall("call_a", "patch", '{"input":"*** Begin"}'),)


def test_a_tool_that_only_an_item_declares_is_called_and_returns_with_its_namespace() -> None:
    space = {"type": "namespace", "name": "functions", "description": "", "tools": [{"type": "custom", "name": "exec"}]}
    declared = {"type": "additional_tools", "role": "developer", "tools": [space]}
    seen = sketch(declared, message())
    shown = CLIENT.renderer(seen, answer_id="gen-1", model="m", created_at=0)
    called = ToolCallDelta(0, "call_a", seen.tool_names[0], '{"input":"text(1)"}')
    (item,) = response(shown.whole([called, Finished("tool_calls")], CLOSING))["output"]
    assert (item["type"], item["namespace"], item["name"], item["input"]) == (
        "custom_tool_call",
        "functions",
        "exec",
        "text(1)",
    )
    assert read(declared, message(), item).messages[-1].parts == (
        ToolCall("call_a", "functions__exec", '{"input":"text(1)"}'),
    )


STEP = st.lists(
    st.sampled_from(
        [
            [message("assistant", "Now."), call("a"), output("a")],
            [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, call("b"), output("b")],
            [call("c"), call("d"), output("c"), output("d"), message(content="more")],
            [message("assistant", "Done."), message(content="next")],
        ]
    ),
    max_size=6,
)


@given(STEP)
def test_what_was_read_never_changes_while_the_history_grows(steps: list[list[Json]]) -> None:
    items = [message("developer", "D"), message()]
    before: tuple[Message, ...] = ()
    for step in steps:
        now = read(*items).messages
        assert now[: len(before)] == before
        before = now
        items += step
    assert read(*items).messages[: len(before)] == before
