"""One agent task as a reader wants it: what it cost, which step was dearest, what failed and why nothing stopped.

Sums come from the session's own row, the story from its steps. It decides what counts as a gap and what stands in the
sentence; it prices nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from gammainfra.domain import limits
from gammainfra.store.dashboard import Mark
from gammainfra.store.rows import RequestRow, SessionRow
from gammainfra.web.dashboard import charts, words
from gammainfra.web.dashboard import format as show
from gammainfra.web.dashboard.desk import Ask

GAP_S: Final = 30.0  # longer than this between two steps, somebody or something outside was waited for
RUNNING_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a task. ``number`` counts from 1; ``gap_s`` is the pause before it, 0 when there was none."""

    number: int
    request: RequestRow
    marks: Sequence[Mark]
    gap_s: float
    sum_nano: int

    @property
    def failures(self) -> Sequence[Mark]:
        """Its attempts that failed."""
        return [mark for mark in self.marks if mark.outcome in {"absorbed", "failed"}]


@dataclass(frozen=True, slots=True)
class Task:
    """A session with its steps, oldest first. ``left_out`` steps came before them."""

    session: SessionRow
    steps: Sequence[Step]
    left_out: int
    is_running: bool

    @property
    def name(self) -> str:
        """Who did it, and when: what is known of a task without its text."""
        return f"{words.client(self.session.client)}, {show.clock(self.session.started_at)[:5]}"

    @property
    def spent_nano(self) -> int:
        """What it cost, with what absorbed attempts cost."""
        return self.session.cost_nano + self.session.absorbed_nano + self.session.fee_nano

    @property
    def dearest(self) -> Step | None:
        """The step that cost most."""
        priced = [step for step in self.steps if step.request.cost_nano]
        return max(priced, key=lambda step: step.request.cost_nano or 0, default=None)

    @property
    def story(self) -> str:
        """Which providers failed and how; "" when none did."""
        return words.absorbed_story([(mark.provider, mark.cause) for step in self.steps for mark in step.failures])

    @property
    def stopped(self) -> Sequence[Step]:
        """The steps that nothing saved."""
        return [step for step in self.steps if step.request.ending in {"failed", "timed_out"}]

    @property
    def rescuers(self) -> Sequence[tuple[str, int]]:
        """Who served the steps at which another one failed, and how many, the busiest first."""
        counts: dict[str, int] = {}
        for step in self.steps:
            if step.failures and step.request.ending == "served":
                counts[step.request.provider] = counts.get(step.request.provider, 0) + 1
        return sorted(counts.items(), key=lambda pair: -pair[1])

    @property
    def elapsed_ms(self) -> float:
        """From the first request to the end of the last."""
        last = self.steps[-1].request if self.steps else None
        end = self.session.last_at if last is None else max(self.session.last_at, last.at + last.latency_ms / 1000)
        return (end - self.session.started_at) * 1000

    @property
    def chart(self) -> Markup:
        """Cost by step, and the sum."""
        costs = [step.request.cost_nano or 0 for step in self.steps]
        kinds = [words.status(step.request)[0] for step in self.steps]
        says = [_says(step) for step in self.steps]
        dearest = self.dearest
        summary = f"{show.plural(len(costs), 'step')}, {show.money(sum(costs))} together"
        if dearest is not None:
            summary += f"; the dearest is step {dearest.number} with {show.money(dearest.request.cost_nano)}"
        return charts.steps(costs, kinds, says, "Cost of each step and their sum", summary + ".")


def read(ask: Ask, session_id: str) -> Task | None:
    """A task and its newest limits.DASHBOARD_STEPS steps; None when this account has no such session."""
    detail = ask.reader.session(ask.account_id, session_id, limits.DASHBOARD_STEPS)
    if detail is None:
        return None
    newest_first = detail.steps.rows
    marks = ask.reader.marks(newest_first)
    left_out = max(0, detail.session.requests - len(newest_first)) if detail.steps.cursor else 0
    is_running = ask.now - max((row.at + row.latency_ms / 1000 for row in newest_first), default=0.0) < RUNNING_S
    return Task(detail.session, _steps(newest_first, marks, left_out), left_out, is_running)


def newest(ask: Ask) -> Task | None:
    """The task with the latest activity, None when there is none yet."""
    page = ask.reader.sessions(ask.account_id, limit=1)
    return read(ask, page.rows[0].id) if page.rows else None


def _steps(newest_first: Sequence[RequestRow], marks: Mapping[int, Sequence[Mark]], left_out: int) -> Sequence[Step]:
    steps: list[Step] = []
    sum_nano, ended_at = 0, 0.0
    for number, row in enumerate(reversed(newest_first), left_out + 1):
        sum_nano += row.cost_nano or 0
        gap_s = row.at - ended_at if ended_at else 0.0
        steps.append(Step(number, row, marks.get(row.seq, ()), gap_s if gap_s > GAP_S else 0.0, sum_nano))
        ended_at = max(ended_at, row.at + row.latency_ms / 1000)
    return steps


def _says(step: Step) -> str:
    said = f"Step {step.number}: {show.money(step.request.cost_nano)}, {words.status(step.request)[1]}"
    failed = ", ".join(f"{mark.provider} {words.cause(mark.cause)}" for mark in step.failures)
    return f"{said} by {step.request.provider}; {failed}" if failed else f"{said} by {step.request.provider}"
