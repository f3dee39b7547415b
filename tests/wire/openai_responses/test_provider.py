from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    OpaquePart,
    Origin,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.failure import Cause, Fix
from gammainfra.domain.target import Target, Written
from gammainfra.wire.openai_responses import CLIENT, PROVIDER

ABLE = Capabilities(200_000, 64_000, frozenset({"tools", "json_schema", "json_object"}), thinking="effort")
SEALED = Thinking(redacted="gAAAA", format="openai-responses-v1", id="rs_1")
TOOL = ToolSpec("f", "d", {"type": "object"})


def target(**changes: Any) -> Target:
    usual: dict[str, Any] = {
        "provider": "openai", "dialect": "openai_responses", "model": "gpt-5-pro", "capabilities": ABLE,
        "owns_dialect": True,
    }  # fmt: skip
    return Target(**{**usual, **changes})


def written(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> Written:
    asked = ChatRequest(
        **{"dialect": "openai_chat", "model": "m", "messages": messages or (Message("user", (Text("hi"),)),), **fields}
    )
    return PROVIDER.write_request(asked, target(**(to or {})))


def body(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(written(*messages, to=to, **fields).body)
    return decoded


def user(*parts: Part) -> Message:
    return Message("user", parts)


def said(*parts: Part) -> Message:
    return Message("assistant", parts)


def test_a_request_is_stateless_and_asks_for_sealed_reasoning() -> None:
    assert body(to={"stream": True}) == {
        "model": "gpt-5-pro",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
        "stream": True,
    }


def test_a_tool_turn_becomes_items_in_its_own_order() -> None:
    items = body(
        Message("system", (Text("S"),)),
        user(Text("go")),
        said(SEALED, Text("a"), Text("b"), ToolCall("call_1", "f", "{}"), ToolCall("call_2", "my f", "")),
        user(
            ToolResult("call_1", (Text("x"), Text("y"))),
            ToolResult("call_2", (Image("image/jpg", "QQ=="),)),
            Text("and"),
        ),
        said(Text("c"), SEALED),
        user(Text("on")),
    )["input"]
    assert [item["type"] for item in items] == [
        "message", "message", "reasoning", "message", "function_call", "function_call", "function_call_output",
        "function_call_output", "message", "message", "message",
    ]  # fmt: skip
    assert items[0]["role"] == "developer"
    assert items[2] == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
    assert [part["text"] for part in items[3]["content"]] == ["a", "b"]
    assert items[4] == {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    assert items[5]["name"].startswith("my_f_")
    assert items[6]["output"] == "x\ny"
    assert items[7]["output"] == [{"type": "input_image", "image_url": "data:image/jpeg;base64,QQ==", "detail": "auto"}]
    assert items[9]["content"] == [{"type": "output_text", "text": "c"}]


@pytest.mark.parametrize(
    ("thought", "to"),
    [
        (Thinking("hm"), {}),
        (Thinking("hm", signature="s", format="anthropic-claude-v1"), {}),
        (SEALED, {"drop_thinking": True}),
        (SEALED, {"owns_dialect": False}),
        (Thinking(redacted="g", format="openai-responses-v1", origin=Origin("azure", "m")), {}),
        (
            Thinking(redacted="g", format="openai-responses-v1", origin=Origin("openai", "m", "a")),
            {"origin_account": "b"},
        ),
    ],
)
def test_thoughts_that_the_target_cannot_open_are_lost_and_counted(thought: Thinking, to: dict[str, Any]) -> None:
    made = written(user(Text("go")), said(thought, Text("a")), user(Text("on")), to=to)
    assert made.dropped_context == ("thinking=1",)
    assert b"reasoning.encrypted" in made.body
    assert b'"type":"reasoning"' not in made.body


def test_sealed_thoughts_of_the_account_go_back_and_their_summaries_do_not() -> None:
    origin = Origin("openai", "m", "a")
    thoughts = (
        Thinking("sum", format="openai-responses-v1", id="rs_1"),
        Thinking(redacted="g", format="openai-responses-v1", origin=origin),
    )
    made = written(user(Text("go")), said(*thoughts, Text("a")), user(Text("on")), to={"origin_account": "a"})
    assert made.dropped_context == ()
    items = json.loads(made.body)["input"]
    assert items[1] == {"type": "reasoning", "summary": [], "encrypted_content": "g"}


def test_documents_by_bytes_id_and_address_and_what_is_unknown_is_named() -> None:
    parts = (
        Document(data="QQ=="),
        Document(file_id="file-1"),
        Document(url="https://x/y"),
        Image(url="https://x/z", detail="low"),
        OpaquePart("openai_responses", {"type": "input_video"}),
        Document(),
        Image(),
        OpaquePart("anthropic", {"type": "odd"}),
        OpaquePart("anthropic", "odd"),
    )
    made = written(user(Text("see"), *parts), said(Text("a"), OpaquePart("x", {})), user(Text("b")))
    content = json.loads(made.body)["input"][0]["content"]
    assert content[1:] == [
        {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_file", "file_url": "https://x/y"},
        {"type": "input_image", "image_url": "https://x/z", "detail": "low"},
        {"type": "input_video"},
    ]
    assert made.dropped_params == (
        "messages.document", "messages.image", "messages.odd", "messages.opaquepart", "messages.x",
    )  # fmt: skip


def test_an_empty_result_says_so() -> None:
    items = body(user(Text("go")), said(ToolCall("c", "f", "{}")), user(ToolResult("c")))["input"]
    assert items[-1]["output"] == "(empty)"


def test_limits_effort_and_what_has_no_word_here() -> None:
    made = written(
        max_tokens=5, temperature=0.5, top_p=0.9, effort="high", stop=("x",), seed=1, top_k=2, n=2, user="u" * 65,
        extra={"verbosity": "low", "prompt_cache_key": "k", "logit_bias": {}},
        to={"drop": frozenset({"temperature"}), "clamp_max_tokens": 100},
    )  # fmt: skip
    sent = json.loads(made.body)
    assert (sent["max_output_tokens"], sent["top_p"], sent["prompt_cache_key"]) == (16, 0.9, "k")
    assert sent["reasoning"] == {"summary": "auto", "effort": "high"}
    assert sent["text"] == {"verbosity": "low"}
    assert len(sent["user"]) == 64
    assert made.dropped_params == ("temperature", "stop", "seed", "top_k", "n", "logit_bias")


def test_reasoning_is_asked_for_as_the_model_takes_it() -> None:
    assert "reasoning" not in body(effort="low", to={"capabilities": Capabilities(1, 1)})
    assert body(effort="low", to={"drop": frozenset({"reasoning_effort"})})["reasoning"] == {"summary": "auto"}
    assert "reasoning" not in body(effort="low", to={"drop": frozenset({"reasoning"})})
    for budget, effort in ((2000, "low"), (8000, "medium"), (20_000, "high")):
        assert body(thinking_budget=budget)["reasoning"]["effort"] == effort
    assert "max_output_tokens" not in body(max_tokens=50, to={"drop": frozenset({"max_tokens"})})


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("required"), "required"),
        (ToolChoice("named", "f"), {"type": "function", "name": "f"}),
        (
            ToolChoice("auto", allowed=("f",)),
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        ),
    ],
)
def test_tools_and_the_choice_among_them(choice: ToolChoice, sent: object) -> None:
    asked = body(tools=(TOOL, ToolSpec("g", strict=True)), tool_choice=choice, parallel_tool_calls=False)
    assert asked["tool_choice"] == sent
    assert asked["parallel_tool_calls"] is False
    assert asked["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False},
        {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": True},
    ]


def test_a_model_that_cannot_be_forced_chooses_itself() -> None:
    unforced = Capabilities(1, 1, forced_tool_choice=False)
    made = written(tools=(TOOL,), tool_choice=ToolChoice("required"), to={"capabilities": unforced})
    assert b"tool_choice" not in made.body
    assert made.dropped_params == ("tool_choice",)
    assert b"tool_choice" not in written(tool_choice=ToolChoice("required")).body


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (ResponseFormat("json_object"), {"type": "json_object"}),
        (
            ResponseFormat("json_schema", {"type": "object"}, "n", strict=True),
            {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
        ),
        (ResponseFormat("json_schema", {}), {"type": "json_schema", "name": "answer", "schema": {}}),
        (ResponseFormat("json_schema"), {"type": "json_object"}),
    ],
)
def test_the_form_of_the_answer(wanted: ResponseFormat, sent: object) -> None:
    assert body(response_format=wanted)["text"] == {"format": sent}


def test_a_form_that_the_model_does_not_keep_is_named() -> None:
    made = written(response_format=ResponseFormat("json_object"), to={"capabilities": Capabilities(1, 1)})
    assert made.dropped_params == ("response_format",)


def test_names_and_ids_that_changed_are_told() -> None:
    made = written(
        user(Text("go")), said(ToolCall("functions.f:0", "f", "{}")), user(ToolResult("functions.f:0")),
        tools=(ToolSpec("my f"),),
    )  # fmt: skip
    assert made.call_ids[0][0] == "functions.f:0"
    assert made.tool_names[0][0] == "my f"


# ---- the short way ---------------------------------------------------------------------------------------------------
ITEMS: list[Any] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
    {"type": "custom_tool_call", "call_id": "call_1", "name": "apply_patch", "input": "*** Begin"},
    {"type": "custom_tool_call_output", "call_id": "call_1", "output": "ok"},
]


def copied(items: object = ITEMS, to: dict[str, Any] | None = None, **fields: Any) -> Written | None:
    raw = json.dumps({"model": "openai/m", "input": items, **fields}).encode()
    return PROVIDER.copy_request(raw, CLIENT.sketch(raw), target(**(to or {})))


def test_codex_travels_as_it_came() -> None:
    asked = {
        "tools": [{"type": "custom", "name": "apply_patch", "format": {"type": "text"}}],
        "instructions": "be brief", "reasoning": {"effort": "low"}, "max_output_tokens": 5, "prompt_cache_key": "k",
    }  # fmt: skip
    made = copied(store=True, stream=True, metadata={}, service_tier="auto", models=["x"], to={"stream": True}, **asked)
    assert made is not None
    assert json.loads(made.body) == {
        "model": "gpt-5-pro", "input": ITEMS, **asked, "max_output_tokens": 16, "store": False, "stream": True,
        "include": ["reasoning.encrypted_content"],
    }  # fmt: skip
    assert made.dropped_params == ("service_tier",)


def test_what_the_client_wants_included_stays_included() -> None:
    seal = "reasoning.encrypted_content"
    for asked, sent in (([seal], [seal]), (["x"], ["x", seal]), ("odd", [seal])):
        made = copied(include=asked)
        assert made is not None
        assert json.loads(made.body)["include"] == sent


def test_refused_plain_parameters_are_left_out_and_named() -> None:
    made = copied(temperature=1, max_output_tokens="9", to={"drop": frozenset({"temperature"})})
    assert made is not None
    assert made.dropped_params == ("temperature",)
    assert "max_output_tokens" in json.loads(made.body)


@pytest.mark.parametrize(
    ("items", "fields", "to"),
    [
        (ITEMS, {}, {"owns_dialect": False}),
        (ITEMS, {}, {"dialect": "openai_chat"}),
        (ITEMS, {}, {"drop_thinking": True}),
        (ITEMS, {}, {"drop": frozenset({"reasoning_effort"})}),
        (ITEMS[:3], {}, {}),
        ([*ITEMS, *ITEMS[2:]], {}, {}),
        ([{**ITEMS[2], "call_id": "a:b"}, {**ITEMS[3], "call_id": "a:b"}], {}, {}),
        ([{"type": "reasoning", "summary": [], "encrypted_content": "gi1.e30="}, *ITEMS], {}, {}),
        (ITEMS, {"reasoning": {}}, {"capabilities": Capabilities(1, 1)}),
        (ITEMS, {"text": {"format": {"type": "json_schema"}}}, {"capabilities": Capabilities(1, 1)}),
        (ITEMS, {"tool_choice": "required"}, {"capabilities": Capabilities(1, 1, forced_tool_choice=False)}),
    ],
)
def test_what_needs_the_hub(items: Any, fields: dict[str, Any], to: dict[str, Any]) -> None:
    assert copied(items, to=to, **fields) is None


def test_a_seal_that_openai_does_not_open_is_left_out_and_asked_again() -> None:
    said = "The encrypted content for item rs_1 could not be verified."
    failure = PROVIDER.read_error(400, {}, json.dumps({"error": {"message": said}}).encode())
    assert (failure.cause, failure.fix) == (Cause.INVALID_SIGNATURE, Fix.DROP_THINKING)
