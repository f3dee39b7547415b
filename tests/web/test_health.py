from __future__ import annotations

from pathlib import Path

from tests.asgi import ask
from tests.gateway_in_process import gateway, run

OPENAI = {"OPENAI_API_KEY": "sk-a"}


def test_a_gateway_lives_without_providers_and_is_ready_with_one(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path / "a") as app:
            live = await ask(app.asgi, "GET", "/healthz")
            ready = await ask(app.asgi, "GET", "/readyz")
        assert (live.status, live.json) == (200, {"status": "ok"})
        assert (ready.status, ready.json["missing"]) == (503, ["no provider is configured"])
        async with gateway(tmp_path / "b", OPENAI) as app:
            ready = await ask(app.asgi, "GET", "/readyz")
            assert (ready.status, ready.json) == (200, {"status": "ready", "missing": []})
            app.services.admission.draining = True
            ready = await ask(app.asgi, "GET", "/readyz")
            assert (ready.status, ready.json["missing"]) == (503, ["the server is shutting down"])

    run(test())


def test_a_gateway_that_lost_records_is_not_ready(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, OPENAI) as app:
            app.writer._refused = 1
            ready = await ask(app.asgi, "GET", "/readyz")
        assert (ready.status, ready.json["missing"]) == (503, ["the store cannot be written"])

    run(test())


def test_metrics_are_open_until_a_token_is_set(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path / "a") as app:
            got = await ask(app.asgi, "GET", "/metrics")
        assert got.status == 200
        assert got.headers["content-type"].startswith("text/plain")
        assert "gammainfra_inflight 0.0" in got.body.decode()
        async with gateway(tmp_path / "b", {"GAMMAINFRA_METRICS_TOKEN": "let-me-in"}) as app:
            for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer ä"}):
                got = await ask(app.asgi, "GET", "/metrics", headers=headers)
                assert (got.status, got.error["code"]) == (401, "invalid_metrics_token")
                assert "let-me-in" not in got.body.decode()
            got = await ask(app.asgi, "GET", "/metrics", headers={"authorization": "Bearer let-me-in"})
            assert got.status == 200

    run(test())
