"""What the tests of the simulators share: bodies of requests, plain HTTP, and a clock that stands still."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gammainfra.simulate import SimulatedProvider, ToolCall, Turn

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}}
CHAT_TOOLS = [{"type": "function", "function": {"name": "write_file", "parameters": SCHEMA}}]
ANTHROPIC_TOOLS = [{"name": "write_file", "input_schema": SCHEMA}]
MODELS = {"openai": "gpt-5", "anthropic": "claude-opus-4-6", "deepseek": "deepseek-v4-pro"}
PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "deepseek": "/chat/completions",
}
CALLING = Turn(
    text="Writing the file now, as asked.",
    thinking="One file is enough.",
    calls=(ToolCall("write_file", {"path": "a.txt", "content": "some lines of text to write"}),),
)


class FakeClock:
    """Epoch seconds that move only when told."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(slots=True)
class Got:
    """What came back: ``status=0`` when no head came, ``broken`` when the connection died."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    broken: bool = False
    timed_out: bool = False
    taken_s: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        lines = self.body.decode().splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ") and line != "data: [DONE]"]


def chat_body(vendor: str, *, with_tools: bool = True, stream: bool = False, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": MODELS[vendor],
        "messages": [{"role": "user", "content": "Write a file."}],
        "stream": stream,
    }
    if vendor == "anthropic":
        body["max_tokens"] = 4000
    if with_tools:
        body["tools"] = ANTHROPIC_TOOLS if vendor == "anthropic" else CHAT_TOOLS
    if vendor == "openai" and stream:
        body["stream_options"] = {"include_usage": True}
    return {**body, **more}


def auth_headers(vendor: str, key: str = "sk-test") -> dict[str, str]:
    if vendor == "anthropic":
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return {"Authorization": f"Bearer {key}"}


async def post(
    server: SimulatedProvider,
    body: dict[str, Any] | bytes,
    *,
    path: str | None = None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 5.0,
) -> Got:
    vendor = server.vendor.name
    url = server.origin + (path or PATHS[vendor])
    sent = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    given = auth_headers(vendor) if headers is None else headers
    got, started_s = Got(), time.perf_counter()
    async with aiohttp.ClientSession() as session:
        try:
            async with asyncio.timeout(timeout_s), session.post(url, data=sent, headers=given) as response:
                got.status = response.status
                got.headers = {name.lower(): value for name, value in response.headers.items()}
                async for chunk in response.content.iter_any():
                    got.body += chunk
        except TimeoutError:
            got.timed_out = True
        except (aiohttp.ClientError, ConnectionError):
            got.broken = True
    got.taken_s = time.perf_counter() - started_s
    return got


def follow_chat(ids: list[str], *, reasoning: str = "Because.") -> list[dict[str, Any]]:
    """A conversation with one finished tool turn, in the chat dialect."""
    calls = [
        {"id": call_id, "type": "function", "function": {"name": "write_file", "arguments": "{}"}} for call_id in ids
    ]
    results = [{"role": "tool", "tool_call_id": call_id, "content": "ok"} for call_id in ids]
    assistant: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": calls}
    if reasoning:
        assistant["reasoning_content"] = reasoning
    return [{"role": "user", "content": "Write a file."}, assistant, *results]


def follow_anthropic(ids: list[str]) -> list[dict[str, Any]]:
    """A conversation with one finished tool turn, in Anthropic's dialect."""
    calls = [{"type": "tool_use", "id": call_id, "name": "write_file", "input": {}} for call_id in ids]
    results = [{"type": "tool_result", "tool_use_id": call_id, "content": "ok"} for call_id in ids]
    return [
        {"role": "user", "content": "Write a file."},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]


def run(test: Coroutine[Any, Any, None]) -> None:
    """asyncio.run, with a limit, so that a hanging simulator fails and does not block."""

    async def limited() -> None:
        async with asyncio.timeout(20):
            await test

    asyncio.run(limited())
