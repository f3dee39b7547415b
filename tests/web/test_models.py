from __future__ import annotations

from pathlib import Path

from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run

ENVIRON = {
    "ANTHROPIC_API_KEY": "sk-b",
    "GAMMAINFRA_PROVIDERS_LOCAL_BASE_URL": "http://127.0.0.1:9/v1",
    "GAMMAINFRA_PROVIDERS_LOCAL_MODELS": "Qwen/Qwen3.5-Coder,claude-opus-4-7",
}


def test_the_list_holds_what_can_be_asked_for(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            got = await ask(app.asgi, "GET", "/v1/models", headers=CALLER)
            everything = await ask(app.asgi, "GET", "/v1/models?all=1", headers=CALLER)
        ids = [row["id"] for row in got.json["data"]]
        assert ids[:2] == ["gammainfra/auto", "gammainfra/fast"]
        assert {"anthropic/claude-opus-4-7", "local/Qwen/Qwen3.5-Coder", "local/claude-opus-4-7"} <= set(ids)
        assert not any(name.startswith("openai/") for name in ids)
        more = {row["id"] for row in everything.json["data"]}
        assert more > set(ids)
        assert "openai/gpt-5" in more

    run(test())


def test_a_model_that_only_the_settings_name_is_listed_without_guesses(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            got = await ask(app.asgi, "GET", "/v1/models/local/qwen/qwen3-5-coder", headers=CALLER)
        assert (got.status, got.json["id"], got.json["owned_by"]) == (200, "local/Qwen/Qwen3.5-Coder", "local")
        assert (got.json["context_length"], got.json["pricing"]) == (None, {})
        assert got.json["top_provider"]["max_completion_tokens"] is None

    run(test())


def test_one_model_is_found_under_each_of_its_names(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            for name in ("anthropic/claude-opus-4-7", "claude-opus-4.7", "anthropic/claude-opus-4-7/"):
                got = await ask(app.asgi, "GET", f"/v1/models/{name}", headers=CALLER)
                assert got.json["id"] == "anthropic/claude-opus-4-7"
            auto = await ask(app.asgi, "GET", "/v1/models/gammainfra/auto", headers=CALLER)
            assert auto.json["owned_by"] == "gammainfra"
            passing = await ask(app.asgi, "GET", "/v1/models/local/anything", headers=CALLER)
            assert passing.json["id"] == "local/anything"

    run(test())


def test_a_model_that_cannot_be_asked_for_is_not_found(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            known = await ask(app.asgi, "GET", "/v1/models/gpt-5", headers=CALLER)
            listed = await ask(app.asgi, "GET", "/v1/models/gpt-5?all=1", headers=CALLER)
            unknown = await ask(app.asgi, "GET", "/v1/models/gpt-55", headers=CALLER)
        assert (known.status, known.error["code"]) == (404, "model_not_found")
        assert "no provider that serves it is configured" in known.error["message"]
        assert listed.json["id"] == "openai/gpt-5"
        assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")
        assert "Did you mean" in unknown.error["message"]

    run(test())
