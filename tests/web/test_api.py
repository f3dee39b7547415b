from __future__ import annotations

from pathlib import Path

import pytest

from gammainfra.simulate import Fixed, ServerSpec, Turn, World
from gammainfra.web.incoming import Incoming
from tests.asgi import ask
from tests.gateway_in_process import CALLER, KEY, gateway, run

QUESTION = {"model": "openai/gpt-4.1", "messages": [{"role": "user", "content": "Hello."}]}
OPENAI = {"OPENAI_API_KEY": "sk-a"}


@pytest.mark.parametrize(
    ("method", "target", "status", "code", "words"),
    [
        ("GET", "/", 404, "not_found", "There is no / here. Let the base URL end with /v1"),
        ("POST", "/chat/completions", 404, "not_found", "/v1/chat/completions"),
        ("GET", "/v1/nothing", 404, "not_found", "There is no /v1/nothing here"),
        ("POST", "/v1/completions", 404, "not_supported", "Use /v1/chat/completions"),
        ("POST", "/v1/audio/speech", 404, "not_supported", "ask the provider directly"),
        ("POST", "/v1/images/generations", 404, "not_supported", "ask the provider directly"),
        ("POST", "/v1/embeddings", 404, "not_supported", "ask the provider directly"),
        ("POST", "/v1/moderations", 404, "not_supported", "ask the provider directly"),
        ("POST", "/v1/rerank", 404, "not_supported", "ask the provider directly"),
        ("GET", "/v1/batches/", 404, "not_supported", "one by one"),
        ("POST", "/v1/audiobook", 404, "not_found", "There is no /v1/audiobook"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed", "use POST"),
        ("DELETE", "/v1/models", 405, "method_not_allowed", "use GET"),
        ("PUT", "/v1/models/openai/gpt-5", 405, "method_not_allowed", "use GET"),
        ("OPTIONS", "/v1/models", 405, "method_not_allowed", "use GET"),
    ],
)
def test_what_is_not_here_is_said_with_what_to_do(  # noqa: PLR0917 - a table of cases
    method: str, target: str, status: int, code: str, words: str, tmp_path: Path
) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, method, target, headers=CALLER)
        assert (got.status, got.error["code"]) == (status, code)
        assert words in got.error["message"]
        assert got.headers["content-type"] == "application/json"
        assert got.headers["x-should-retry"] == "false"
        assert got.headers["x-request-id"] == got.error["request_id"]
        assert got.headers["content-length"] == str(len(got.body))

    run(test())


@pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("credential", [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}])
def test_every_spelling_of_address_and_key_is_answered(
    prefix: str, slash: str, credential: dict[str, str], tmp_path: Path
) -> None:
    async def test() -> None:
        world = World((ServerSpec("openai"),), script=Fixed(Turn(text="Hello.")))
        async with world:
            environ = {**OPENAI, "GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": world.openai.base_url}
            async with gateway(tmp_path, environ) as app:
                listed = await ask(app.asgi, "GET", f"{prefix}/models{slash}", headers=credential)
                answered = await ask(app.asgi, "POST", f"{prefix}/chat/completions{slash}", QUESTION, credential)
        assert listed.json["object"] == "list"
        assert answered.json["choices"][0]["message"]["content"] == "Hello."

    run(test())


def test_a_request_without_a_good_key_is_refused_before_its_body_is_read(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            for headers in ({}, {"authorization": "Bearer sk-wrong"}, {"x-api-key": "ä" * 9}):
                got = await ask(app.asgi, "POST", "/v1/chat/completions", headers=headers, pieces=[], hang_up=True)
                assert (got.status, got.error["code"]) == (401, "invalid_api_key")
                got = await ask(app.asgi, "GET", "/v1/models", headers=headers)
                assert (got.status, got.error["type"]) == (401, "authentication_error")

    run(test())


def test_headers_that_are_too_long_are_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", "/v1/models", headers={**CALLER, "x-long": "a" * 70_000})
        assert (got.status, got.error["code"]) == (431, "headers_too_large")
        assert "64 KiB" in got.error["message"]

    run(test())


def test_an_announced_body_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            headers = {**CALLER, "content-length": "40000000"}
            got = await ask(app.asgi, "POST", "/v1/chat/completions", headers=headers, pieces=[])
            assert app.services.admission.requests == app.services.admission.n_bytes == 0
        assert (got.status, got.error["code"]) == (413, "request_too_large")
        assert "40000000 bytes; at most 32 MiB" in got.error["message"]

    run(test())


def test_a_client_that_hangs_up_inside_its_body_gets_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, OPENAI) as app:
            got = await ask(app.asgi, "POST", "/v1/chat/completions", headers=CALLER, pieces=[b'{"mod'], hang_up=True)
            assert app.services.admission.requests == app.services.admission.n_bytes == 0
            assert app.services.turns.running == 0
        assert (got.status, got.pieces) == (0, [])

    run(test())


def test_a_body_in_pieces_is_answered(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            pieces = [b'{"model":"gpt-', b'5","messages":[{"role":"us', b'er","content":"x"}]}']
            got = await ask(app.asgi, "POST", "/v1/chat/completions", headers=CALLER, pieces=pieces)
        assert (got.status, got.error["code"]) == (503, "no_provider_configured")
        assert "OPENAI_API_KEY" in got.error["message"]

    run(test())


def test_head_is_get_without_a_body(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "HEAD", "/v1/models", headers=CALLER)
            whole = await ask(app.asgi, "GET", "/v1/models", headers=CALLER)
            missing = await ask(app.asgi, "HEAD", "/v1/nothing", headers=CALLER)
        assert (got.status, got.body) == (200, b"")
        assert got.headers["content-length"] == str(len(whole.body))
        assert (missing.status, missing.body) == (404, b"")

    run(test())


def test_a_defect_is_one_error_without_details(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail(request: Incoming) -> None:
        raise LookupError("canary-4f1b2d")

    async def test() -> None:
        async with gateway(tmp_path) as app:
            app.asgi._routes["GET", "/v1/models"] = fail
            got = await ask(app.asgi, "GET", "/v1/models", headers=CALLER)
            metrics = await ask(app.asgi, "GET", "/metrics")
        assert (got.status, got.error["code"], got.headers["x-should-retry"]) == (500, "internal_error", "true")
        assert got.error["request_id"] in got.error["message"]
        assert "canary" not in got.body.decode()
        assert "gammainfra_defects_total 1.0" in metrics.body.decode()
        logged = capsys.readouterr().err
        assert got.error["request_id"] in logged
        assert "LookupError" in logged
        assert "test_api.py" in logged
        assert "canary" not in logged

    run(test())


def test_a_defect_after_the_answer_began_cuts_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail_late(request: Incoming) -> None:
        await request.send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError

    async def test() -> None:
        async with gateway(tmp_path) as app:
            app.asgi._routes["GET", "/v1/models"] = fail_late
            began: list[str] = []

            async def send(message: dict[str, object]) -> None:
                if began:
                    raise RuntimeError("an answer has begun")  # as the server says it
                began.append(str(message["type"]))

            scope = {"type": "http", "method": "GET", "path": "/v1/models", "query_string": b"", "headers": []}
            await app.asgi(scope, None, send)  # type: ignore[arg-type]
        assert began == ["http.response.start"]
        assert "defect in gen-" in capsys.readouterr().err

    run(test())


def test_other_kinds_of_connections_are_left_alone(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            await app.asgi({"type": "websocket"}, None, None)  # type: ignore[arg-type]
            assert app.services.admission.requests == 0

    run(test())
