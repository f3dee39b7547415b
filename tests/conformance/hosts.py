"""Every provider that there is, with the simulated server that plays it: what the conformance suite runs over.

A new provider file is held from the day it exists: one whose vendor has no simulator of its own is served by the
simulator of its dialect. The hosts that ``[providers.<name>]`` makes are held like files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gammainfra.app import App
from gammainfra.providers import registry
from gammainfra.providers.compatible import DIALECTS
from gammainfra.providers.provider import Provider
from gammainfra.simulate import Never, Pace, Schedule, Script, ServerSpec, SimulatedProvider, World
from gammainfra.simulate.server import VENDORS
from tests.gateway_in_process import gateway

# Who plays a dialect, and which of its models is asked.
PLAYERS = {"openai_chat": "openai", "anthropic": "anthropic", "bedrock": "bedrock", "gemini": "gemini"}
MODELS = {
    "openai": "gpt-4.1",
    "anthropic": "claude-opus-4-6",
    "deepseek": "deepseek-v4-pro",
    "mistral": "mistral-medium-3-5",
    "groq": "gpt-oss-120b",
    "xai": "grok-4.5",
    "openrouter": "anthropic/claude-opus-4.6",
    "azure": "gpt-4.1",
    "bedrock": "claude-opus-4-6",
    "gemini": "gemini-3.5-flash",
    "vertex": "gemini-3.5-flash",
}
PACE = Pace(slow_first_token_s=0.0, retry_after_s=1)


@dataclass(frozen=True, slots=True)
class Host:
    """``name`` is the provider's in the settings, ``own`` that it is none of ours."""

    name: str
    dialect: str
    own: bool = False

    @property
    def vendor(self) -> str:
        """Whose simulated server plays it."""
        return self.name if self.name in VENDORS else PLAYERS[self.dialect]

    @property
    def model(self) -> str:
        """The model that is asked, as a caller writes it."""
        return f"{self.name}/{MODELS[self.vendor]}"

    def environ(self, base_url: str) -> Mapping[str, str]:
        """The variables that configure it and nobody else."""
        prefix = f"GAMMAINFRA_PROVIDERS_{self.name.upper()}_"
        given = {prefix + "BASE_URL": base_url, prefix + "API_KEY": "sk-provider-key"}
        return {**given, prefix + "DIALECT": self.dialect} if self.own else given


PROVIDERS: tuple[Provider, ...] = tuple(registry.known().values())
OWN = tuple(Host(f"own{n}", dialect, own=True) for n, dialect in enumerate(DIALECTS, 1))
HOSTS = (*(Host(provider.name, provider.dialect.name) for provider in PROVIDERS), *OWN)


@dataclass(frozen=True, slots=True)
class Playing:
    """A gateway with one provider, and the server that plays it."""

    app: App
    server: SimulatedProvider


@asynccontextmanager
async def playing(
    host: Host, folder: Path, script: Script, schedule: Schedule | None = None, pace: Pace = PACE
) -> AsyncIterator[Playing]:
    """A gateway that knows ``host`` alone, on top of a world that follows the script and the schedule."""
    world = World((ServerSpec(host.vendor, name="played"),), script=script, schedule=schedule or Never(), pace=pace)
    async with world, gateway(folder, host.environ(world["played"].base_url)) as app:
        yield Playing(app, world["played"])
