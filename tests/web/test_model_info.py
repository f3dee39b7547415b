from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run
from tests.web.stored import exactly

ENVIRON = {
    "ANTHROPIC_API_KEY": "sk-b",
    "GAMMAINFRA_PROVIDERS_LOCAL_BASE_URL": "http://127.0.0.1:9/v1",
    "GAMMAINFRA_PROVIDERS_LOCAL_MODELS": "Qwen/Qwen3.5-Coder",
}


def test_the_list_says_the_same_as_the_model_list_in_litellms_words(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            models = await ask(app.asgi, "GET", "/v1/models", headers=CALLER)
            got = await ask(app.asgi, "GET", "/v1/model/info", headers=CALLER)
        listed = {row["id"]: row for row in exactly(models.body)["data"]}
        shown = {row["model_name"]: row["model_info"] for row in exactly(got.body)["data"]}
        assert list(shown) == list(listed)
        assert all(row["litellm_params"] == {"model": row["model_name"]} for row in got.json["data"])
        claude, row = shown["anthropic/claude-opus-4-7"], listed["anthropic/claude-opus-4-7"]
        assert claude["input_cost_per_token"] == Decimal(row["pricing"]["prompt"]) > 0
        assert claude["output_cost_per_token"] == Decimal(row["pricing"]["completion"])
        assert claude["cache_read_input_token_cost"] == Decimal(row["pricing"]["input_cache_read"])
        assert claude["cache_creation_input_token_cost"] == Decimal(row["pricing"]["input_cache_write"])
        assert claude["max_tokens"] == claude["max_output_tokens"] == row["top_provider"]["max_completion_tokens"]
        assert claude["max_input_tokens"] == row["context_length"]
        assert claude["supports_vision"] is claude["supports_function_calling"] is True
        assert claude["supports_prompt_caching"] is shown["gammainfra/auto"]["supports_prompt_caching"] is True
        assert claude["mode"] == "chat"

    run(test())


def test_what_is_not_known_of_a_model_is_not_guessed(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            got = await ask(app.asgi, "GET", "/v1/model/info", headers=CALLER)
        shown = {row["model_name"]: row["model_info"] for row in got.json["data"]}
        local = shown["local/Qwen/Qwen3.5-Coder"]
        assert (local["max_tokens"], local["max_input_tokens"], local["supports_prompt_caching"]) == (None, None, False)
        assert not [name for name in local if "cost" in name]

    run(test())
