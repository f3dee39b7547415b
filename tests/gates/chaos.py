"""gate-chaos: agent tasks through a storm in which one provider, and never the same one, is well.

A thousand tasks of 30 steps run in this process on a virtual clock: the real gateway from its ASGI door to its
database, with simulated providers that are only not asked over a socket. Forty more run over real HTTP, with the
gateway's patience and the providers' pace divided by ten.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gammainfra.app import App, Server, build, free_socket
from gammainfra.domain import limits
from gammainfra.settings import read_settings
from gammainfra.simulate import AgentTask, Pace, Record, ServerSpec, World
from gammainfra.store.database import FILE_NAME
from tests.asgi import ask
from tests.chaos.agent import Outcome, Send, work
from tests.chaos.books import Balance, balance
from tests.chaos.weather import Weather
from tests.chaos.wire import VirtualWire
from tests.conversations.virtual import LoopClock, VirtualLoop

STEPS = 30
FINISHED_PCT = 99.9
KEY = "sk-test-0123456789abcdef"
HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
PATH = "/v1/chat/completions"
SERVERS = ("openai", "anthropic", "deepseek")
MODELS = ("anthropic/claude-sonnet-4-6", "openai/gpt-5.4-mini", "deepseek/deepseek-v4-flash")
AT_ONCE = 25
UNSTREAMED_EVERY = 6
PAUSE_S = 2.0
HTTP_SCALE = 10
PATIENCE = ("FIRST_TOKEN_MIN_S", "FIRST_TOKEN_MAX_S", "GAP_S", "USAGE_GRACE_S", "SLEEP_S", "LINGER_S", "TOTAL_S")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the two halves, with what it found."""

    name: str
    outcomes: Sequence[Outcome]
    books: Balance
    seconds: float

    @property
    def finished_pct(self) -> float:
        return 100 * sum(outcome.is_fine for outcome in self.outcomes) / max(len(self.outcomes), 1)

    @property
    def wrong_effects(self) -> int:
        return sum(outcome.wrong_effects for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        books = self.books
        exact = books.diff_nano == 0 and books.unknown == 0
        return self.finished_pct >= FINISHED_PCT and self.wrong_effects == 0 and exact and books.absorbed > 0

    def show(self) -> str:
        books = self.books
        return (
            f"{self.name}: tasks={len(self.outcomes)} finished_pct={self.finished_pct:.2f} served={books.served} "
            f"visible={books.failed} absorbed={books.absorbed} estimated={books.estimated} unknown={books.unknown} "
            f"diff_nano={books.diff_nano} delay_ms_p50={books.delay_p50_ms:.0f} p99={books.delay_p99_ms:.0f} "
            f"seconds={self.seconds:.0f}"
        )


def main() -> int:
    """Run both parts; the status is 0 when both pass."""
    parser = argparse.ArgumentParser(prog="gate-chaos")
    parser.add_argument("--reduced", action="store_true", help="50 tasks on the virtual clock, 4 over HTTP")
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    tasks = given.tasks or (50 if given.reduced else 1000)
    parts = [virtual(tasks, given.seed), over_http(4 if given.reduced else 40, given.seed)]
    for part in parts:
        print(part.show())
        for outcome in [one for one in part.outcomes if not one.is_fine][:10]:
            print(f"    task {outcome.number}: {outcome.died or f'{outcome.wrong_effects} wrong effects'}")
    inside, http = parts
    passed = all(part.passed for part in parts)
    print(
        f"gate chaos: {'PASS' if passed else 'FAIL'} tasks={len(inside.outcomes)} "
        f"finished_pct={min(part.finished_pct for part in parts):.2f} "
        f"duplicates={sum(part.wrong_effects for part in parts)} "
        f"ledger_diff_nano={sum(part.books.diff_nano for part in parts)} http_tasks={len(http.outcomes)} "
        f"added_ms_p50={inside.books.delay_p50_ms:.0f} added_ms_p99={inside.books.delay_p99_ms:.0f}"
    )
    return 0 if passed else 1


def settings_of(folder: Path, origins: Mapping[str, str]) -> Any:
    """Settings that name the three providers."""
    environ = {"GAMMAINFRA_BOOTSTRAP_KEY": KEY, "GAMMAINFRA_DATA_DIR": str(folder), "GAMMAINFRA_LOG_LEVEL": "error"}
    for name in SERVERS:
        environ[f"{name.upper()}_API_KEY"] = f"sk-{name}"
        environ[f"GAMMAINFRA_PROVIDERS_{name.upper()}_BASE_URL"] = origins[name]
    return read_settings(environ=environ, folder=folder, home=folder, platform="linux")


def one_task(number: int, send: Send, *, pause_s: float) -> Coroutine[Any, Any, Outcome]:
    """The task of that number; every sixth does not stream."""
    stream = number % UNSTREAMED_EVERY != 0
    return work(number, AgentTask(STEPS), chain(number), send, stream=stream, pause_s=pause_s)


def chain(number: int) -> tuple[str, ...]:
    """The task's own order of models: every provider comes first in a third of the tasks."""
    first = number % len(MODELS)
    return MODELS[first:] + MODELS[:first]


# ---- on the virtual clock ------------------------------------------------------------------------------------------
def virtual(tasks: int, seed: int) -> Part:
    """Everything in this process, as fast as it goes; nothing waits but in virtual time."""
    began = time.monotonic()
    loop = VirtualLoop()
    clock = LoopClock(loop)
    world = World(
        [ServerSpec(name) for name in SERVERS],
        script=AgentTask(STEPS),
        schedule=Weather(seed, SERVERS, clock.now),
        pace=Pace(first_token_s=0.4, tokens_per_s=80, retry_after_s=3),
        clock=clock.wall,
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as name:
        origins = {server.name: f"http://127.0.0.1:9{server.vendor.base_path}" for server in world}
        wire = VirtualWire({server.name: server for server in world})
        app = build(settings_of(Path(name), origins), clock=clock, upstream=wire)
        try:
            outcomes = _run_virtually(loop, app, tasks)
        finally:
            app.writer.close()
            app.reader.close()
        books = balance(Path(name) / FILE_NAME, _records(world))
    loop.close()
    return Part("virtual", outcomes, books, time.monotonic() - began)


def _run_virtually(loop: VirtualLoop, app: App, tasks: int) -> list[Outcome]:
    async def send(body: Mapping[str, Any]) -> tuple[int, bytes]:
        got = await ask(app.asgi, "POST", PATH, body, HEADERS)
        return got.status, got.body

    outcomes: list[Outcome] = []
    for first in range(0, tasks, AT_ONCE):
        some = [
            loop.create_task(one_task(number, send, pause_s=PAUSE_S))
            for number in range(first, min(first + AT_ONCE, tasks))
        ]
        while not all(one.done() for one in some):
            loop.advance(60.0)
            app.writer.flush_blocking()  # the writer lives in real time, and its queue is bounded
        outcomes += [one.result() for one in some]
    loop.advance(600.0)  # what lingers ends
    if loop.mistakes:
        raise RuntimeError(f"the loop saw {loop.mistakes[:3]}")
    return outcomes


def _records(world: World) -> list[Record]:
    return [record for server in world for record in server.log]


# ---- over real HTTP ------------------------------------------------------------------------------------------------
def over_http(tasks: int, seed: int) -> Part:
    """Real sockets on loopback, real time, everything ten times as fast."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, _hurried():
        outcomes, records = asyncio.run(_over_http(tasks, seed, Path(name)))
        books = balance(Path(name) / FILE_NAME, records)
    return Part("http", outcomes, books, time.monotonic() - began)


async def _over_http(tasks: int, seed: int, folder: Path) -> tuple[list[Outcome], list[Record]]:
    world = World(
        [ServerSpec(name) for name in SERVERS],
        script=AgentTask(STEPS),
        schedule=Weather(seed, SERVERS, time.monotonic, spell_s=4.5),
        pace=Pace(first_token_s=0.04, tokens_per_s=800, retry_after_s=1, stall_limit_s=60),
        seed=seed,
    )
    async with world:
        app = build(settings_of(folder, {server.name: server.base_url for server in world}))
        server, socket = Server(app), free_socket("127.0.0.1", 0)
        serving = asyncio.create_task(server.serve([socket]))
        try:
            url = f"http://127.0.0.1:{socket.getsockname()[1]}{PATH}"
            outcomes = await _ask_over_http(url, tasks)
        finally:
            server.should_exit = True
            await serving
        return outcomes, _records(world)


async def _ask_over_http(url: str, tasks: int) -> list[Outcome]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)) as session:

        async def send(body: Mapping[str, Any]) -> tuple[int, bytes]:
            async with session.post(url, json=body, headers=HEADERS) as response:
                return response.status, await response.read()

        several = [one_task(number, send, pause_s=PAUSE_S / HTTP_SCALE) for number in range(tasks)]
        return list(await asyncio.gather(*several))


@contextlib.contextmanager
def _hurried() -> Iterator[None]:
    usual = {name: getattr(limits, name) for name in PATIENCE}
    try:
        for name, value in usual.items():
            setattr(limits, name, value / HTTP_SCALE)
        yield
    finally:
        for name, value in usual.items():
            setattr(limits, name, value)


if __name__ == "__main__":
    raise SystemExit(main())
