"""The anthropic SDK's agent loop through the whole gateway, in process, while the providers fail at every step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import pytest

from gammainfra import app
from gammainfra.settings import read_settings
from gammainfra.simulate import NEEDS_CALLS, AgentTask, Fault, FirstOfEachStep, Record, Schedule, World

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
    for server in world:
        vendor = server.vendor.name.upper()
        environ[f"{vendor}_API_KEY"] = f"sk-{server.name}"
        environ[f"GAMMAINFRA_PROVIDERS_{vendor}_BASE_URL"] = server.base_url
    built = app.build(read_settings(flags={"server.data_dir": str(folder)}, environ=environ, folder=folder))
    socket = app.free_socket("127.0.0.1", 0)
    port = socket.getsockname()[1]
    server_task = app.Server(built)
    serving = asyncio.create_task(server_task.serve(sockets=[socket]))
    try:
        while not server_task.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server_task.should_exit = True
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
        history.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]})
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
    task = AgentTask(steps=8, parallel_every=3, thinking_every=2)

    async def check() -> tuple[Ran, list[Record]]:
        async with (
            World(script=task, schedule=schedule) as world,
            gateway(world, tmp_path) as base_url,
            sdk(base_url) as client,
        ):
            ran = await drive(client, MODELS[vendor], stream=stream, **more)
            return ran, [record for server in world for record in server.log]

    return task, *asyncio.run(check())


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("vendor", MODELS)
def test_the_sdk_loop_notices_no_fault_on_any_provider(tmp_path: Path, vendor: str, fault: Fault | None) -> None:
    task, ran, log = run_task(tmp_path, vendor, FirstOfEachStep(fault) if fault else None, stream=True)
    assert ran.files == task.files()
    assert len(set(ran.call_ids)) == len(ran.call_ids)
    assert [record.refusal for record in log if record.refusal] == []
    due = task.steps - (fault in NEEDS_CALLS) if fault else 0  # the last step calls nothing
    assert sum(record.fault is not None for record in log) >= due


@pytest.mark.parametrize("fault", [None, Fault.OVERLOADED, Fault.EMPTY], ids=str)
@pytest.mark.parametrize("vendor", MODELS)
def test_the_sdk_loop_works_in_whole_messages(tmp_path: Path, vendor: str, fault: Fault | None) -> None:
    task, ran, log = run_task(tmp_path, vendor, FirstOfEachStep(fault) if fault else None, stream=False)
    assert ran.files == task.files()
    assert [record.refusal for record in log if record.refusal] == []
