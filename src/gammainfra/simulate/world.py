"""A group of simulated providers that share a clock, a script and the memory of which step was shown first.
It decides who listens where; it never looks into a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from gammainfra.simulate.pace import Pace
from gammainfra.simulate.schedule import Never, Schedule, StepMemory
from gammainfra.simulate.script import Echo, Script
from gammainfra.simulate.server import VENDORS, ServerSpec, SimulatedProvider

DEFAULT_SERVERS = tuple(ServerSpec(vendor) for vendor in VENDORS)


class World:
    """Simulated providers on 127.0.0.1, listening inside ``async with``.

    ``clock`` gives epoch seconds; cache lifetimes and time stamps follow it, pacing follows the event loop.
    Ids are the same in every world with the same ``seed``.
    """

    def __init__(
        self,
        servers: Sequence[ServerSpec] = DEFAULT_SERVERS,
        *,
        script: Script | None = None,
        schedule: Schedule | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
    ) -> None:
        steps = StepMemory()
        self.clock = clock
        self._servers: dict[str, SimulatedProvider] = {}
        for spec in servers:
            server = SimulatedProvider(
                spec,
                script=script or Echo(),
                schedule=schedule or Never(),
                pace=pace or Pace(),
                steps=steps,
                clock=clock,
                seed=seed,
            )
            if server.name in self._servers:
                raise ValueError(f"two servers are called {server.name!r}")
            self._servers[server.name] = server
        self._stack = AsyncExitStack()

    def __getitem__(self, name: str) -> SimulatedProvider:
        return self._servers[name]

    def __iter__(self) -> Iterator[SimulatedProvider]:
        return iter(self._servers.values())

    @property
    def openai(self) -> SimulatedProvider:
        """The server called ``openai``."""
        return self["openai"]

    @property
    def anthropic(self) -> SimulatedProvider:
        """The server called ``anthropic``."""
        return self["anthropic"]

    @property
    def deepseek(self) -> SimulatedProvider:
        """The server called ``deepseek``."""
        return self["deepseek"]

    @property
    def gemini(self) -> SimulatedProvider:
        """The server called ``gemini``."""
        return self["gemini"]

    def set_script(self, script: Script) -> None:
        """Gives every server this script."""
        for server in self:
            server.script = script

    def set_schedule(self, schedule: Schedule) -> None:
        """Gives every server this schedule."""
        for server in self:
            server.schedule = schedule

    def reset(self) -> None:
        """Every server forgets its log, cache and counts, and the group its first dispatches."""
        for server in self:
            server.reset()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for server in self:
                await server.start()
                stack.push_async_callback(server.stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
