from __future__ import annotations

import base64
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
from gammainfra.domain.target import Target, Written
from gammainfra.wire.bedrock import PROVIDER
from gammainfra.wire.repair import NOTHING_SAID

ABLE = Capabilities(200_000, 64_000, frozenset({"tools", "json_schema"}), thinking="adaptive")
BUDGET = Capabilities(200_000, 64_000, thinking="budget")
SIGNED = Thinking("hm", signature="s", format="anthropic-claude-v1")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n0000").decode()
HI = Message("user", (Text("hi"),))
NOTE = {"text": NOTHING_SAID}
TOOL = ToolSpec("f", "d", {"type": "object"})


def target(**changes: Any) -> Target:
    usual: dict[str, Any] = {
        "provider": "bedrock", "dialect": "bedrock", "model": "us.anthropic.claude-v1:0", "capabilities": ABLE,
        "id_rule": "anthropic",
    }  # fmt: skip
    return Target(**{**usual, **changes})


def written(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> Written:
    asked = ChatRequest(**{"dialect": "openai_chat", "model": "m", "messages": messages or (HI,), **fields})
    return PROVIDER.write_request(asked, target(**(to or {})))


def body(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(written(*messages, to=to, **fields).body)
    return decoded


def user(*parts: Part) -> Message:
    return Message("user", parts)


def said(*parts: Part) -> Message:
    return Message("assistant", parts)


def asked(*parts: Part, **to: Any) -> Any:
    return body(user(*parts), to=to)["messages"][0]["content"]


def answered(*parts: Part, **to: Any) -> Any:
    return body(HI, said(*parts), HI, to=to)["messages"][1]["content"]


def test_a_plain_request_says_its_limit_and_its_address() -> None:
    made = written(max_tokens=9, to={"stream": True})
    assert made.path == "/us.anthropic.claude-v1:0/converse-stream"
    assert json.loads(made.body) == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "inferenceConfig": {"maxTokens": 9},
    }
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/x"
    assert written(to={"model": arn}).path == "/arn:aws:bedrock:us-east-1:1:inference-profile%2Fx/converse"
    assert PROVIDER.copy_request(b"", None, target()) is None  # type: ignore[arg-type]


def test_a_tool_turn_with_its_thought_and_results() -> None:
    turns = body(
        HI,
        said(SIGNED, Text("a"), ToolCall("call_1", "my f", '{"x":1}'), ToolCall("functions.f:0", "f", "")),
        user(ToolResult("call_1", (Text("r"),), is_error=True), ToolResult("functions.f:0"), Text("go")),
        tools=(TOOL, ToolSpec("my f"), ToolSpec("f")),
    )["messages"]
    thought, text, call, other = turns[1]["content"]
    assert thought == {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    assert text == {"text": "a"}
    assert call["toolUse"]["toolUseId"] == "call_1"
    assert call["toolUse"]["name"].startswith("my_f_")
    assert call["toolUse"]["input"] == {"x": 1}
    assert other["toolUse"]["toolUseId"].startswith("call_")
    first, second, last = turns[2]["content"]
    assert first == {"toolResult": {"toolUseId": "call_1", "content": [{"text": "r"}], "status": "error"}}
    assert second["toolResult"]["content"] == [{"text": "(empty)"}]
    assert last == {"text": "go"}


def test_what_changed_its_name_is_told() -> None:
    made = written(HI, said(ToolCall("a:0", "f", "{}")), user(ToolResult("a:0")), tools=(ToolSpec("my f"),))
    assert made.call_ids[0][0] == "a:0"
    assert made.tool_names[0][0] == "my f"


@pytest.mark.parametrize(
    ("thought", "to"),
    [
        (Thinking("hm"), {}),
        (Thinking("hm", format="anthropic-claude-v1"), {}),
        (SIGNED, {"drop_thinking": True}),
        (SIGNED, {"model": "amazon.nova-pro-v1:0"}),
        (Thinking("hm", "s", format="anthropic-claude-v1", origin=Origin("a", "m", "x")), {"origin_account": "y"}),
    ],
)
def test_thoughts_that_the_model_cannot_read_are_lost_and_counted(thought: Thinking, to: dict[str, Any]) -> None:
    made = written(HI, said(thought, Text("a")), HI, to=to)
    assert made.dropped_context == ("thinking=1",)
    assert b"reasoningContent" not in made.body


def test_own_and_redacted_thoughts_return() -> None:
    own = Thinking("hm", origin=Origin("bedrock", "nova"))
    assert answered(own, Text("a"), model="nova")[0] == {"reasoningContent": {"reasoningText": {"text": "hm"}}}
    sealed = answered(Thinking(redacted="EqQB", format="anthropic-claude-v1"), Text("a"))[0]
    assert base64.b64decode(sealed["reasoningContent"]["redactedContent"]) == b"EqQB"


def test_thoughts_stand_before_calls_and_never_last() -> None:
    call = ToolCall("c", "f", "{}")
    turn = body(HI, said(call, SIGNED), user(ToolResult("c")))["messages"][1]["content"]
    assert [next(iter(block)) for block in turn] == ["reasoningContent", "toolUse"]
    made = written(HI, said(Text("a"), SIGNED), HI)
    assert made.dropped_context == ("thinking=1",)
    only = body(HI, said(SIGNED), HI)["messages"]
    assert [turn["role"] for turn in only] == ["user"]


def test_system_texts_open_the_conversation_or_become_reminders() -> None:
    note = Message("system", (Text("S"), Image(url="x")))
    made = written(note, HI, said(Text("a")), note)
    sent = json.loads(made.body)
    assert sent["system"] == [{"text": "S"}]
    assert sent["messages"][-1]["content"] == [{"text": "<system-reminder>\nS\n</system-reminder>"}]
    assert made.dropped_params == ("system",)


def test_a_conversation_begins_and_ends_with_the_user() -> None:
    assert body(said(Text("a")))["messages"] == [
        {"role": "user", "content": [NOTE]},
        {"role": "assistant", "content": [{"text": "a"}]},
        {"role": "user", "content": [NOTE]},
    ]
    assert asked(Image(url="x")) == [NOTE]


def test_pictures_and_documents_go_by_their_bytes() -> None:
    parts = (
        Image("image/jpg", PNG),
        Image("image/jpg", "aGk="),
        Image("image/png", "a"),
        Document(data="QQ==", name="my/report.v1.pdf"),
        Document("text/plain", "QQ=="),
    )
    sent = asked(*parts)
    assert [block.get("image", {}).get("format") for block in sent[:3]] == ["png", "jpeg", "png"]
    assert sent[3] == {"document": {"format": "pdf", "name": "my report v1 1", "source": {"bytes": "QQ=="}}}
    assert sent[4]["document"]["name"] == "document 2"
    assert sent[5] == NOTE
    assert len(asked(Text("see"), parts[3])) == 2


def test_what_has_no_place_is_named() -> None:
    parts = (
        Image("image/bmp", "aGk="), Document(url="x"), Document("video/mp4", "QQ=="),
        OpaquePart("anthropic", {"type": "search_result"}), OpaquePart("odd", 1), Text("x"),
    )  # fmt: skip
    assert written(user(*parts)).dropped_params == ("image_url", "file", "search_result", "odd")


@pytest.mark.parametrize(
    ("choice", "sent", "dropped"),
    [
        (None, None, ()),
        (ToolChoice("auto"), None, ()),
        (ToolChoice("required"), {"any": {}}, ()),
        (ToolChoice("named", "f"), {"tool": {"name": "f"}}, ()),
        (ToolChoice("none"), None, ("tool_choice",)),
    ],
)
def test_the_choice_among_tools(choice: ToolChoice | None, sent: object, dropped: tuple[str, ...]) -> None:
    made = written(tools=(TOOL,), tool_choice=choice)
    config = json.loads(made.body)["toolConfig"]
    spec = {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}
    assert config.pop("tools") == [{"toolSpec": spec}]
    assert config.get("toolChoice") == sent
    assert made.dropped_params == dropped


def test_tools_that_are_allowed_strict_or_only_history() -> None:
    two = (TOOL, ToolSpec("g", strict=True))
    config = body(tools=two, tool_choice=ToolChoice("auto", allowed=("g",)))["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["g"]
    assert len(body(tools=two, tool_choice=ToolChoice("auto", allowed=("z",)))["toolConfig"]["tools"]) == 2
    made = written(tools=two, parallel_tool_calls=False)
    assert made.dropped_params == ("strict", "parallel_tool_calls")
    stubs = body(HI, said(ToolCall("c", "f", "{}")), user(ToolResult("c")))["toolConfig"]["tools"]
    assert stubs[0]["toolSpec"] == {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}
    unforced = Capabilities(1, 1, forced_tool_choice=False)
    assert (
        "toolChoice"
        not in body(tools=two, tool_choice=ToolChoice("required"), to={"capabilities": unforced})["toolConfig"]
    )


@pytest.mark.parametrize(
    ("fields", "to", "sent", "dropped"),
    [
        ({"temperature": 1.7}, {}, {"temperature": 1.0}, ()),
        ({"temperature": 0.5, "top_p": 0.5}, {}, {"temperature": 0.5}, ("top_p",)),
        ({"top_p": 1.5}, {}, {"topP": 1.0}, ()),
        ({"temperature": 0.5}, {"drop": frozenset({"temperature"})}, {}, ("temperature",)),
        ({"top_p": 0.5}, {"drop": frozenset({"top_p"})}, {}, ("top_p",)),
        ({"stop": ("x", " ")}, {}, {"stopSequences": ["x"]}, ("stop",)),
        ({"stop": ("x",)}, {"drop": frozenset({"stop"})}, {}, ("stop",)),
        ({"temperature": 0.5, "top_p": 0.9, "effort": "low"}, {}, {}, ("temperature", "top_p")),
        (
            {"n": 2, "seed": 1, "user": "u", "extra": {"logprobs": True, "x": 0}},
            {},
            {},
            ("n", "seed", "user", "logprobs"),
        ),
    ],
)
def test_limits_and_sampling(fields: Any, to: Any, sent: dict[str, Any], dropped: tuple[str, ...]) -> None:
    made = written(max_tokens=100, to=to, **fields)
    assert json.loads(made.body)["inferenceConfig"] == {"maxTokens": 100, **sent}
    assert made.dropped_params == dropped


def test_the_limit_is_always_said_and_never_above_the_models() -> None:
    assert body()["inferenceConfig"] == {"maxTokens": 32_000}
    assert body(to={"clamp_max_tokens": 50})["inferenceConfig"] == {"maxTokens": 50}
    assert body(stop=("x",))["additionalModelResponseFieldPaths"] == ["/stop_sequence"]


@pytest.mark.parametrize(
    ("fields", "to", "sent"),
    [
        ({"effort": "minimal"}, {}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ({"thinking_budget": 2000}, {}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ({"thinking_budget": 9000}, {}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ({"effort": "none"}, {}, {"thinking": {"type": "disabled"}}),
        ({"effort": "none"}, {"capabilities": BUDGET}, None),
        ({"effort": "none"}, {"capabilities": Capabilities(1, 1)}, None),
        ({"effort": "low"}, {"capabilities": Capabilities(1, 1)}, None),
        ({"effort": "low"}, {"model": "amazon.nova-pro-v1:0"}, None),
        (
            {"effort": "low", "tools": (TOOL,), "tool_choice": ToolChoice("required")},
            {},
            {"output_config": {"effort": "low"}},
        ),
        ({"effort": "low"}, {"capabilities": BUDGET}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ({"effort": "max"}, {"capabilities": BUDGET}, {"thinking": {"type": "enabled", "budget_tokens": 16_384}}),
        ({"thinking_budget": 99, "max_tokens": 1024}, {"capabilities": BUDGET}, None),
        (
            {"thinking_budget": 9000, "max_tokens": 4000},
            {"capabilities": BUDGET},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        ({"top_k": 3}, {}, {"top_k": 3}),
        ({"top_k": 3}, {"model": "amazon.nova-pro-v1:0"}, None),
    ],
)
def test_how_a_claude_is_asked_to_think(fields: Any, to: Any, sent: object) -> None:
    assert body(to=to, **fields).get("additionalModelRequestFields") == sent


def test_manual_thinking_is_off_after_a_call_without_its_thought() -> None:
    made = written(
        HI, said(ToolCall("c", "f", "{}")), user(ToolResult("c")), effort="low", to={"capabilities": BUDGET}
    )  # fmt: skip
    assert made.dropped_params == ("reasoning_effort",)


def test_the_form_of_the_answer() -> None:
    form = body(response_format=ResponseFormat("json_schema", {"type": "object"}, "n"))["outputConfig"]["textFormat"]
    assert form == {
        "type": "json_schema",
        "structure": {"jsonSchema": {"name": "n", "schema": '{"type":"object"}'}},
    }
    assert written(response_format=ResponseFormat("json_object")).dropped_params == ("response_format",)


def points(content: list[dict[str, Any]]) -> list[int]:
    return [index for index, block in enumerate(content) if "cachePoint" in block]


def test_the_clients_marks_become_cache_points() -> None:
    sent = body(
        Message("system", (Text("S", "1h"),)),
        user(ToolResult("x"), Text("a", "5m"), Text("b")),
        tools=(ToolSpec("f", cache="1h"),),
    )
    assert sent["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert sent["system"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert sent["messages"][0]["content"] == [{"text": "a"}, {"cachePoint": {"type": "default"}}, {"text": "b"}]
    inner = user(ToolResult("c", (Text("r", "5m"),)))
    turns = body(HI, said(ToolCall("c", "f", "{}")), inner)["messages"]
    assert points(turns[2]["content"]) == [1]


def test_marks_of_our_own_stand_where_the_client_set_none() -> None:
    auto = {"automatic_cache_marks": True}
    sent = body(Message("system", (Text("S"),)), HI, said(Text("a")), HI, to=auto)
    assert points(sent["system"]) == [1]
    assert [points(turn["content"]) for turn in sent["messages"]] == [[1], [], [1]]
    assert points(body(tools=(TOOL,), to=auto)["toolConfig"]["tools"]) == [1]
    assert points(body(to=auto)["messages"][0]["content"]) == [1]


@pytest.mark.parametrize("to", [{"model": "meta.llama"}, {"drop": frozenset({"cache_control"})}])
def test_a_model_that_cannot_be_told_where_to_cache_is_not(to: dict[str, Any]) -> None:
    made = written(user(Text("a", "5m")), to={**to, "automatic_cache_marks": True})
    assert b"cachePoint" not in made.body
