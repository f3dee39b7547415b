"""The Responses API through the whole gateway, in process: the official SDK in front, simulated providers behind."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from gammainfra import app
from gammainfra.settings import read_settings
from gammainfra.simulate import AgentTask, Fault, FirstOfEachStep, Pace, Schedule, ServerSpec, World

KEY = "sk-test-0123456789abcdef0123456789abcdef"
TASK = AgentTask(steps=10, folder="w", thinking_every=2, parallel_every=4)
FAULTS = (
    Fault.CUT_AFTER_TEXT,
    Fault.CUT_IN_ARGUMENTS,
    Fault.RATE_LIMIT,
    Fault.EMPTY,
    Fault.EARLY_ERROR,
    Fault.LATE_CUT,
    Fault.NO_FINISH,
    Fault.HTML_502,
)
MODELS = ("openai/gpt-5.4", "anthropic/claude-sonnet-4-6", "deepseek/deepseek-v4-pro")
TOOLS = [
    {
        "type": "function",
        "name": name,
        "strict": False,
        "parameters": {"type": "object", "properties": {one: {"type": "string"} for one in arguments}},
    }
    for name, arguments in (("read_file", ["path"]), ("write_file", ["path", "content"]), ("run", ["command"]))
]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # providers that are hung up on are no news


@asynccontextmanager
async def asked(folder: Path, schedule: Schedule | None = None) -> AsyncIterator[tuple[openai.AsyncOpenAI, World]]:
    """An SDK client of a gateway in this process, and the world of its providers."""
    specs = [ServerSpec("openai"), ServerSpec("anthropic"), ServerSpec("deepseek")]
    pace = Pace(first_token_s=0.0, tokens_per_s=100_000.0)
    async with World(specs, script=TASK, schedule=schedule, pace=pace) as world:
        environ = {"GAMMAINFRA_BOOTSTRAP_KEY": KEY, "GAMMAINFRA_DATA_DIR": str(folder), "GAMMAINFRA_LOG_LEVEL": "error"}
        for server in world:
            vendor = server.vendor.name.upper()
            environ[f"{vendor}_API_KEY"] = f"sk-{server.name}"
            environ[f"GAMMAINFRA_PROVIDERS_{vendor}_BASE_URL"] = server.base_url
        listening = app.free_socket("127.0.0.1", 0)
        gateway = app.Server(app.build(read_settings(flags={}, environ=environ, folder=folder)))
        serving = asyncio.create_task(gateway.serve(sockets=[listening]))
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        try:
            async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=30) as client:
                yield client, world
        finally:
            gateway.should_exit = True
            await serving


async def loop(client: openai.AsyncOpenAI, model: str) -> tuple[list[Any], list[str]]:
    """Play the whole task without state at the server: every call asked for, and the texts."""
    items: list[Any] = [{"role": "user", "content": "Write the files."}]
    calls: list[Any] = []
    texts: list[str] = []
    for turn in range(TASK.steps + 5):
        wanted: dict[str, Any] = {"model": model, "input": items, "tools": TOOLS, "instructions": "You write files."}
        if turn % 4 == 3:
            answer = await client.responses.create(**wanted)
        else:
            async with client.responses.stream(**wanted) as events:
                answer = await events.get_final_response()
        assert answer.status == "completed"
        texts.append(answer.output_text)
        made = [item for item in answer.output if item.type == "function_call"]
        if not made:
            return calls, texts
        calls += made
        items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "ok"} for call in made]
    raise AssertionError("the task did not end")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("faults", [(), FAULTS], ids=["calm", "every first dispatch fails"])
def test_an_agent_loop_gets_every_call_once(model: str, faults: tuple[Fault, ...], tmp_path: Path) -> None:
    async def play() -> tuple[list[Any], list[str], World]:
        async with asked(tmp_path, FirstOfEachStep(faults)) as (client, world):
            return *await loop(client, model), world

    calls, texts, world = asyncio.run(play())
    written = [json.loads(call.arguments)["path"] for call in calls if call.name == "write_file"]
    assert written == [f"w/{name}" for name in TASK.files()]
    assert len({call.call_id for call in calls}) == len(calls)
    assert texts[-1] == "Finished: all files written."
    records = [record for server in world for record in server.log]
    assert [record.refusal for record in records if record.refusal] == []
    injected = sum(record.fault is not None for record in records)
    assert injected == (TASK.steps if faults else 0)


def test_the_bill_and_the_generation_id_are_in_the_answer(tmp_path: Path) -> None:
    async def ask() -> Any:
        async with asked(tmp_path) as (client, _):
            return await client.responses.with_raw_response.create(model=MODELS[0], input="hi", store=False)

    raw = asyncio.run(ask())
    answer = raw.parse()
    assert raw.headers["x-request-id"] == answer.id.replace("resp_", "gen-")
    assert answer.usage.cost == pytest.approx(float(raw.headers["x-gammainfra-cost-usd"]))
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_what_needs_stored_responses_is_refused_in_openais_shape(tmp_path: Path) -> None:
    async def ask() -> tuple[openai.BadRequestError, openai.NotFoundError]:
        async with asked(tmp_path) as (client, _):
            with pytest.raises(openai.BadRequestError) as stateful:
                await client.responses.create(model=MODELS[0], input="hi", previous_response_id="resp_1")
            with pytest.raises(openai.NotFoundError) as stored:
                await client.responses.retrieve("resp_1")
            return stateful.value, stored.value

    stateful, stored = asyncio.run(ask())
    assert (stateful.code, stateful.param) == ("invalid_request", "previous_response_id")
    assert stored.code == "not_supported"
