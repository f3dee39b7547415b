from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gammainfra.simulate import Fixed, ToolCall, Turn
from tests.conformance.hosts import HOSTS, Host, playing
from tests.gateway_in_process import chat, run

each_host = pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.name}-{host.dialect}")
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOLS = [{"type": "function", "function": {"name": "read_file", "description": "Reads.", "parameters": SCHEMA}}]
QUESTION = {"role": "user", "content": "Say something about ÄÖ 🙂."}
READ = ToolCall("read_file", {"path": "a.txt"})
READ_TOO = ToolCall("read_file", {"path": "dir/b.txt"})


def body(host: Host, *, stream: bool, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"model": host.model, "messages": [QUESTION], "stream": stream}
    if stream:
        asked["stream_options"] = {"include_usage": True}
    return {**asked, **more}


def message_of(got: Any, *, stream: bool) -> dict[str, Any]:
    """The assistant's message with ``finish_reason`` and ``usage``, put together as an SDK does."""
    if not stream:
        choice = got.json["choices"][0]
        return {**choice["message"], "finish_reason": choice["finish_reason"], "usage": got.json["usage"]}
    assert got.pieces[-1].endswith(b"data: [DONE]\n\n")
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning": "", "details": []}
    calls: dict[int, dict[str, Any]] = {}
    for chunk in got.chunks:
        message["usage"] = chunk.get("usage") or message.get("usage")
        for choice in chunk["choices"]:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            message["reasoning"] += delta.get("reasoning_content") or delta.get("reasoning") or ""
            message["details"] += delta.get("reasoning_details") or []
            message["finish_reason"] = choice["finish_reason"] or message.get("finish_reason")
            for call in delta.get("tool_calls") or ():
                known = calls.setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
                known["id"] += call.get("id") or ""
                known["name"] += call["function"].get("name") or ""
                known["arguments"] += call["function"].get("arguments") or ""
    message["tool_calls"] = [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
        for _, call in sorted(calls.items())
    ]
    return message


@each_host
@both_ways
def test_an_answer_arrives_as_it_was_said(host: Host, stream: bool, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="Über 🙂: one, two."))) as play:
            got = await chat(play.app, body(host, stream=stream))
        assert got.status == 200, got.body
        message = message_of(got, stream=stream)
        assert (message["content"], message["finish_reason"]) == ("Über 🙂: one, two.", "stop")
        assert got.headers["x-gammainfra-endpoint"] == host.model
        assert got.headers["x-gammainfra-attempted-count"] == "1"
        (record,) = play.server.log.generations
        assert (record.refusal, record.stream, record.key) == ("", stream, "sk-provider-key")
        assert record.complete

    run(test())


@each_host
@both_ways
def test_tokens_are_counted_as_the_provider_counts_them(host: Host, stream: bool, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="five words are said here"))) as play:
            got = await chat(play.app, body(host, stream=stream))
        usage = message_of(got, stream=stream)["usage"]
        (record,) = play.server.log.generations
        assert usage["prompt_tokens"] == record.usage.prompt_tokens > 0
        assert usage["completion_tokens"] == record.usage.output_tokens > 0
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]

    run(test())


@each_host
@both_ways
@pytest.mark.parametrize("calls", [(READ,), (READ, READ_TOO)], ids=["one call", "parallel calls"])
def test_tools_are_called_and_their_results_return(
    host: Host, stream: bool, calls: tuple[ToolCall, ...], tmp_path: Path
) -> None:
    async def test() -> None:
        script = Fixed(Turn(text="Reading.", calls=calls))
        async with playing(host, tmp_path, script) as play:
            first = await chat(play.app, body(host, stream=stream, tools=TOOLS))
            assert first.status == 200, first.body
            message = message_of(first, stream=stream)
            assert message["finish_reason"] == "tool_calls"
            shown = message["tool_calls"]
            assert [call["function"]["name"] for call in shown] == ["read_file"] * len(calls)
            assert [call["function"]["arguments"] for call in shown] == [call.render_arguments() for call in calls]
            ids = [call["id"] for call in shown]
            assert len(set(ids)) == len(calls)
            assert all(ids)

            said = {"role": "assistant", "content": message["content"], "tool_calls": shown}
            results = [{"role": "tool", "tool_call_id": call_id, "content": "its content"} for call_id in ids]
            play.server.script = Fixed(Turn(text="Done."))
            asked = body(host, stream=stream, tools=TOOLS, messages=[QUESTION, said, *results])
            second = await chat(play.app, asked)
            assert second.status == 200, second.body
            assert message_of(second, stream=stream)["content"] == "Done."
            assert second.headers["x-gammainfra-session-id"] == first.headers["x-gammainfra-session-id"]
        assert [record.refusal for record in play.server.log] == ["", ""]

    run(test())


@each_host
@pytest.mark.parametrize(
    "choice", ["auto", "none", "required", {"type": "function", "function": {"name": "read_file"}}]
)
def test_every_tool_choice_is_accepted(host: Host, choice: object, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="Fine."))) as play:
            got = await chat(play.app, body(host, stream=True, tools=TOOLS, tool_choice=choice))
        assert got.status == 200, got.body
        assert [record.refusal for record in play.server.log] == [""]

    run(test())


@each_host
@both_ways
def test_thinking_is_shown_where_the_vendor_shows_it_and_never_refused_later(
    host: Host, stream: bool, tmp_path: Path
) -> None:
    async def test() -> None:
        script = Fixed(Turn(text="Reading.", thinking="One file first.", calls=(READ,)))
        async with playing(host, tmp_path, script) as play:
            first = await chat(
                play.app, body(host, stream=stream, tools=TOOLS, reasoning_effort="high", max_tokens=9000)
            )
            assert first.status == 200, first.body
            message = message_of(first, stream=stream)
            if (
                host.vendor not in {"openai", "azure"} and not host.own
            ):  # of a model nobody knows, nobody knows how it thinks
                shown = message.get("reasoning") or message.get("reasoning_content")
                assert shown == "One file first."
            call_id = message["tool_calls"][0]["id"]
            said = {"role": "assistant", "content": message["content"], "tool_calls": message["tool_calls"]}
            details = message.get("details") or message.get("reasoning_details")
            for kept in ({}, {"reasoning_details": details} if details else {}):
                results = [{"role": "tool", "tool_call_id": call_id, "content": "its content"}]
                asked = body(host, stream=stream, tools=TOOLS, messages=[QUESTION, {**said, **kept}, *results])
                second = await chat(play.app, {**asked, "reasoning_effort": "high", "max_tokens": 9000})
                assert second.status == 200, second.body
        assert [record.refusal for record in play.server.log] == ["", "", ""]

    run(test())


@each_host
def test_usual_parameters_of_agents_are_accepted_or_left_out(host: Host, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="Fine."))) as play:
            for more in (
                {"max_tokens": 500, "temperature": 0, "top_p": 0.9},
                {"max_completion_tokens": 500, "stop": ["END"], "seed": 7, "user": "someone"},
                {"parallel_tool_calls": False, "tools": TOOLS, "store": False, "n": 1},
                {"presence_penalty": 0.1, "frequency_penalty": 0.1},
            ):
                got = await chat(play.app, body(host, stream=True, **more))
                assert got.status == 200, (more, got.body)
        assert [record.refusal for record in play.server.log] == ["", "", "", ""]

    run(test())


@each_host
def test_a_parameter_that_nobody_knows_costs_no_answer(host: Host, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="Fine."))) as play:
            got = await chat(play.app, body(host, stream=True, unknown_field={"a": 1}))
        assert message_of(got, stream=True)["content"] == "Fine."

    run(test())


@each_host
def test_a_limit_on_the_answer_is_kept_and_said(host: Host, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="word " * 200))) as play:
            got = await chat(play.app, body(host, stream=True, max_tokens=20))
        assert message_of(got, stream=True)["finish_reason"] == "length"

    run(test())
