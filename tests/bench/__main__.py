"""``make bench``: measures the gateway against its goals and prints one table. ``--quick`` takes under a minute.

Cases are run in turn, round after round, so that a slow moment of the machine hits all of them; the figures are
medians over the rounds. Status 1 when an answer was wrong, when a record is missing, or when a figure is beyond three
times its goal: timings depend on the machine, so a smaller excess is only shown.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.bench import machine
from tests.bench.cases import CASES, Case, Run, busy_connections, check, doubt, percentile, pool
from tests.bench.gateway import ROOT, Gateway, environment, help_ms, provider
from tests.bench.load import Outcome
from tests.bench.table import TOLERATED, Row, markdown

_WARM = 0.1  # of a run's length
_WRITTEN_S = 0.2  # after a run, until its last records are in the store: they are part of its cost
_RUN_S = 90.0
_IDLE_S = 0.5


def main() -> int:
    """Run the bench; the exit status."""
    asked = _arguments()
    began = time.perf_counter()
    runs: dict[Case, list[Run]] = {case: [] for case in CASES}
    calibrations: list[float] = []
    with provider() as provider_port, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        starting = _starting(Path(folder), provider_port, asked.rounds)
        gateway = Gateway(Path(folder) / "measured", provider_port)
        try:
            warm = [_ask(case, gateway, provider_port, _WARM * asked.length) for case in CASES]
            for number in range(asked.rounds):
                calibrations.append(machine.calibration_us())
                for case in CASES:
                    runs[case].append(_ask(case, gateway, provider_port, asked.length))
                print(f"round {number + 1} of {asked.rounds}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
            loaded_mb = machine.memory_mb(gateway.running.pid)
        finally:
            gateway.stop()
        faults = [fault for case, several in runs.items() for run in several for fault in check(case, run)]
        answered = sum(run.through for several in [warm, *runs.values()] for run in several)
        recorded = gateway.records()
    if recorded != answered:
        faults.append(f"{recorded} records of {answered} answers")
    rows = [row for case, several in runs.items() for row in _rows(case, several)] + starting
    print(_machine(calibrations))
    print(f"{recorded} answers, each with its record in SQLite; memory after the load {loaded_mb or 0:.0f} MB\n")
    print(markdown(rows))
    for said in sorted({doubt(case, run) for case, several in runs.items() for run in several} - {""}):
        print(f"DOUBT: {said}")
    beyond = [row.name for row in rows if row.excess > TOLERATED]
    for said in [*(f"WRONG: {fault}" for fault in faults), *(f"beyond {TOLERATED:g} goals: {name}" for name in beyond)]:
        print(said)
    passed = not faults and not beyond
    print(f"\nbench: {'PASS' if passed else 'FAIL'} wrong={len(faults)} beyond_three_goals={len(beyond)}")
    return 0 if passed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description="Measure the gateway against its goals.")
    parser.add_argument("--quick", action="store_true", help="short runs, under a minute: good for a first look only")
    parser.add_argument("--rounds", type=int, default=3, help="how often each case is run (default: 3)")
    asked = parser.parse_args()
    asked.length = 0.15 if asked.quick else 1.0
    return asked


def _ask(case: Case, gateway: Gateway, provider_port: int, length: float) -> Run:
    """Run one case once."""
    job = case.job(gateway.port, provider_port, length)
    before_s = machine.cpu_s(gateway.running.pid)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        cwd=ROOT,
        env=environment(),
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        check=True,
        timeout=_RUN_S,
    )
    time.sleep(_WRITTEN_S)
    after_s = machine.cpu_s(gateway.running.pid)
    outcomes = msgspec.json.decode(done.stdout, type=list[Outcome])
    through = sum(
        len(outcome.latencies_us)
        for target, outcome in zip(job.targets, outcomes, strict=True)
        if target.attempts is not None
    )
    return Run(outcomes, through, None if before_s is None or after_s is None else after_s - before_s)


def _starting(folder: Path, provider_port: int, rounds: int) -> list[Row]:
    """How fast it is there, and what it holds when nobody asks."""
    ready: list[float] = []
    idle: list[float | None] = []
    for number in range(max(rounds, 3)):
        gateway = Gateway(folder / f"start-{number}", provider_port)
        ready.append(gateway.ready_ms)
        time.sleep(_IDLE_S)
        idle.append(machine.memory_mb(gateway.running.pid))
        gateway.stop()
    helped = [help_ms() for _ in range(5)]
    return [
        Row("gammainfra --help", "ms", 150, helped),
        Row("ready to serve, with a new database", "ms", 1000, ready),
        Row("idle memory", "MB", 80, [one for one in idle if one is not None]),
    ]


def _rows(case: Case, runs: list[Run]) -> list[Row]:
    beside = _beside(case, runs)
    rows = []
    for figure in case.figures:
        values = [value for run in runs if (value := figure.of(run)) is not None]
        pooled = figure.of(pool(runs)) if figure.pooled else None
        rows.append(Row(figure.name, figure.unit, figure.goal, values, pooled, beside))
    return rows


def _beside(case: Case, runs: list[Run]) -> list[str]:
    """Rate and latencies of the last target, which always is the one of interest."""
    latencies = pool(runs).outcomes[-1].latencies_us
    if not latencies:
        return ["", "", "", ""]
    p50, p99 = (f"{percentile(latencies, share) / 1000:.2f}" for share in (0.5, 0.99))
    if not case.closed:
        return ["", p50, p99, ""]
    rate = statistics.median(run.rps for run in runs)
    return [f"{rate:.0f}", p50, p99, f"{statistics.median(map(busy_connections, runs)):.1f}"]


def _machine(calibrations: list[float]) -> str:
    pinned = machine.pin(machine.LOAD_CORE)
    spread = f"{min(calibrations):.0f} - {max(calibrations):.0f}"
    lines = [
        machine.described(),
        f"gateway on core {machine.GATEWAY_CORE}, load and provider on core {machine.LOAD_CORE}"
        if pinned
        else "processes are not pinned to cores here: timings are rough",
        f"calibration: {statistics.median(calibrations):.0f} us ({spread}) for a fixed piece of work",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
