"""Nothing that a caller or an operator keeps secret is ever written down: not in a log, a metric, an error or the
database. Every secret here holds the same word, so one search finds every leak.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gammainfra.simulate import At, Echo, Fault, Schedule, ServerSpec, ToolCall, Turn, World
from gammainfra.simulate.script import Ask
from tests.asgi import ask
from tests.gateway_in_process import KEY, gateway, run

CANARY = "kanarie4f1b2d"
PROVIDER_KEY = f"sk-{CANARY}-0123456789"
TOOLS = [{"type": "function", "function": {"name": f"tool_{CANARY}", "description": CANARY, "parameters": {}}}]
FAULTS: list[Fault | None] = [
    None, Fault.SERVER_ERROR, Fault.AUTH_401, Fault.CUT_AFTER_TEXT, Fault.BAD_JSON, Fault.CONTEXT_OVERFLOW,
]  # fmt: skip


def says_the_canary(asked: Ask) -> Turn:
    """The model repeats what it was told, in text, thinking and arguments."""
    calls = (ToolCall(asked.tool_names[0], {"path": CANARY}),) if asked.tool_names else ()
    return Turn(text=f"You said {asked.last_user_text}", thinking=f"Hm: {CANARY}", calls=calls)


async def leave_traces(folder: Path, vendor: str, form: str, fault: Fault | None) -> None:
    """A gateway through which the word goes in every way there is; what it leaves behind stays in the folder."""
    schedule: Schedule | None = None if fault is None else At({1: fault})
    world = World((ServerSpec(vendor, name="one"),), script=says_the_canary, schedule=schedule)
    async with world:
        prefix = f"GAMMAINFRA_PROVIDERS_{vendor.upper()}_"
        environ = {
            prefix + "BASE_URL": world["one"].base_url,
            prefix + "API_KEY": PROVIDER_KEY,
            "GAMMAINFRA_LOG_FORMAT": form,
            "GAMMAINFRA_LOG_LEVEL": "debug",
            "GAMMAINFRA_METRICS_TOKEN": f"token-{CANARY}",
            "GAMMAINFRA_BOOTSTRAP_KEY": f"{KEY}{CANARY}",
        }
        headers = {"authorization": f"Bearer {KEY}{CANARY}", "x-unknown": CANARY, "user-agent": f"agent/{CANARY}"}
        model = {"openai": "gpt-4.1", "anthropic": "claude-opus-4-6"}[vendor]
        async with gateway(folder, environ) as app:
            for stream in (True, False):
                body = {
                    "model": model, "stream": stream, "tools": TOOLS,
                    "messages": [{"role": "system", "content": CANARY}, {"role": "user", "content": CANARY}],
                }  # fmt: skip
                await ask(app.asgi, "POST", "/v1/chat/completions", body, headers)
            for wrong in (b'{"model": "' + CANARY.encode(), b'{"model":"gpt-5","messages":"' + CANARY.encode() + b'"}'):
                got = await ask(app.asgi, "POST", "/v1/chat/completions", wrong, headers)
                assert CANARY not in got.body.decode()
            wrong_key = {"authorization": f"Bearer {CANARY}"}
            got = await ask(app.asgi, "POST", "/v1/chat/completions", {}, wrong_key)
            assert CANARY not in got.body.decode()
            got = await ask(app.asgi, "GET", "/metrics", headers=wrong_key)
            assert (got.status, CANARY in got.body.decode()) == (401, False)
            got = await ask(app.asgi, "GET", "/metrics", headers={"authorization": f"Bearer token-{CANARY}"})
            assert (got.status, CANARY in got.body.decode()) == (200, False)
            assert CANARY not in repr(app.settings)
            assert CANARY not in repr(app.hosts)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_the_word_is_nowhere(vendor: str, form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def test() -> None:
        for at, fault in enumerate(FAULTS):
            await leave_traces(tmp_path / str(at), vendor, form, fault)

    run(test(), limit_s=60)
    printed = capfd.readouterr()
    assert "ending" in printed.err
    assert CANARY not in printed.err + printed.out
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "gammainfra.sqlite3" for path in kept)
    assert [path for path in kept if CANARY.encode() in path.read_bytes()] == []


def test_the_search_would_find_it(tmp_path: Path) -> None:
    # The negative control: the model's name is no secret, and it is stored.
    async def test() -> None:
        async with World((ServerSpec("openai"),), script=Echo()) as world:
            environ = {
                "GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": world.openai.base_url,
                "OPENAI_API_KEY": "sk-a",
            }
            async with gateway(tmp_path, environ) as app:
                asked = {"model": f"openai/gpt-4o-{CANARY}", "messages": [{"role": "user", "content": "Hi"}]}
                got = await ask(app.asgi, "POST", "/v1/chat/completions", asked, {"authorization": f"Bearer {KEY}"})
                assert got.status == 200
                await asyncio.to_thread(app.writer.flush_blocking, 5.0)

    run(test())
    assert any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
