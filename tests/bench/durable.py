"""``python -m tests.bench.durable``: what a durable hold and settle cost a request while the loop is 70 % busy.

Open loop: requests arrive at 200 and at 1,000 a second whatever happens; each holds, waits, settles, waits, and leaves
a record. A spinner keeps the loop's thread at 70 % of a core with pieces of Python as long as a request's. The lines
``nothing`` write nowhere: they show what the busy loop and the way through a thread cost by themselves. Closed loop:
256 clients without a spinner show how many hold+settle pairs a second there can be, over 1,000 accounts and on one.
Status 1 when a book is wrong after a run or a figure is beyond three times its goal.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests import postgres
from tests.bench import machine
from tests.bench.cases import percentile
from tests.bench.ledger_shapes import open_shape, prepare
from tests.bench.table import TOLERATED
from tests.bench.writers import WAYS, Port

_BUSY: Final = 0.7
_PIECE_S: Final = 0.0007
_TICK_S: Final = 0.001  # the finest that uvloop's timers know
_SWITCH_S: Final = 0.0005  # as `serve` sets it
_CLIENTS: Final = 256
_GOAL_P50_MS: Final = 2.0
_GOAL_P99_MS: Final = 15.0
_GOAL_RATE: Final = {"PostgreSQL": 5000.0}
_LOADS: Final = ((200, 1000), (1000, 1000), (1000, 1), (0, 1000), (0, 1))  # requests a second, accounts
_HEADS: Final = ("engine", "writer", "load", "accounts", "loop busy", "p50 ms", "p99 ms", "pairs/s", "verdict")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is run; a ``rate`` of 0 is the closed loop."""

    engine: str
    way: str
    rate: int
    accounts: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: waits of single holds and settles, pairs per second, and how busy the loop's thread was."""

    waits_us: list[int]
    rate: float
    busy: float


def main() -> int:
    """Run all; the exit status."""
    asked = _arguments()
    sys.setswitchinterval(_SWITCH_S)
    print(machine.described())
    print(f"calibration: {machine.calibration_us():.0f} us for a fixed piece of work\n")
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        places = {"SQLite": str(Path(folder) / "bench.sqlite3"), "PostgreSQL": server.url}
        runs, wrong = _measure(places, asked)
    rows = [_row(kind, several) for kind, several in runs.items()]
    beyond = sum(excess > TOLERATED for _, excess in rows)
    print(_markdown([cells for cells, _ in rows]))
    print(f"\ncalibration at the end: {machine.calibration_us():.0f} us")
    print(f"\nbench durable: {'FAIL' if wrong or beyond else 'PASS'} wrong={wrong} beyond_three_goals={beyond}")
    return 1 if wrong or beyond else 0


def _measure(places: dict[str, str], asked: argparse.Namespace) -> tuple[dict[Kind, list[Measured]], int]:
    """Round after round, and thread and process one after the other: a slow moment of the machine hits both."""
    runs: dict[Kind, list[Measured]] = {}
    wrong = 0
    for number in range(asked.rounds):
        for engine, load in ((engine, load) for engine in ("none", *places) for load in _LOADS):
            for way in ("thread", "process") if engine in places else ("nothing",):
                kind = Kind(engine, way, *load)
                measured, faults = _measure_once(kind, places.get(engine, ""), asked.seconds)
                runs.setdefault(kind, []).append(measured)
                wrong += faults
        print(f"round {number + 1} of {asked.rounds}", file=sys.stderr)
    return runs, wrong


def _measure_once(kind: Kind, where: str, seconds: float) -> tuple[Measured, int]:
    if where:
        prepare(where, kind.accounts)
    main = _open_loop(kind, where, seconds) if kind.rate else _closed_loop(kind, where, seconds)
    return _run(main), open_shape(where).wrong() if where else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.durable", description="Measure the durable path.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each run is made (default: 3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each run (default: 3)")
    return parser.parse_args()


def _run(main: Coroutine[Any, Any, Measured]) -> Measured:
    found: list[Measured] = []

    async def keep() -> None:
        found.append(await main)

    machine.run_loop(keep())
    return found[0]


async def _open_loop(kind: Kind, where: str, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    port = WAYS[kind.way](where)
    await port.open()
    waits_us: list[int] = []
    asked: set[asyncio.Task[None]] = set()
    chance = random.Random(1)
    begun, used = loop.time(), time.thread_time()
    spinner = loop.create_task(_spin(begun, used))
    due, number = begun, 0
    while due < begun + seconds:
        due += chance.expovariate(kind.rate)
        while due > loop.time():  # noqa: ASYNC110 - a time is waited for, not an event
            await asyncio.sleep(_TICK_S)
        number += 1
        task = loop.create_task(_one(port, number, f"u:{chance.randrange(kind.accounts)}", waits_us))
        asked.add(task)
        task.add_done_callback(asked.discard)
    busy = (time.thread_time() - used) / (loop.time() - begun)
    await asyncio.gather(*asked)
    rate = number / (loop.time() - begun)
    spinner.cancel()
    await port.close()
    return Measured(waits_us, rate, busy)


async def _closed_loop(kind: Kind, where: str, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    port = WAYS[kind.way](where)
    await port.open()
    waits_us: list[int] = []
    begun, used = loop.time(), time.thread_time()

    async def client(first: int) -> int:
        chance = random.Random(first)
        number = first
        while loop.time() < begun + seconds:
            await _one(port, number, f"u:{chance.randrange(kind.accounts)}", waits_us)
            number += _CLIENTS
        return (number - first) // _CLIENTS

    pairs = sum(await asyncio.gather(*map(client, range(_CLIENTS))))
    elapsed = loop.time() - begun
    busy = (time.thread_time() - used) / elapsed
    await port.close()
    return Measured(waits_us, pairs / elapsed, busy)


async def _one(port: Port, number: int, account: str, waits_us: list[int]) -> None:
    """One request: hold, settle, record."""
    for kind in ("hold", "settle"):
        begun = time.perf_counter_ns()
        await port.submit((kind, number, account, 1000 + number % 7))
        waits_us.append((time.perf_counter_ns() - begun) // 1000)
    port.record((number, account, 1000 + number % 7))


async def _spin(begun: float, used: float) -> None:
    """Keep this thread busy for the wanted share of the time, whatever else it does."""
    loop = asyncio.get_running_loop()
    while True:
        short = _BUSY * (loop.time() - begun) - (time.thread_time() - used)
        if short > 0:
            until = time.thread_time() + min(short, 2 * _PIECE_S)
            while time.thread_time() < until:
                pass
        await asyncio.sleep(_TICK_S)


def _row(kind: Kind, runs: list[Measured]) -> tuple[list[str], float]:
    """The medians of the rounds, and by how much they are beyond the goal."""
    p50, p99 = (statistics.median(percentile(run.waits_us, share) / 1000 for run in runs) for share in (0.5, 0.99))
    rate = statistics.median(run.rate for run in runs)
    excess = 0.0
    if kind.engine != "none":
        excess = max(p50 / _GOAL_P50_MS, p99 / _GOAL_P99_MS) if kind.rate else _GOAL_RATE.get(kind.engine, 0.0) / rate
    verdict = "control" if kind.engine == "none" else "met" if excess <= 1 else f"{excess:.1f} x the goal"
    cells = [
        kind.engine, kind.way, f"{kind.rate:,} req/s" if kind.rate else f"{_CLIENTS} clients",
        f"{kind.accounts:,}" if kind.accounts > 1 else "1 (hot)",
        f"{statistics.median(run.busy for run in runs):.0%}", f"{p50:.2f}", f"{p99:.1f}", f"{rate:,.0f}", verdict,
    ]  # fmt: skip
    return cells, excess


def _markdown(rows: list[list[str]]) -> str:
    lines = [list(_HEADS), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    printed = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    printed.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in printed)


if __name__ == "__main__":
    sys.exit(main())
