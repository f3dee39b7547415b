"""A gateway that has answered a few questions, each after one failure, for the tests of what is read back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from gammainfra.app import App
from gammainfra.simulate import Fault, FirstOfEachStep, ServerSpec, World
from tests.asgi import Got, ask
from tests.gateway_in_process import CALLER, chat, gateway

SESSION = "task-1"
MODEL = "openai/gpt-5"
FORMULA = "=1+1"


@dataclass(frozen=True, slots=True)
class Stored:
    """``answers`` are what the callers were told, in the order they asked: the last is of a session of its own."""

    app: App
    answers: list[Any]
    stranger: Mapping[str, str]

    async def get(self, target: str, headers: Mapping[str, str] = CALLER) -> Got:
        return await ask(self.app.asgi, "GET", target, headers=headers)

    async def read(self, target: str, headers: Mapping[str, str] = CALLER) -> Any:
        """The JSON of a 200, with exact numbers."""
        got = await self.get(target, headers)
        assert got.status == 200, got.body
        assert got.headers["cache-control"] == "no-store"
        return exactly(got.body)

    @property
    def costs(self) -> list[Decimal]:
        return [answer["usage"]["cost"] for answer in self.answers]


def exactly(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator[Stored]:
    """Two steps of one task and a question of another, asked by a user whose name a spreadsheet would run."""
    servers = (ServerSpec("openai"), ServerSpec("anthropic"))
    schedule = FirstOfEachStep(Fault.SERVER_ERROR, tools_only=False)
    async with World(servers, schedule=schedule) as world:
        environ = {"OPENAI_API_KEY": "sk-a", "ANTHROPIC_API_KEY": "sk-b"}
        environ["GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL"] = world.openai.base_url
        environ["GAMMAINFRA_PROVIDERS_ANTHROPIC_BASE_URL"] = world.anthropic.base_url
        async with gateway(folder, environ) as app:
            secret, _ = app.keys.issue("stranger", "another account")
            answers = [await answered(app, text, session) for text, session in QUESTIONS]
            yield Stored(app, answers, {"authorization": f"Bearer {secret}"})


QUESTIONS = (("First step.", SESSION), ("Second step.", SESSION), ("Something else.", FORMULA))


async def answered(app: App, text: str, session: str) -> Any:
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "user": FORMULA}
    got = await chat(app, body, {"x-gammainfra-session-id": session})
    assert got.status == 200, got.body
    assert got.headers["x-gammainfra-attempted-count"] == "2"
    return exactly(got.body) | {"endpoint": got.headers["x-gammainfra-endpoint"]}
