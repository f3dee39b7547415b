"""The pretended providers and the real gateway, in a thread of their own, on loopback, in a folder that goes away.

It decides where everything listens and when it ends. It never takes part in the task: the agent meets it by HTTP only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from gammainfra.app import App, Server, build, free_socket
from gammainfra.settings import Settings, read_settings
from gammainfra.simulate import Dispatch, Fault, Pace, Record, Schedule, Script, ServerSpec, World

HOST: Final = "127.0.0.1"
KEY: Final = "sk-demo-key-of-the-demo-only"
_VENDORS: Final = ("openai", "anthropic", "deepseek")
_START_S: Final = 30.0
_QUIET_S: Final = 10.0

T = TypeVar("T")
Tell = Callable[[Dispatch, Fault | None], None]


@dataclass(frozen=True, slots=True)
class Overheard:
    """A schedule that tells of every request what is going to happen to it. ``tell`` is called in the loop's thread."""

    schedule: Schedule
    tell: Tell

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        """What the schedule says."""
        fault = self.schedule(dispatch)
        self.tell(dispatch, fault)
        return fault


class Backstage:
    """Use it as a context manager. ``folder`` must exist; with ``gateway=False`` only the providers are there."""

    def __init__(
        self,
        folder: Path,
        *,
        script: Script,
        schedule: Schedule,
        pace: Pace,
        seed: int,
        vendors: tuple[str, ...] = _VENDORS,
        gateway: bool = True,
    ) -> None:
        specs = [ServerSpec(vendor) for vendor in vendors]
        self.world = World(specs, script=script, schedule=schedule, pace=pace, seed=seed)
        self.base_url = ""
        self._app: App | None = None
        self._folder = folder
        self._gateway = gateway
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="gammainfra-demo", daemon=True)

    @property
    def app(self) -> App:
        """The gateway; AssertionError when there is none."""
        assert self._app is not None, "there is no gateway backstage"  # noqa: S101 - a mistake of the caller
        return self._app

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result(_START_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def records(self) -> list[Record]:
        """Every generation request that a provider got, in the order of arrival; waits until all have ended."""
        return self._ask(self._records())

    def dashboard_link(self) -> str:
        """An address that opens the gateway's dashboard, once."""
        return f"{self.base_url.removesuffix('/v1')}/dashboard/login?token={self.app.links.make()}"

    def flush(self) -> None:
        """Wait until the store has everything."""
        self._ask(self.app.writer.flush())

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(_QUIET_S + 1)

    async def _records(self) -> list[Record]:
        async with asyncio.timeout(_QUIET_S):
            while any(server.in_flight for server in self.world):  # noqa: ASYNC110 - servers have no event for it
                await asyncio.sleep(0.01)
        return sorted((one for server in self.world for one in server.log.generations), key=lambda one: one.at_s)

    # ---- its own thread ---------------------------------------------------------------------------------------------
    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._live())
        finally:
            if not self._ready.done():
                self._ready.set_exception(RuntimeError("the demo could not start its servers"))

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.world)
            if self._gateway:
                await self._open(stack)
            self._ready.set_result(None)
            await self._stop.wait()

    async def _open(self, stack: AsyncExitStack) -> None:
        self._app = build(self._settings())
        listening = free_socket(HOST, 0)
        server = Server(self._app)
        serving = asyncio.create_task(server.serve(sockets=[listening]))

        async def end() -> None:
            server.should_exit = True
            await serving

        stack.push_async_callback(end)
        self.base_url = f"http://{HOST}:{listening.getsockname()[1]}/v1"

    def _settings(self) -> Settings:
        """Nothing of the machine's own: no variable, no file, no key is read."""
        environ = {"GAMMAINFRA_BOOTSTRAP_KEY": KEY}
        for server in self.world:
            name = server.name.upper()
            environ |= {f"{name}_API_KEY": "sk-demo", f"GAMMAINFRA_PROVIDERS_{name}_BASE_URL": server.base_url}
        flags = {"server.data_dir": "gateway", "log.level": "error", "server.drain_s": "1"}
        return read_settings(flags=flags, environ=environ, folder=self._folder, home=self._folder)
