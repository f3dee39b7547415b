from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gammainfra.domain.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    OpaquePart,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.target import Target, Written
from gammainfra.wire.arguments import object_text
from gammainfra.wire.openai_chat import PROVIDER
from gammainfra.wire.openai_chat.write_messages import UNKNOWN_REASONING
from gammainfra.wire.repair import NOT_EXECUTED
from tests.wire.conversations import PNG, assistant, call, result, system, user
from tests.wire.openai_chat.shapes import EVERYTHING, Json, sent, target

OPENAI = target(owns_dialect=True)
HOST = target()
DEEPSEEK = target(reasoning_required=True)


def write(to: Target, *messages: Message, **more: object) -> Written:
    request = ChatRequest("anthropic", "asked", messages or (user("hi"),))
    return PROVIDER.write_request(replace(request, **more), to)  # type: ignore[arg-type]


def messages(to: Target, *conversation: Message) -> list[Json]:
    made: list[Json] = sent(write(to, *conversation))["messages"]
    return made


def test_a_conversation_is_written_in_openais_order() -> None:
    written = messages(
        OPENAI,
        system("s"),
        Message("user", (Text("a"), Text("b")), "bob"),
        Message("assistant", (Thinking("t", "s"), Text("x"), Text("y"), call("1"), call("2", "")), "not a name"),
        user(result("2"), result("1"), "env"),
        assistant("done"),
        user("thanks"),
    )
    function = {"name": "f", "arguments": "{}"}
    assert written == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "bob"},
        {
            "role": "assistant",
            "content": "x\ny",
            "tool_calls": [
                {"id": "1", "type": "function", "function": function},
                {"id": "2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "2", "content": "r"},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
        {"role": "user", "content": "env"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "thanks"},
    ]


def test_pairing_is_repaired() -> None:
    written = messages(OPENAI, user("u"), assistant(call("1")), user("go"), user(result("9")))
    assert [message["role"] for message in written] == ["user", "assistant", "tool", "user"]
    assert written[2] == {"role": "tool", "tool_call_id": "1", "content": NOT_EXECUTED}


def test_pictures_of_results_follow_in_a_user_message() -> None:
    picture = ToolResult("1", (Text("r"), Image("image/jpg", PNG)))
    written = messages(OPENAI, user("u"), assistant(call("1"), call("2")), user(picture, ToolResult("2"), "env"))
    assert [message["role"] for message in written] == ["user", "assistant", "tool", "tool", "user"]
    assert [written[2]["content"], written[3]["content"]] == ["r", "(empty)"]
    assert [part["type"] for part in written[4]["content"]] == ["text", "image_url", "text"]
    assert written[4]["content"][1]["image_url"]["url"] == f"data:image/jpeg;base64,{PNG}"


def test_a_host_that_refuses_users_after_tools_gets_their_text_in_the_result() -> None:
    to = target(user_after_tool=False)
    written = messages(to, user("u"), assistant(call("1")), user(result("1"), "env"))
    assert written[-1] == {"role": "tool", "tool_call_id": "1", "content": "r\n\nenv"}
    assert messages(to, user("u"), assistant(call("1")), user(result("1")))[-1]["content"] == "r"
    seen = messages(to, user("u"), assistant(call("1")), user(result("1"), Image("image/png", PNG)))
    assert [one["role"] for one in seen[-3:]] == ["tool", "assistant", "user"]
    told = messages(to, user("u"), assistant(call("1")), user(result("1")), Message("system", (Text("now"),)))
    assert told[-1]["content"] == "r\n\nnow"


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(url="https://a/b.png", detail="low"), {"url": "https://a/b.png", "detail": "low"}),
        (Image(data="AA=="), {"url": "data:image/png;base64,AA=="}),
    ],
)
def test_pictures_are_urls(part: Part, block: Json) -> None:
    assert messages(OPENAI, user(part))[0]["content"] == [{"type": "image_url", "image_url": block}]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Document(data="JVBE"),
            {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (Document(file_id="file-1"), {"type": "file", "file": {"file_id": "file-1"}}),
        (OpaquePart("openai_chat", {"type": "input_audio"}), {"type": "input_audio"}),
    ],
)
def test_files_and_own_blocks_are_parts(part: Part, block: Json) -> None:
    assert messages(OPENAI, user(part))[0]["content"] == [block]


def test_a_document_elsewhere_is_told_in_words() -> None:
    assert messages(OPENAI, user(Document(url="https://a/b.pdf")))[0]["content"] == "Document: https://a/b.pdf"


def test_content_without_a_place_is_left_out_by_name() -> None:
    made = write(
        OPENAI,
        user("u", Image(), Document(), OpaquePart("anthropic", {"type": "search_result"}), OpaquePart("x", "y")),
        assistant("a", OpaquePart("anthropic", {"type": "server_tool_use"}), Image(data="AA")),
        user("v", OpaquePart("openai_chat", {"type": "refusal"})),
    )
    assert sent(made)["messages"][0] == {"role": "user", "content": "u"}
    assert made.dropped_params == (
        "messages.image",
        "messages.document",
        "messages.search_result",
        "messages.opaquepart",
        "messages.server_tool_use",
        "messages.refusal",
    )


def test_a_message_of_which_nothing_is_left_is_no_message() -> None:
    made = write(OPENAI, user("u"), assistant(Thinking("t", "s")), user("v"), system(Image()))
    assert [one["content"] for one in sent(made)["messages"]] == ["u", "v"]
    assert made.dropped_context == ("thinking=1",)


def test_a_refusal_stays_a_refusal() -> None:
    refusal = OpaquePart("openai_chat", {"type": "refusal", "refusal": "no"})
    assert messages(OPENAI, user("u"), assistant(refusal), user("v"))[1] == {
        "role": "assistant",
        "content": None,
        "refusal": "no",
    }


def test_a_speaker_keeps_a_name_that_is_one() -> None:
    written = messages(OPENAI, user("u"), Message("assistant", (Text("a"),), "bot"), user("v"))
    assert written[1]["name"] == "bot"


HISTORY = (
    user("u"),
    assistant(Thinking("own"), "a", call("1")),
    user(result("1")),
    assistant(Thinking("signed", "s"), call("2")),
    user(result("2")),
    assistant(call("3")),
    user(result("3")),
    assistant("b"),
    user("v"),
)


def test_deepseek_gets_reasoning_on_every_turn_with_calls() -> None:
    made = write(DEEPSEEK, *HISTORY)
    said = [one for one in sent(made)["messages"] if one["role"] == "assistant"]
    assert [one.get("reasoning_content") for one in said] == ["own", UNKNOWN_REASONING, UNKNOWN_REASONING, None]
    assert made.dropped_context == ("thinking=1",)


def test_dropped_thinking_leaves_the_placeholder_that_is_required() -> None:
    said = [
        one for one in messages(target(reasoning_required=True, drop_thinking=True), *HISTORY) if one["role"][0] == "a"
    ]
    assert [one.get("reasoning_content") for one in said] == [UNKNOWN_REASONING] * 3 + [None]


def test_reasoning_goes_where_the_host_takes_it_or_nowhere() -> None:
    plain = [one for one in messages(OPENAI, *HISTORY) if one["role"] == "assistant"]
    assert not any("reasoning" in name for one in plain for name in one)
    assert messages(target(reasoning_field="reasoning_content"), *HISTORY)[1]["reasoning_content"] == "own"
    details = messages(target(reasoning_field="reasoning_details"), *HISTORY)
    assert details[1]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "own", "format": "unknown", "index": 0}
    ]
    assert details[3]["reasoning_details"][0]["signature"] == "s"
    assert "reasoning_details" not in details[5]


def test_details_keep_their_kind() -> None:
    thoughts = (
        Thinking(redacted="d", id="rs_1", format="x"),
        Thinking("u", format="openai-responses-v1"),
        Thinking(signature="s"),
    )
    said = messages(target(reasoning_field="reasoning_details"), user("u"), assistant(*thoughts, "a"), user("v"))[1]
    assert said["reasoning_details"] == [
        {"type": "reasoning.encrypted", "data": "d", "id": "rs_1", "format": "x", "index": 0},
        {"type": "reasoning.summary", "summary": "u", "format": "openai-responses-v1", "index": 1},
        {"type": "reasoning.text", "signature": "s", "format": "unknown", "index": 2},
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "{}"),
        (" \n", "{}"),
        ('{ "b": 1 }', '{ "b": 1 }'),
        ("[1]", '{"_":[1]}'),
        ('"x"', '{"_":"x"}'),
        ('{"x": "ab', '{"__raw_arguments":"{\\"x\\": \\"ab"}'),
        ("[" * 100_000, '{"__raw_arguments":"' + "[" * 100_000 + '"}'),
    ],
)
def test_arguments_are_the_text_of_an_object(given: str, expected: str) -> None:
    assert object_text(given) == expected


def test_ids_are_rewritten_by_the_targets_rule_alike_for_call_and_result() -> None:
    conversation = (user("u"), assistant(call("toolu_1"), call("f:0")), user(result("toolu_1"), result("f:0")))
    made = write(target(id_rule="mistral"), *conversation)
    written = sent(made)["messages"]
    ids = [one["id"] for one in written[1]["tool_calls"]]
    assert ids == [one["tool_call_id"] for one in written[2:]]
    assert all(len(one) == 9 and one.isalnum() for one in ids)
    assert dict(made.call_ids) == {"toolu_1": ids[0], "f:0": ids[1]}
    assert [pair[0] for pair in write(OPENAI, *conversation).call_ids] == ["f:0"]


def test_odd_tool_names_are_sent_under_another_and_told() -> None:
    name = "mcp.server/" + "a" * 70
    tools = (ToolSpec(name), ToolSpec("g", "d", {"type": "object"}, strict=True))
    history = (user("u"), assistant(call("1", name=name)), user(result("1")))
    made = write(OPENAI, *history, tools=tools, tool_choice=ToolChoice("named", name))
    written = sent(made)
    sent_as = written["tools"][0]["function"]["name"]
    assert (made.tool_names, len(sent_as)) == (((name, sent_as),), 64)
    assert written["messages"][1]["tool_calls"][0]["function"]["name"] == sent_as
    assert written["tool_choice"] == {"type": "function", "function": {"name": sent_as}}
    assert written["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert written["tools"][1]["function"] == {
        "name": "g",
        "description": "d",
        "parameters": {"type": "object"},
        "strict": True,
    }


def test_strict_is_left_out_where_it_is_refused() -> None:
    tools = (ToolSpec("a", strict=True), ToolSpec("b", strict=True), ToolSpec("c", strict=False))
    made = write(target(drop=frozenset({"strict"})), tools=tools)
    assert not any("strict" in tool["function"] for tool in sent(made)["tools"])
    assert made.dropped_params == ("strict",)


ALLOWED = ToolChoice("required", allowed=("b",))
TOOLS = (ToolSpec("a"), ToolSpec("b"))


def test_allowed_tools_are_said_to_openai_and_done_for_others() -> None:
    own = sent(write(OPENAI, tools=TOOLS, tool_choice=ALLOWED))
    assert own["tool_choice"]["allowed_tools"] == {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "b"}}],
    }
    other = sent(write(HOST, tools=TOOLS, tool_choice=ALLOWED))
    assert (other["tool_choice"], [tool["function"]["name"] for tool in other["tools"]]) == ("required", ["b"])
    none = ToolChoice("auto", allowed=("z",))
    assert len(sent(write(HOST, tools=TOOLS, tool_choice=none))["tools"]) == 2


def test_a_model_that_cannot_be_forced_is_not() -> None:
    to = target(capabilities=replace(EVERYTHING, forced_tool_choice=False))
    made = write(to, tools=TOOLS, tool_choice=ToolChoice("required"))
    assert "tool_choice" not in sent(made)
    assert made.dropped_params == ("tool_choice",)
    assert sent(write(to, tools=TOOLS, tool_choice=ToolChoice("none")))["tool_choice"] == "none"


def test_a_choice_without_tools_is_not_sent() -> None:
    written = sent(write(OPENAI, tool_choice=ToolChoice("auto"), parallel_tool_calls=False))
    assert set(written) == {"model", "messages"}
    assert sent(write(OPENAI, tools=TOOLS, parallel_tool_calls=False))["parallel_tool_calls"] is False


def test_parameters_are_written_under_the_targets_names() -> None:
    to = target(owns_dialect=True, stream=True, renames={"max_tokens": "max_completion_tokens"})
    made = write(
        to,
        stream=True,
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        n=2,
        stop=("a", "b", "c", "d", "e"),
        seed=7,
        effort="high",
        user="u",
        extra={"container": "x"},
    )
    written = sent(made)
    del written["messages"]
    assert written == {
        "model": "up",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 2,
        "stop": ["a", "b", "c", "d"],
        "seed": 7,
        "reasoning_effort": "high",
        "user": "u",
    }
    assert made.dropped_params == ("stop", "container", "top_k")


def test_refused_parameters_are_left_out_by_name() -> None:
    capabilities = replace(EVERYTHING, refuses=frozenset({"temperature"}), thinking="none")
    to = target(capabilities=capabilities, drop=frozenset({"seed", "stream_options"}), stream=True)
    made = write(to, temperature=0.0, seed=1, effort="high")
    assert set(sent(made)) == {"model", "messages", "stream"}
    assert made.dropped_params == ("temperature", "seed", "reasoning_effort")
    assert write(to, effort="none").dropped_params == ()


def test_a_parameter_whose_other_name_is_refused_is_left_out() -> None:
    to = target(renames={"max_tokens": "limit"}, drop=frozenset({"limit"}))
    assert write(to, max_tokens=5).dropped_params == ("max_tokens",)


@pytest.mark.parametrize(
    ("asked", "clamp", "limit"), [(100, None, 100), (100, 50, 50), (None, 50, 50), (100, 200, 100), (None, None, None)]
)
def test_limits_are_clamped(asked: int | None, clamp: int | None, limit: int | None) -> None:
    assert sent(write(target(clamp_max_tokens=clamp), max_tokens=asked)).get("max_tokens") == limit


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (4096, "medium"), (32_000, "high")])
def test_a_budget_becomes_an_effort(budget: int, effort: str) -> None:
    assert sent(write(OPENAI, thinking_budget=budget))["reasoning_effort"] == effort


SCHEMA = ResponseFormat("json_schema", {"type": "object"}, "x", strict=True)


def test_a_schema_is_held_or_told() -> None:
    held = sent(write(OPENAI, response_format=SCHEMA))
    assert held["response_format"]["json_schema"] == {"name": "x", "schema": {"type": "object"}, "strict": True}
    loose = sent(write(OPENAI, response_format=replace(SCHEMA, strict=None)))
    assert "strict" not in loose["response_format"]["json_schema"]
    to = target(capabilities=replace(EVERYTHING, does=frozenset({"json_object"})))
    made = write(to, system("s"), user("u"), response_format=SCHEMA)
    told = sent(made)
    assert told["response_format"] == {"type": "json_object"}
    assert [one["role"] for one in told["messages"]] == ["system", "system", "user"]
    assert told["messages"][1]["content"].endswith('{"type":"object"}')
    assert made.dropped_params == ("response_format.json_schema",)


def test_a_format_nobody_can_hold_is_left_out() -> None:
    plain = target(capabilities=Capabilities(1000, 1000))
    made = write(plain, response_format=ResponseFormat("json_object"))
    assert "response_format" not in sent(made)
    assert made.dropped_params == ("response_format",)
    assert (
        sent(write(OPENAI, response_format=ResponseFormat("json_object")))["response_format"]["type"] == "json_object"
    )


def test_unknown_fields_of_the_same_dialect_travel_to_its_owner_only() -> None:
    extra = {"verbosity": "low", "store": False, "metadata": {"a": "b"}, "service_tier": "priority", "min_p": 1}
    own = write(OPENAI, dialect="openai_chat", extra=extra)
    assert {"verbosity", "store"} == sent(own).keys() - {"model", "messages"}
    assert own.dropped_params == ("service_tier", "min_p")
    other = write(HOST, dialect="openai_chat", extra=extra)
    assert other.dropped_params == ("verbosity", "store", "service_tier", "min_p")
    asked = target(accepts=frozenset({"min_p"}))
    assert sent(write(asked, dialect="openai_chat", extra=extra))["min_p"] == 1
    stored = write(OPENAI, dialect="openai_chat", extra={"store": True, "metadata": {"a": "b"}})
    assert sent(stored)["metadata"] == {"a": "b"}


def test_marks_are_written_for_hosts_that_want_them() -> None:
    marked = (system(Text("s", "1h")), user(Text("a", "5m"), "b"))
    written = messages(target(accepts=frozenset({"cache_control"})), *marked)
    assert written[0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert written[1]["content"] == [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b"},
    ]
    assert "cache_control" not in json.dumps(messages(OPENAI, *marked))
