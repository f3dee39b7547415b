"""What is measured, and what should come out: the goals are the project's own, stated per case.

A case is one run of the load generator; its figure is made from what the run used and how long answers took.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench import bodies
from tests.bench.gateway import KEY
from tests.bench.load import Job, Outcome, Target

_CONNECTIONS: Final = 16
_LATE: Final = 1.08  # times as long as a paced stream should take
_RATE_PER_S: Final = 20.0  # of each target at low load


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case. ``through`` of its right answers came through the gateway, the rest went past it.

    ``cpu_s`` is what the gateway used in it, None where that cannot be measured.
    """

    outcomes: Sequence[Outcome]
    through: int
    cpu_s: float | None

    @property
    def answers(self) -> int:
        """Right answers through the gateway or past it."""
        return sum(len(one.latencies_us) for one in self.outcomes)

    @property
    def wrong(self) -> list[str]:
        """Every reason why an answer was wrong, with how often."""
        return [f"{times} x {reason}" for one in self.outcomes for reason, times in one.wrong.items()]

    @property
    def rps(self) -> float:
        """Answers a second."""
        return sum(len(one.latencies_us) / one.elapsed_s for one in self.outcomes if one.elapsed_s)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``of`` makes the value of a run, ``goal`` is its upper bound (None: there is none).

    ``pooled``: the answers of all rounds make one value, since one round has too few for it.
    """

    name: str
    unit: str
    goal: float | None
    of: Callable[[Run], float | None]
    pooled: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One job and what is read from it. ``closed`` cases keep all connections busy, which is checked."""

    job: Callable[[int, int, float], Job]  # ports of gateway and provider, length factor
    figures: tuple[Figure, ...]
    closed: bool = True
    paced: bool = False


def pool(runs: Sequence[Run]) -> Run:
    """All runs of a case as one; ``cpu_s`` is left out."""
    outcomes = []
    for parts in zip(*(run.outcomes for run in runs), strict=True):
        latencies_us = [latency for part in parts for latency in part.latencies_us]
        outcomes.append(Outcome(latencies_us, {}, sum(part.elapsed_s for part in parts)))
    return Run(outcomes, sum(run.through for run in runs), None)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the others lies; nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(share * (len(ranked) - 1)))]


# ---- processor time --------------------------------------------------------------------------------------------------
def _closed(seconds: float, model: str, size: bodies.Size, *, stream: bool = False) -> Callable[[int, int, float], Job]:
    def job(gateway: int, _provider: int, length: float) -> Job:
        target = Target(
            port=gateway, key=KEY, models=(model,), size=size, stream=stream, connections=_CONNECTIONS
        )  # fmt: skip
        return Job([target], seconds * length)

    return job


def _cpu_ms_per_request(run: Run) -> float | None:
    return None if run.cpu_s is None or not run.answers else run.cpu_s * 1000 / run.answers


def _cpu_us_per_chunk(run: Run) -> float | None:
    return None if run.cpu_s is None or not run.answers else run.cpu_s * 1e6 / (run.answers * bodies.CHUNKS)


def _json(name: str, size: bodies.Size, model: str, goal: float) -> Case:
    figure = Figure(f"JSON {size}, {name}", "CPU-ms / request", goal, _cpu_ms_per_request)
    return Case(_closed(2.5, model, size), (figure,))


def _stream(name: str, model: str, seconds: float, goal: float | None) -> Case:
    figure = Figure(f"SSE, {name}", "CPU-us / chunk", goal, _cpu_us_per_chunk)
    return Case(_closed(seconds, model, "1 KB", stream=True), (figure,), paced="paced" in name)


# ---- added time ------------------------------------------------------------------------------------------------------
def _added(share: float) -> Callable[[Run], float | None]:
    def figure(run: Run) -> float | None:
        before, after = (one.latencies_us for one in run.outcomes)
        return (percentile(after, share) - percentile(before, share)) / 1000 if before and after else None

    return figure


def _low_load(gateway: int, provider: int, length: float) -> Job:
    """The provider asked directly and through the gateway, in turn."""
    direct = Target(port=provider, key="sk-direct", models=("gpt-6.1-sol",), attempts=None)
    through = Target(port=gateway, key=KEY, models=(bodies.OPENAI,))
    return Job([direct, through], 7.0 * length, 2 * _RATE_PER_S)


def _fallback(gateway: int, _provider: int, length: float) -> Job:
    """A model that answers, and in turn one that is refused with 429 first; the second exchange is in the figure."""
    plain = Target(port=gateway, key=KEY, models=(bodies.OPENAI,))
    rescued = Target(port=gateway, key=KEY, models=(bodies.REFUSING, bodies.OPENAI), attempts=2)
    return Job([plain, rescued], 7.0 * length, 2 * _RATE_PER_S)


CASES: Final = (
    _json("same dialect", "1 KB", bodies.OPENAI, 0.7),
    _json("OpenAI -> Anthropic", "1 KB", bodies.ANTHROPIC, 0.7),
    _json("gammainfra/auto", "1 KB", bodies.AUTO, 0.7),
    _json("same dialect", "50 KB", bodies.OPENAI, 1.2),
    _json("OpenAI -> Anthropic", "50 KB", bodies.ANTHROPIC, 1.2),
    _stream("burst of 200, same dialect", bodies.OPENAI, 2.5, None),
    _stream("burst of 200, OpenAI -> Anthropic", bodies.ANTHROPIC, 2.5, None),
    _stream("5 ms paced, same dialect", bodies.OPENAI_PACED, 3.0, 90),
    _stream("5 ms paced, OpenAI -> Anthropic", bodies.ANTHROPIC_PACED, 3.0, 90),
    Case(
        _low_load,
        (
            Figure("added at 20 requests/s, p50", "ms", 1.5, _added(0.5)),
            Figure("added at 20 requests/s, p99", "ms", 15, _added(0.99), pooled=True),
        ),
        closed=False,
    ),
    Case(_fallback, (Figure("added by a fallback after a 429, p50", "ms", 1.0, _added(0.5)),), closed=False),
)


def busy_connections(run: Run) -> float:
    """How many connections were really busy in a closed loop: answers a second times the mean latency (Little's law).

    One that is lost without a word makes a fine median, and is missing here.
    """
    latencies_us = run.outcomes[0].latencies_us
    return run.rps * statistics.fmean(latencies_us) / 1e6 if latencies_us else 0.0


def doubt(case: Case, run: Run) -> str:
    """Why a paced figure is too good, "" when it is not: chunks that had to wait leave together, which is cheaper."""
    due_us = bodies.CHUNKS * bodies.GAP_S * 1e6
    if not case.paced or not run.answers or statistics.median(run.outcomes[0].latencies_us) <= _LATE * due_us:
        return ""
    return f"{case.figures[0].name}: the machine was too busy to keep the pace, so chunks ran together"


def check(case: Case, run: Run) -> list[str]:
    """What is wrong with a run, in words: a fast error is no result."""
    faults = run.wrong
    if not run.answers:
        faults = [*faults, "no answer was right"]
    elif case.closed and not 0.75 * _CONNECTIONS <= busy_connections(run) <= 1.05 * _CONNECTIONS:
        faults = [*faults, f"only {busy_connections(run):.1f} of {_CONNECTIONS} connections were busy"]
    return [f"{case.figures[0].name}: {fault}" for fault in faults]
