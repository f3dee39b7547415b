"""A whole gateway inside the test: built as ``gammainfra serve`` builds it, asked without a socket of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gammainfra.app import App, build
from gammainfra.settings import Settings, read_settings
from tests.asgi import Got, ask

KEY = "sk-test-0123456789abcdef"
CALLER = {"authorization": f"Bearer {KEY}"}


def settings_in(folder: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from variables alone, with the data in ``folder``."""
    given = {"GAMMAINFRA_BOOTSTRAP_KEY": KEY, "GAMMAINFRA_DATA_DIR": str(folder / "data"), **(environ or {})}
    return read_settings(environ=given, folder=folder, home=folder / "home", platform="linux")


@asynccontextmanager
async def gateway(folder: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[App]:
    """A gateway, closed at the end."""
    app = build(settings_in(folder, environ))
    try:
        yield app
    finally:
        await app.close()


async def chat(app: App, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Got:
    """POST /v1/chat/completions with the test's key."""
    return await ask(app.asgi, "POST", "/v1/chat/completions", body, {**CALLER, **(headers or {})})


def run(test: Coroutine[Any, Any, None], limit_s: float = 30.0) -> None:
    """asyncio.run with a limit: what hangs fails."""

    async def limited() -> None:
        async with asyncio.timeout(limit_s):
            await test

    asyncio.run(limited())
