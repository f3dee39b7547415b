"""How endpoints do, and how a request would be routed, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gammainfra.app import App
from gammainfra.simulate import At, Fault, ServerSpec, World
from tests.asgi import ask
from tests.gateway_in_process import CALLER, chat, gateway, run

BODY = {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "Hello"}]}
SECRETS = "sk-first-secret,sk-second-secret"


@asynccontextmanager
async def failing_first(folder: Path) -> AsyncIterator[App]:
    """OpenAI with two keys, the first of which is throttled, and Anthropic; one question was answered."""
    schedule = At({1: Fault.RATE_LIMIT_RETRY_AFTER})
    async with World((ServerSpec("openai"), ServerSpec("anthropic")), schedule=schedule) as world:
        environ = {
            "GAMMAINFRA_PROVIDERS_OPENAI_API_KEYS": SECRETS,
            "GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": world.openai.base_url,
            "ANTHROPIC_API_KEY": "sk-b",
            "GAMMAINFRA_PROVIDERS_ANTHROPIC_BASE_URL": world.anthropic.base_url,
        }
        async with gateway(folder, environ) as app:
            assert (await chat(app, BODY)).status == 200
            yield app


def test_health_shows_endpoints_and_keys_by_id(tmp_path: Path) -> None:
    async def test() -> None:
        async with failing_first(tmp_path) as app:
            got = await ask(app.asgi, "GET", "/v1/health", headers=CALLER)
            metrics = await ask(app.asgi, "GET", "/metrics")
        (endpoint,) = got.json["endpoints"]
        assert (endpoint["endpoint"], endpoint["state"], endpoint["in_flight"]) == ("openai/gpt-5", "healthy", 0)
        first, second = endpoint["keys"]
        assert (first["id"], first["state"], first["reason"]) == ("openai-1", "cooling", "rate_limit")
        assert (second["id"], second["state"], second["errors"]) == ("openai-2", "healthy", {})
        assert first["until"] > first["since"]
        assert b"secret" not in got.body
        assert b'gammainfra_circuit_state{model="gpt-5",provider="openai"} 0.0' in metrics.body

    run(test())


def test_health_and_plans_need_a_key(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            assert (await ask(app.asgi, "GET", "/v1/health")).status == 401
            assert (await ask(app.asgi, "POST", "/v1/routes/explain", BODY)).status == 401

    run(test())


def test_a_plan_is_explained_with_the_health_of_whom_it_names_and_nobody_is_asked(tmp_path: Path) -> None:
    async def test() -> None:
        async with failing_first(tmp_path) as app:
            got = await ask(app.asgi, "POST", "/v1/routes/explain", BODY, CALLER)
            dear = {**CALLER, "x-gammainfra-max-cost-usd": "0.000001"}
            refused = await ask(app.asgi, "POST", "/v1/routes/explain", BODY, dear)
            after = await ask(app.asgi, "GET", "/v1/health", headers=CALLER)
        assert got.status == 200
        assert got.json["plan"]["candidates"][0]["endpoint"] == "openai/gpt-5"
        assert [one["endpoint"] for one in got.json["health"]] == ["openai/gpt-5"]
        assert (refused.status, refused.error["param"]) == (400, "X-GammaInfra-Max-Cost-USD")
        assert len(after.json["endpoints"]) == 1

    run(test())
