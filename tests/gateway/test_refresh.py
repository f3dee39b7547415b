from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gammainfra.app import App
from gammainfra.gateway.refresh import Listings, Refresh
from gammainfra.routing.roster import Roster
from gammainfra.simulate import ServerSpec, World
from tests.gateway_in_process import gateway, run

LLAMA = "groq/llama-3.3-70b-versatile"


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[tuple[App, World]]:
    """A gateway whose Groq lists its models, and whose Mistral and Azure have no list of use."""
    async with World((ServerSpec("groq"), ServerSpec("azure"))) as world:
        environ = {"GAMMAINFRA_PROVIDERS_MISTRAL_BASE_URL": "http://127.0.0.1:1/v1"}
        for name in ("groq", "azure"):
            environ[f"GAMMAINFRA_PROVIDERS_{name.upper()}_BASE_URL"] = world[name].base_url
            environ[f"GAMMAINFRA_PROVIDERS_{name.upper()}_API_KEY"] = "sk-provider-key"
        async with gateway(folder, environ) as app:
            yield app, world


def longest(app: App) -> int:
    """The longest answer that the catalog in force knows of the model."""
    catalog = app.services.roster.catalog
    (endpoint,) = catalog.endpoints[LLAMA]
    assert endpoint.model is catalog.models[LLAMA]
    return endpoint.model.capabilities.max_output_tokens


def test_what_a_provider_says_of_its_models_is_in_force_at_once_and_whole(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(tmp_path) as (app, _):
            before = app.services.roster
            assert longest(app) == 32_768
            await app.refresh.once()
            assert longest(app) == 65_536
            assert before.catalog.models[LLAMA].capabilities.max_output_tokens == 32_768
            now = app.services.roster
            await app.refresh.once()
            assert app.services.roster is now

    run(test())


def test_a_provider_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(tmp_path) as (app, world):
            await app.refresh.once()
            known = app.services.roster
            world["groq"].keys = frozenset({"another"})
            await app.refresh.once()
            await world["groq"].stop()
            await app.refresh.once()
            assert app.services.roster is known
            assert longest(app) == 65_536

    run(test())


def test_providers_are_asked_until_told_to_stop_and_never_unasked(tmp_path: Path) -> None:
    async def test() -> None:
        async with asking(tmp_path) as (app, _):
            before = app.services.roster
            await app.refresh.keep(0)
            assert app.services.roster is before
            asked = asyncio.Event()

            def rebuild(heard: Listings) -> Roster:
                asked.set()
                return app.refresh.rebuild(heard)

            keeping = asyncio.create_task(Refresh(app.services, app.hosts, app.upstream, rebuild).keep(3600))
            await asked.wait()
            keeping.cancel()
            assert longest(app) == 65_536

    run(test())
