from __future__ import annotations

from pathlib import Path

import pytest

from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run

PAGE = "https://app.example"
ENVIRON = {"GAMMAINFRA_CORS_ORIGINS": f"{PAGE},http://localhost:3000"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-stainless-os"}


def test_a_configured_page_may_ask_and_read(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            asked = await ask(app.asgi, "OPTIONS", "/v1/chat/completions", headers={"origin": PAGE, **PREFLIGHT})
            answered = await ask(app.asgi, "GET", "/v1/models", headers={"origin": PAGE, **CALLER})
            refused = await ask(app.asgi, "POST", "/v1/chat/completions", headers={"origin": PAGE})
        assert (asked.status, asked.body) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert asked.headers["access-control-allow-headers"] == "authorization,x-stainless-os"
        assert answered.headers["access-control-allow-origin"] == PAGE
        assert answered.headers["vary"] == "Origin"
        assert refused.status == 401
        assert refused.headers["access-control-allow-origin"] == PAGE
        assert refused.headers["access-control-expose-headers"] == "x-request-id, x-should-retry"

    run(test())


def test_a_page_reads_our_headers(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, {**ENVIRON, "OPENAI_API_KEY": "k", **nowhere("OPENAI")}) as app:
            question = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
            headers = {"origin": PAGE, "x-gammainfra-max-latency-ms": "1", **CALLER}
            got = await ask(app.asgi, "POST", "/v1/chat/completions", question, headers)
        exposed = got.headers["access-control-expose-headers"].split(", ")
        assert {"x-request-id", "x-gammainfra-session-id", "x-gammainfra-fallback-chain"} <= set(exposed)
        assert "content-type" not in exposed

    run(test())


def nowhere(provider: str) -> dict[str, str]:
    """A provider where nobody listens."""
    return {f"GAMMAINFRA_PROVIDERS_{provider}_BASE_URL": "http://127.0.0.1:9/v1"}


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil", "null", "HTTPS://APP.EXAMPLE"])
def test_other_pages_may_not(origin: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, ENVIRON) as app:
            asked = await ask(app.asgi, "OPTIONS", "/v1/models", headers={"origin": origin, **PREFLIGHT})
            answered = await ask(app.asgi, "GET", "/v1/models", headers={"origin": origin, **CALLER})
        assert asked.status == 405
        assert not any(name.startswith("access-control") for name in {**asked.headers, **answered.headers})

    run(test())


def test_a_star_opens_the_api_to_every_page(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, {"GAMMAINFRA_CORS_ORIGINS": "*"}) as app:
            got = await ask(app.asgi, "GET", "/healthz", headers={"origin": "https://any.example"})
            plain = await ask(app.asgi, "GET", "/healthz")
            bare = await ask(app.asgi, "OPTIONS", "/v1/models", headers={"origin": PAGE, **PREFLIGHT_BARE})
        assert got.headers["access-control-allow-origin"] == "https://any.example"
        assert "access-control-allow-origin" not in plain.headers
        assert "access-control-allow-headers" not in bare.headers

    run(test())


PREFLIGHT_BARE = {"access-control-request-method": "GET"}


def test_without_the_setting_no_page_may_read_anything(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", "/v1/models", headers={"origin": PAGE, **CALLER})
        assert "access-control-allow-origin" not in got.headers

    run(test())
