"""The anthropic SDK's agent loop through the whole gateway, in process, while the providers fail at every step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import anthropic
import pytest

from gammainfra import app
from gammainfra.settings import read_settings
from gammainfra.simulate import NEEDS_CALLS, AgentTask, Fault, FirstOfEachStep, Record, Schedule, World

Ask = Callable[[anthropic.AsyncAnthropic, World], Awaitable[Any]]
KEY = "sk-test-0123456789abcdef0123456789abcdef"
MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-6",
    "openai": "openai/gpt-5",
    "deepseek": "deepseek/deepseek-v4-pro",
}
FAULTS = [
    None,
    Fault.OVERLOADED,
    Fault.RATE_LIMIT,
    Fault.EARLY_ERROR,
    Fault.EMPTY,
    Fault.CUT_AFTER_TEXT,
    Fault.CUT_IN_ARGUMENTS,
    Fault.REPEATED_CALL_ID,
    Fault.NO_CALL_ID,
]
TOOLS: list[Any] = [
    {
        "name": name,
        "description": name,
        "input_schema": {"type": "object", "properties": {one: {"type": "string"} for one in names}},
    }
    for name, names in {"read_file": ("path",), "write_file": ("path", "content"), "run": ("command",)}.items()
]


@asynccontextmanager
async def gateway(world: World, folder: Path) -> AsyncIterator[str]:
    """The gateway in this very loop, with every server of the world as its provider."""
    environ = {"GAMMAINFRA_BOOTSTRAP_KEY": KEY}
    for one in world:
        vendor = one.vendor.name.upper()
        environ[f"{vendor}_API_KEY"] = f"sk-{one.name}"
        environ[f"GAMMAINFRA_PROVIDERS_{vendor}_BASE_URL"] = one.base_url
    built = app.build(read_settings(flags={"server.data_dir": str(folder)}, environ=environ, folder=folder))
    socket = app.free_socket("127.0.0.1", 0)
    port = socket.getsockname()[1]
    server = app.Server(built)
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


def sdk(base_url: str, **more: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=base_url, api_key=KEY, max_retries=0, _strict_response_validation=True, **more
    )


@dataclass(slots=True)
class Ran:
    """What an agent did: the files it wrote, every call id it saw, its last words, the messages it was sent."""

    files: dict[str, str] = field(default_factory=dict)
    call_ids: list[str] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    said: str = ""


def work(call: Any, files: dict[str, str]) -> str:
    if call.name == "write_file":
        assert call.input["path"] not in files, "a file was written twice"
        files[call.input["path"]] = call.input["content"]
    return "done"


async def drive(client: anthropic.AsyncAnthropic, model: str, *, stream: bool, **more: Any) -> Ran:
    """The agent loop of Anthropic's own documentation."""
    ran = Ran()
    history: list[Any] = [{"role": "user", "content": "Read input.txt and write the files it asks for."}]
    for _ in range(40):
        asked = {"model": model, "max_tokens": 4096, "messages": history, "tools": TOOLS, **more}
        if stream:
            async with client.messages.stream(**asked) as events:
                answer = await events.get_final_message()
        else:
            answer = await client.messages.create(**asked)
        ran.messages.append(answer)
        history.append(
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]}
        )
        calls = [block for block in answer.content if block.type == "tool_use"]
        ran.call_ids += [call.id for call in calls]
        assert answer.stop_reason == ("tool_use" if calls else "end_turn")
        if not calls:
            ran.said = "".join(block.text for block in answer.content if block.type == "text")
            return ran
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": work(call, ran.files)} for call in calls]
        history.append({"role": "user", "content": results})
    raise AssertionError("the agent did not come to an end")


def run_task(
    tmp_path: Path, vendor: str, schedule: Schedule | None, *, stream: bool, **more: Any
) -> tuple[AgentTask, Ran, list[Record]]:
    task = AgentTask(steps=7, parallel_every=3, thinking_every=2)

    async def check() -> tuple[Ran, list[Record]]:
        async with (
            World(script=task, schedule=schedule) as world,
            gateway(world, tmp_path) as base_url,
            sdk(base_url) as client,
        ):
            ran = await drive(client, MODELS[vendor], stream=stream, **more)
            return ran, [record for server in world for record in server.log]

    return task, *asyncio.run(check())


@pytest.mark.parametrize(("fault", "vendor"), list(zip(FAULTS, cycle(MODELS), strict=False)), ids=str)
def test_the_sdk_loop_notices_no_fault_on_any_provider(tmp_path: Path, fault: Fault | None, vendor: str) -> None:
    task, ran, log = run_task(tmp_path, vendor, FirstOfEachStep(fault) if fault else None, stream=True)
    assert ran.files == task.files()
    assert len(set(ran.call_ids)) == len(ran.call_ids)
    assert [record.refusal for record in log if record.refusal] == []
    due = task.steps - (fault in NEEDS_CALLS) if fault else 0  # the last step calls nothing
    assert sum(record.fault is not None for record in log) >= due


@pytest.mark.parametrize(("fault", "vendor"), [(None, "anthropic"), (Fault.EMPTY, "openai"), (None, "deepseek")])
def test_the_sdk_loop_works_in_whole_messages(tmp_path: Path, fault: Fault | None, vendor: str) -> None:
    task, ran, log = run_task(tmp_path, vendor, FirstOfEachStep(fault) if fault else None, stream=False)
    assert ran.files == task.files()
    assert [record.refusal for record in log if record.refusal] == []
    assert {message.model for message in ran.messages} == {MODELS[vendor]}
    assert all(message.usage.input_tokens > 0 and message.usage.cost > 0 for message in ran.messages)


def test_a_history_with_thinking_and_cache_marks_travels_to_anthropic_as_it_is(tmp_path: Path) -> None:
    system = [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}]
    thinking = {"type": "adaptive"}
    task, ran, log = run_task(tmp_path, "anthropic", None, stream=True, system=system, thinking=thinking)
    assert ran.files == task.files()
    assert [record.refusal for record in log if record.refusal] == []
    thoughts = [block for message in ran.messages for block in message.content if block.type == "thinking"]
    assert thoughts
    assert all(thought.signature for thought in thoughts)


def ask_once(tmp_path: Path, ask: Ask) -> Any:
    async def check() -> Any:
        async with World() as world, gateway(world, tmp_path) as base_url, sdk(base_url) as client:
            return await ask(client, world)

    return asyncio.run(check())


def test_anthropic_counts_what_it_would_be_asked_and_others_are_estimated(tmp_path: Path) -> None:
    long: list[Any] = [
        {"role": "user", "content": "a" + "\n" * 4000}
    ]  # the simulator counts the JSON, two bytes for each

    async def count(client: anthropic.AsyncAnthropic, world: World) -> list[int]:
        counted = [await client.messages.count_tokens(model=model, messages=long) for model in MODELS.values()]
        await world["anthropic"].stop()
        counted.append(await client.messages.count_tokens(model=MODELS["anthropic"], messages=long))
        return [one.input_tokens for one in counted]

    exact, *estimated = ask_once(tmp_path, count)
    assert exact > 2000
    assert estimated == [1004] * 3


def test_a_request_that_is_too_long_for_every_model_is_counted_all_the_same(tmp_path: Path) -> None:
    async def ask(client: anthropic.AsyncAnthropic, _: World) -> tuple[int, Any]:
        long: list[Any] = [{"role": "user", "content": "word " * 1_800_000}]
        counted = await client.messages.count_tokens(model=MODELS["openai"], messages=long)
        with pytest.raises(anthropic.BadRequestError) as refused:
            await client.messages.create(model=MODELS["openai"], max_tokens=5, messages=long)
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.count_tokens(model="nobody/none", messages=long[:1])
        return counted.input_tokens, refused.value.body

    counted, refused = ask_once(tmp_path, ask)
    assert counted > 2_000_000
    assert refused["error"]["message"].startswith("prompt is too long: ")


def test_a_refusal_has_anthropics_shape_on_every_path_of_the_dialect(tmp_path: Path) -> None:
    async def ask(client: anthropic.AsyncAnthropic, _: World) -> tuple[Any, Any]:
        with pytest.raises(anthropic.AuthenticationError) as unknown:
            await client.with_options(api_key="sk-wrong").messages.count_tokens(model="m", messages=[])
        with pytest.raises(anthropic.NotFoundError) as missing:
            await client.messages.create(model="nobody/none", max_tokens=1, messages=[{"role": "user", "content": "x"}])
        return unknown.value.body, missing.value.body

    unknown, missing = ask_once(tmp_path, ask)
    assert (unknown["type"], unknown["error"]["type"]) == ("error", "authentication_error")
    assert (missing["error"]["type"], missing["error"]["code"]) == ("not_found_error", "model_not_found")
    assert missing["request_id"].startswith("gen-")


def test_both_versions_of_the_api_and_its_beta_are_one(tmp_path: Path) -> None:
    async def ask(client: anthropic.AsyncAnthropic, _: World) -> list[str]:
        said = []
        for version in ("2023-06-01", "2026-10-21"):
            options: dict[str, Any] = {"extra_headers": {"anthropic-version": version}, "extra_query": {"beta": "true"}}
            answer = await client.messages.create(
                model=MODELS["openai"], max_tokens=50, messages=[{"role": "user", "content": "Hi"}], **options
            )
            said.append(answer.id)
        return said

    ids = ask_once(tmp_path, ask)
    assert all(one.startswith("msg_") and len(one) == 26 for one in ids)
