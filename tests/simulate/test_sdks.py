from __future__ import annotations

import json
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from gammainfra.simulate import AgentTask, Fixed, SimulatedProvider, Turn, World
from tests.simulate.asking import ANTHROPIC_TOOLS, CALLING, CHAT_TOOLS, MODELS, auth_headers, run

QUESTION = [{"role": "user", "content": "Write a file."}]


def chat_client(server: SimulatedProvider) -> Any:
    return openai.AsyncOpenAI(
        base_url=server.base_url, api_key="sk-test", max_retries=0, _strict_response_validation=True
    )


def anthropic_client(server: SimulatedProvider) -> Any:
    return anthropic.AsyncAnthropic(
        base_url=server.base_url, api_key="sk-test", max_retries=0, _strict_response_validation=True
    )


@pytest.mark.parametrize("vendor", ["openai", "deepseek"])
def test_the_openai_sdk_parses_whole_and_streamed_answers_alike(vendor: str) -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING)) as world, chat_client(world[vendor]) as client:
            asked = {"model": MODELS[vendor], "messages": QUESTION, "tools": CHAT_TOOLS}
            whole = await client.chat.completions.create(**asked)
            options = {"include_usage": True}
            async with client.chat.completions.stream(**asked, stream_options=options) as stream:
                chunks = [event.chunk async for event in stream if event.type == "chunk"]
                final = await stream.get_final_completion()
        assert [chunk.id for chunk in chunks] == [final.id] * len(chunks)
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[0].choices[0].delta.tool_calls is None
        for answer in (whole, final):
            (choice,) = answer.choices
            (call,) = choice.message.tool_calls
            assert choice.finish_reason == "tool_calls"
            assert choice.message.content == CALLING.text
            assert json.loads(call.function.arguments) == CALLING.calls[0].arguments
            assert answer.usage.completion_tokens_details.reasoning_tokens == 5
        assert whole.usage.model_dump() | {"prompt_tokens_details": None} == final.usage.model_dump() | {
            "prompt_tokens_details": None
        }
        ids = {answer.choices[0].message.tool_calls[0].id for answer in (whole, final)}
        assert len(ids) == 2
        assert {len(call_id) for call_id in ids} == {29 if vendor == "openai" else 32}

    run(check())


def test_the_openai_stream_has_a_usage_chunk_without_choices_only_if_asked() -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING)) as world, chat_client(world.openai) as client:
            for asked in (True, False):
                more = {"stream_options": {"include_usage": True}} if asked else {}
                stream = await client.chat.completions.create(model="gpt-5", messages=QUESTION, stream=True, **more)
                chunks = [chunk async for chunk in stream]
                assert [not chunk.choices for chunk in chunks] == [False] * (len(chunks) - asked) + [True] * asked
                assert (chunks[-1].usage is not None) == asked

    run(check())


def test_deepseek_shows_its_reasoning_unless_it_is_turned_off() -> None:
    async def check() -> None:
        async with World(script=Fixed(Turn(text="Hello."))) as world, chat_client(world.deepseek) as client:
            asked = {"model": MODELS["deepseek"], "messages": QUESTION}
            answer = await client.chat.completions.create(**asked)
            assert answer.choices[0].message.reasoning_content
            off = {"thinking": {"type": "disabled"}}
            answer = await client.chat.completions.create(**asked, extra_body=off)
            assert not hasattr(answer.choices[0].message, "reasoning_content")

    run(check())


@pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "disabled"}])
def test_the_anthropic_sdk_parses_whole_and_streamed_answers_alike(thinking: dict[str, str]) -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING)) as world, anthropic_client(world.anthropic) as client:
            asked = {
                "model": "claude-opus-5-5",
                "max_tokens": 4000,
                "messages": QUESTION,
                "tools": ANTHROPIC_TOOLS,
                "thinking": thinking,
            }
            whole = await client.messages.create(**asked)
            async with client.messages.stream(**asked) as stream:
                kinds = [event.type async for event in stream]
                final = await stream.get_final_message()
            counted = await client.messages.count_tokens(model="claude-opus-5-5", messages=QUESTION)
        assert kinds[0] == "message_start"
        assert kinds[-1] == "message_stop"
        expected = ["thinking", "text", "tool_use"] if thinking["type"] == "adaptive" else ["text", "tool_use"]
        for message in (whole, final):
            assert [block.type for block in message.content] == expected
            assert message.content[-2].text == CALLING.text
            assert message.content[-1].input == CALLING.calls[0].arguments
            assert len(message.content[-1].id) == 30
            assert message.stop_reason == "tool_use"
        assert whole.usage.model_dump() == final.usage.model_dump()
        assert whole.content[-1].id != final.content[-1].id
        assert 0 < counted.input_tokens < whole.usage.input_tokens

    run(check())


def test_model_lists_parse_strictly() -> None:
    async def check() -> None:
        async with World() as world:
            async with chat_client(world.openai) as client:
                assert MODELS["openai"] in [model.id async for model in client.models.list()]
            async with anthropic_client(world.anthropic) as client:
                assert MODELS["anthropic"] in [model.id async for model in client.models.list()]

    run(check())


def test_the_deepseek_model_list_has_no_date_as_the_vendors_has_none() -> None:
    async def check() -> None:
        async with World() as world, aiohttp.ClientSession(world.deepseek.origin) as session:
            async with session.get("/models", headers=auth_headers("deepseek")) as response:
                listed = (await response.json())["data"]
            assert MODELS["deepseek"] in [model["id"] for model in listed]
            assert all(set(model) == {"id", "object", "owned_by"} for model in listed)

    run(check())


def test_the_sdks_raise_their_own_errors() -> None:
    async def check() -> None:
        async with World() as world:
            async with chat_client(world.openai) as client:
                with pytest.raises(openai.NotFoundError):
                    await client.chat.completions.create(model="claude-opus-4-6", messages=QUESTION)
            async with anthropic_client(world.anthropic) as client:
                with pytest.raises(anthropic.NotFoundError):
                    await client.messages.create(model="gpt-5", max_tokens=9, messages=QUESTION)

    run(check())


@pytest.mark.parametrize("vendor", ["openai", "deepseek"])
def test_a_chat_agent_finishes_its_task_with_parallel_calls(vendor: str) -> None:
    async def check() -> None:
        task = AgentTask(steps=12, parallel_every=3)
        files: dict[str, str] = {}
        async with World(script=task) as world, chat_client(world[vendor]) as client:
            messages: list[Any] = list(QUESTION)
            for _ in range(12):
                answer = await client.chat.completions.create(model=MODELS[vendor], messages=messages, tools=CHAT_TOOLS)
                message = answer.choices[0].message
                echo = message.model_dump(exclude_none=True, exclude={"annotations", "refusal"})
                messages.append(echo)
                for call in message.tool_calls or ():
                    keep(files, call.function.name, json.loads(call.function.arguments))
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": "ok"})
            assert messages[-1]["content"] == "Finished: all files written."
            assert files == task.files()
            assert [record.step for record in world[vendor].log] == list(range(12))

    run(check())


def test_an_anthropic_agent_finishes_its_task_with_bound_thinking() -> None:
    async def check() -> None:
        task = AgentTask(steps=12, parallel_every=3, thinking_every=2)
        files: dict[str, str] = {}
        async with World(script=task) as world, anthropic_client(world.anthropic) as client:
            messages: list[Any] = list(QUESTION)
            for _ in range(12):
                answer = await client.messages.create(
                    model="claude-opus-5-5",
                    max_tokens=4000,
                    messages=messages,
                    tools=ANTHROPIC_TOOLS,
                    thinking={"type": "adaptive"},
                )
                blocks = [block.model_dump(exclude_none=True) for block in answer.content]
                messages.append({"role": "assistant", "content": blocks})
                calls = [block for block in answer.content if block.type == "tool_use"]
                for block in calls:
                    keep(files, block.name, block.input)
                results = [{"type": "tool_result", "tool_use_id": call.id, "content": "ok"} for call in calls]
                if results:
                    messages.append({"role": "user", "content": results})
            assert files == task.files()

    run(check())


def keep(files: dict[str, str], name: str, arguments: dict[str, str]) -> None:
    if name == "write_file":
        assert arguments["path"] not in files
        files[arguments["path"]] = arguments["content"]
