from __future__ import annotations

from typing import Any

import pytest

from gammainfra.simulate import Fixed, ServerSpec, Turn, World
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_anthropic import check_anthropic
from gammainfra.simulate.validate_deepseek import check_deepseek
from gammainfra.simulate.validate_openai import check_openai
from tests.simulate.asking import chat_body, follow_anthropic, follow_chat, post, run

V1 = {"anthropic-version": "2023-06-01"}
USER = {"role": "user", "content": "Hello"}
PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
IMAGE: dict[str, Any] = {"type": "image", "source": PNG}


def use(call_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "write_file", "input": {}, **more}


def result(call_id: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "ok"}


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def turns(*contents: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]
    return {"messages": messages}


ANTHROPIC_ACCEPTS: list[dict[str, Any]] = [
    {},
    {"messages": follow_anthropic(["toolu_1", "call_2"])},
    turns("a", [use("x")], [result("x"), say("go on")]),
    turns("a", [say("b"), use("x"), use("y")], [result("y"), result("x")]),
    {"messages": [USER, USER, {"role": "assistant", "content": "x"}, USER]},
    {"messages": [*follow_anthropic(["a"]), {"role": "user", "content": "more"}]},
    turns([IMAGE, say("look")]),
    {"system": [say("Be brief.", cache_control={"type": "ephemeral"})], "temperature": 0},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"model": "claude-opus-5-5", "thinking": {"type": "adaptive"}, "temperature": 1},
    {"tool_choice": {"type": "tool", "name": "write_file"}},
    {"model": "claude-haiku-4-5", **turns("a", "The answer is")},
]

ANTHROPIC_REFUSES: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": 0}, "greater than or equal to 1"),
    ({"frequency_penalty": 0}, "Extra inputs are not permitted"),
    ({"messages": []}, "at least one message"),
    ({"messages": [{"role": "assistant", "content": "x"}, USER]}, "first message must use"),
    ({"messages": [{"role": "system", "content": "x"}, USER]}, "Input should be 'user' or 'assistant'"),
    ({"messages": [{**USER, "name": "bob"}]}, "messages.0.name: Extra inputs"),
    (turns("a", [use("x")], [say("no result")]), "`tool_use` ids were found without `tool_result`"),
    (turns("a", [use("x"), use("y")], [result("x")]), "immediately after: y"),
    (turns("a", [use("x")], [say("first"), result("x")]), "ids were found without"),
    (turns("a", [use("x")], "later", "b", [result("x")]), "ids were found without"),
    (turns("a", [use("x")]), "prefill|without"),
    (turns([result("x")]), "unexpected `tool_use_id`"),
    (turns("a", [use("x")], [result("x"), result("x")]), "multiple `tool_result` blocks"),
    (turns("a", [use("x")], [result("x")], [use("x")], [result("x")]), "ids must be unique"),
    (turns("a", [use("x.1")], [result("x.1")]), "should match pattern"),
    (turns("a", [use("x", input="{}")], [result("x")]), "valid dictionary"),
    (turns("a", [use("x", index=0)], [result("x")]), "tool_use.index: Extra inputs"),
    (turns([say("")]), "must be non-empty"),
    (turns([say(" ")]), "non-whitespace"),
    (turns(""), "non-empty content"),
    (turns([{"type": "image_url", "image_url": {"url": "x"}}]), "does not match any of the expected tags"),
    (turns([{**IMAGE, "source": {**PNG, "media_type": "image/jpg"}}]), "media_type"),
    (turns([{**IMAGE, "source": {**PNG, "data": "data:image/png;base64,aGk="}}]), "base64"),
    (turns([say(str(at), cache_control={"type": "ephemeral"}) for at in range(5)]), "maximum of 4 blocks"),
    (turns("a", [{"type": "thinking", "thinking": "x", "signature": "s"}, say("b")], "c"), "Invalid `signature`"),
    ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, "must be greater than"),
    ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "greater than or equal to 1024"),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}, "temperature": 0}, "only be set to 1"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "messages": follow_anthropic(["x"])},
        "Expected `thinking`",
    ),
    ({"model": "claude-opus-4-7", "thinking": {"type": "enabled", "budget_tokens": 2000}}, "adaptive"),
    ({"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}, "not supported"),
    ({"model": "claude-opus-4-7", "temperature": 0}, "not supported"),
    ({"temperature": 1.5}, "range"),
    ({"stop_sequences": ["\n"]}, "non-whitespace"),
    ({"tool_choice": "auto"}, "expected tags"),
    ({"tool_choice": {"type": "auto"}, "tools": None}, "while providing tools"),
    ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "should match pattern"),
    ({"tools": [{"name": "a"}]}, "input_schema: Field required"),
    ({"tools": [{"name": "a", "input_schema": {"type": "object"}}] * 2}, "unique"),
    ({"tools": None, "messages": follow_anthropic(["x"])}, "must define tools"),
    (turns("a", "The answer is"), "prefill"),
    ({"model": "gpt-5"}, "model: gpt-5"),
    ({"model": None}, "model: Input should be a valid string"),
    ({"messages": "hi"}, "valid list"),
    ({"messages": ["hi"]}, "expected shape"),
    (turns([result("x") | {"content": {"type": "text"}}]), "valid list"),
    (turns([result("x") | {"content": [{"type": "image_url"}]}]), "is not expected"),
    (turns([result("")]), "should match pattern"),
    (turns([use("x")]), "can not be in `user` messages"),
    (turns("a", [IMAGE], "b"), "can not be in `assistant` messages"),
    (turns([{"type": "text"}]), "text.text: Field required"),
    (turns([{"type": "image", "source": "x"}]), "image.source"),
    (turns("a", [{"type": "tool_use", "name": "f", "input": {}}], "b"), "tool_use.id: Field required"),
    (turns("a", [{"type": "tool_use", "id": "x", "input": {}}], "b"), "tool_use.name: Field required"),
    (turns("a", [{"type": "thinking", "thinking": "x"}], "b"), "thinking.signature: Field required"),
    ({"system": [{"type": "image"}]}, "Input should be 'text'"),
    ({"system": [say("")]}, "must be non-empty"),
    ({"tools": [{"name": "a", "input_schema": {}, "function": {}}]}, "Extra inputs"),
    ({"tools": [{"name": "a", "input_schema": {"type": "string"}}]}, "Input should be 'object'"),
    ({"tool_choice": {"type": "tool", "name": "nobody"}}, "not found in provided tools"),
    (turns([say("a", cache_control={"type": "for_ever"})]), "Input should be 'ephemeral'"),
    (turns([say("a", cache_control={"type": "ephemeral", "ttl": "1d"})]), "'5m' or '1h'"),
    (
        turns([say(t, cache_control={"type": "ephemeral", "ttl": t}) for t in ("5m", "1h")]),
        "must not come after",
    ),
    ({"thinking": {"type": "loud"}}, "expected tags"),
    ({"max_tokens": "9"}, "valid integer"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "tool_choice": {"type": "any"}},
        "forces tool use",
    ),
]


@pytest.mark.parametrize("change", ANTHROPIC_ACCEPTS)
def test_anthropic_accepts(change: dict[str, Any]) -> None:
    check_anthropic(chat_body("anthropic", **change), V1)


@pytest.mark.parametrize(("change", "message"), ANTHROPIC_REFUSES)
def test_anthropic_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_anthropic(chat_body("anthropic", **change), V1)


def test_anthropic_wants_a_version_and_refuses_sampling_under_the_newest() -> None:
    with pytest.raises(Refusal, match="header is required"):
        check_anthropic(chat_body("anthropic"), {})
    with pytest.raises(Refusal, match="not a valid version"):
        check_anthropic(chat_body("anthropic"), {"anthropic-version": "2024-01-01"})
    with pytest.raises(Refusal, match="temperature"):
        check_anthropic(chat_body("anthropic", temperature=1), {"anthropic-version": "2026-10-21"})


CALL = {"id": "call_1", "type": "function", "function": {"name": "write_file", "arguments": "{}"}}
TOOL = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}


def chat(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [USER, *messages]}


def assistant(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


STRICT = {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {"a": {}}}}

OPENAI_ACCEPTS: list[dict[str, Any]] = [
    {},
    {"messages": follow_chat(["call_1", "toolu_01abc"], reasoning="")},
    chat(assistant(CALL), TOOL, {"role": "user", "content": [{"type": "text", "text": "more"}]}),
    chat({"role": "assistant", "content": ""}, {"role": "developer", "content": "x"}),
    {"model": "gpt-4.1", "max_tokens": 5, "temperature": 0},
    {"stream": True, "stream_options": {"include_usage": True}, "tool_choice": "auto"},
]

OPENAI_REFUSES: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "empty array"),
    ({"messages": None}, "Invalid type for 'messages'"),
    ({"model": ""}, "must provide a model"),
    ({"model": "openai/gpt-5"}, "does not exist"),
    ({"top_k": 4}, "Unrecognized request argument supplied: top_k"),
    (chat({"role": "robot", "content": "x"}), "Invalid value: 'robot'"),
    (chat(TOOL), "must be a response to a preceeding message"),
    (chat(assistant(CALL)), "must be followed by tool messages"),
    (chat(assistant(CALL), USER, TOOL), "must be followed by tool messages"),
    (chat(assistant(CALL), TOOL, TOOL), "Duplicate value"),
    (chat(assistant({**CALL, "id": "c" * 41}), TOOL), "maximum length 40"),
    (chat(assistant({**CALL, "index": 0}), TOOL), r"Unknown parameter: 'messages\[1\].tool_calls\[0\].index'"),
    (chat(assistant({"id": "x", "function": CALL["function"]}), TOOL), r"tool_calls\[0\].type"),
    (chat(assistant({**CALL, "function": {"name": "f", "arguments": {}}}), TOOL), "expected a string"),
    (chat(assistant(content="x")), "empty array"),
    (chat(assistant(CALL, reasoning_content="x"), TOOL), "reasoning_content"),
    (chat({"role": "user", "content": None}), "got null"),
    (chat({"role": "user", "content": [say("x", cache_control={})]}), "cache_control"),
    (chat({"role": "user", "content": [IMAGE]}), "Invalid value: 'image'"),
    (chat(assistant(CALL), {**TOOL, "content": [{"type": "image_url"}]}), "Invalid value: 'image_url'"),
    ({"tools": []}, "empty array"),
    ({"tools": None, "tool_choice": "auto"}, "only allowed when 'tools'"),
    ({"tools": [{"type": "function", "function": STRICT}]}, "additionalProperties"),
    ({"tools": [{"name": "f", "input_schema": {}}]}, r"tools\[0\].type"),
    ({"stream_options": {"include_usage": True}}, "only allowed when 'stream'"),
    ({"max_tokens": 5}, "max_completion_tokens"),
    ({"temperature": 0}, "does not support 0"),
    ({"max_completion_tokens": 0}, "below minimum"),
    ({"stop": ["a"] * 5}, "too long"),
    ({"model": "gpt-4.1", "max_tokens": 5, "max_completion_tokens": 5}, "at the same time"),
    ({"max_completion_tokens": "5"}, "an integer"),
    ({"top_p": 2}, "out of range"),
    ({"tools": "x"}, "array of objects"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "match pattern"),
    ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]}, "schema"),
    (chat({"role": "user", "content": {"text": "x"}}), "string or array"),
    (chat({"role": "user", "content": []}), "empty array"),
    (chat({"role": "user", "content": ["x"]}), "an object"),
    (chat({"role": "user", "content": [{"type": "text"}]}), "a string"),
    (chat({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}), "an object"),
    (chat(assistant(CALL), {"role": "tool", "content": "x"}), "tool_call_id"),
    (chat({"role": "assistant", "content": "x", "tool_calls": {}}), "array of objects"),
]


@pytest.mark.parametrize("change", OPENAI_ACCEPTS)
def test_openai_accepts(change: dict[str, Any]) -> None:
    check_openai(chat_body("openai", **change))


@pytest.mark.parametrize(("change", "message"), OPENAI_REFUSES)
def test_openai_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_openai(chat_body("openai", **change))


DEEPSEEK_REFUSES: list[tuple[dict[str, Any], str]] = [
    ({"model": "deepseek-chat"}, "Model Not Exist"),
    ({"messages": follow_chat(["call_1"], reasoning="")}, "must be passed back"),
    (chat(assistant(CALL, reasoning_content=""), TOOL), "must be passed back"),
    (chat(TOOL), "must be a response"),
    (chat(assistant(CALL, reasoning_content="x")), "insufficient tool messages"),
    (chat({"role": "developer", "content": "x"}), "unknown variant `developer`"),
    (chat({"role": "user", "content": [{"type": "image_url"}]}), "expected `text`"),
    (chat({"role": "user"}), "missing field `content`"),
]


@pytest.mark.parametrize(("change", "message"), DEEPSEEK_REFUSES)
def test_deepseek_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_deepseek(chat_body("deepseek", **change))


def test_deepseek_accepts_a_placeholder_as_reasoning_and_nothing_when_thinking_is_off() -> None:
    check_deepseek(chat_body("deepseek", messages=follow_chat(["call_1"], reasoning=".")))
    off = {"type": "disabled"}
    check_deepseek(chat_body("deepseek", messages=follow_chat(["call_1"], reasoning=""), thinking=off))


def test_a_refusal_reaches_the_client_in_the_vendors_shape_and_the_log() -> None:
    async def check() -> None:
        async with World() as world:
            got = await post(world.anthropic, chat_body("anthropic", messages=[]))
            assert got.status == 400
            assert got.json["type"] == "error"
            assert got.json["error"]["type"] == "invalid_request_error"
            assert got.json["request_id"] == got.headers["request-id"]
            assert world.anthropic.log[0].refusal == got.json["error"]["message"]
            got = await post(world.openai, chat_body("openai", temperature=0))
            assert got.json["error"]["code"] == "unsupported_value"
            assert got.json["error"]["param"] == "temperature"
            assert world.openai.log[0].dispatch == 0

    run(check())


def test_a_prompt_beyond_the_context_window_is_refused_by_its_size() -> None:
    async def check() -> None:
        async with World((ServerSpec("openai", context_tokens=10),)) as world:
            got = await post(world.openai, chat_body("openai"))
            assert got.status == 400
            assert got.json["error"]["code"] == "context_length_exceeded"

    run(check())


def test_bound_thinking_is_refused_once_the_conversation_before_it_changed() -> None:
    async def check() -> None:
        script = Fixed(Turn(text="Answer.", thinking="Thought."))
        async with World((ServerSpec("anthropic", bind_thinking=True),), script=script) as world:
            on: dict[str, Any] = {"model": "claude-opus-5-5", "thinking": {"type": "adaptive"}, "tools": None}
            first = await post(world.anthropic, chat_body("anthropic", **on))
            said = {"role": "assistant", "content": first.json["content"]}
            for question, status in (("Write a file.", 200), ("Write two files.", 400)):
                messages = [{"role": "user", "content": [say(question)]}, said, USER]
                got = await post(world.anthropic, chat_body("anthropic", **on, messages=messages))
                assert got.status == status
                if status == 400:
                    assert "bound to a different conversation" in got.json["error"]["message"]

    run(check())
