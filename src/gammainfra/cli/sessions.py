"""The command ``gammainfra sessions``: agent tasks by their last activity, or one task step by step.

It shows what is stored: sums come from the task's own row, the story from its steps and their attempts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from gammainfra.accounts.keys import LOCAL_ACCOUNT
from gammainfra.cli.options import add_settings, complain
from gammainfra.cli.stored import add_period, count_of, period_of, print_json, read
from gammainfra.cli.table import Column, printable, show
from gammainfra.domain import limits
from gammainfra.store.dashboard import DashboardReader, Mark
from gammainfra.store.rows import RequestRow, SessionRow
from gammainfra.web.answers import fields
from gammainfra.web.dashboard import format as shown
from gammainfra.web.request_log import COLUMNS as REQUEST_COLUMNS
from gammainfra.web.sessions import COLUMNS as SESSION_COLUMNS

_TASKS: Final = (
    Column("last activity"), Column("session"), Column("client"), Column("steps", right=True),
    Column("failed", right=True), Column("rescued", right=True), Column("attempts", right=True),
    Column("cached", right=True), Column("cost", right=True), Column("absorbed", right=True), Column("endpoint"),
)  # fmt: skip
_STYLES: Final = {"served": "green", "failed": "red", "timed_out": "red", "abandoned": "yellow", "stopped": "yellow"}
_STEPS: Final = (
    Column("step", right=True), Column("time"), Column("ending", styles=_STYLES), Column("prompt", right=True),
    Column("cached", right=True), Column("answer", right=True), Column("cost", right=True), Column("sum", right=True),
    Column("took", right=True), Column("attempts"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``[SESSION] [--from TIME] [--to TIME] [--limit N] [--json]``."""
    add_settings(parser)
    parser.add_argument("session", nargs="?", metavar="SESSION", help="one task by its id, as listed")
    add_period(parser)
    parser.add_argument("--limit", default="20", metavar="N", help="tasks to list (default: 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a task")


def run(arguments: argparse.Namespace) -> int:
    """List tasks, or show one; the status is 1 when there is no such task."""
    return read(arguments, lambda reader: (_one if arguments.session else _every)(arguments, reader))


def _every(arguments: argparse.Namespace, reader: DashboardReader) -> int:
    since, until = period_of(arguments, 0.0)
    limit = count_of(arguments, limits.PAGE_ROWS)
    tasks = reader.sessions(LOCAL_ACCOUNT, limit=limit, since=since, until=until).rows
    if arguments.json:
        for task in tasks:
            print_json(fields(task, SESSION_COLUMNS))
    elif tasks:
        show(_TASKS, map(_row, tasks))
    else:
        complain("there is no task here yet: point an agent at the gateway (gammainfra connect)")
    return 0


def _row(task: SessionRow) -> Sequence[str]:
    return (
        shown.full(task.last_at)[:19], task.id, task.client or shown.UNKNOWN, str(task.steps), str(task.failed),
        str(task.rescued), str(task.attempts), _cached(task), shown.cost(task.cost_nano),
        shown.cost(task.absorbed_nano), task.endpoint or shown.UNKNOWN,
    )  # fmt: skip


def _cached(row: SessionRow | RequestRow) -> str:
    return shown.share(row.usage.cache_read_tokens, row.usage.prompt_tokens)


# ---- one task --------------------------------------------------------------------------------------------------------
def _one(arguments: argparse.Namespace, reader: DashboardReader) -> int:
    detail = reader.session(LOCAL_ACCOUNT, arguments.session, limits.DASHBOARD_STEPS)
    if detail is None:
        return complain(f"there is no session {printable(arguments.session)} (the ids: gammainfra sessions)")
    steps = detail.steps.rows[::-1]
    marks = reader.marks(steps)
    if arguments.json:
        log = [{**fields(step, REQUEST_COLUMNS), "tried": _tried(marks.get(step.seq, ()))} for step in steps]
        print_json({**fields(detail.session, SESSION_COLUMNS), "log": log})
        return 0
    print("\n".join(map(printable, _sums(detail.session))), end="\n\n")
    sum_nano, rows = 0, []
    for step in steps:
        sum_nano += step.cost_nano or 0
        rows.append(_step(step, marks.get(step.seq, ()), sum_nano))
    show(_STEPS, rows)
    if detail.steps.cursor is not None:
        earlier = detail.session.requests - len(steps)
        complain(f"{earlier} earlier requests are not shown: gammainfra export requests --session {detail.session.id}")
    return 0


def _tried(marks: Sequence[Mark]) -> list[dict[str, str | None]]:
    return [{"endpoint": one.endpoint, "outcome": one.outcome, "cause": one.cause or None} for one in marks]


def _sums(task: SessionRow) -> list[str]:
    about = ", ".join(filter(None, (task.client, task.label, f"named by {task.named_by}")))
    lines = [
        f"{task.id} ({about})",
        f"  time      {shown.full(task.started_at)[:19]} to {shown.full(task.last_at)[:19]} UTC",
        f"  requests  {task.requests}: {task.steps} served, {task.failed} failed, {task.rescued} rescued",
        f"  attempts  {task.attempts}, {task.absorbed_attempts} absorbed",
        f"  cached    {_cached(task)} of {shown.count(task.usage.prompt_tokens)} prompt tokens",
        f"  cost      {shown.exact(task.cost_nano)}",
        f"  absorbed  {shown.exact(task.absorbed_nano)}",
    ]
    return [*lines, f"  unpriced  {task.unpriced} requests, which are not in the cost"] if task.unpriced else lines


def _step(step: RequestRow, marks: Sequence[Mark], sum_nano: int) -> Sequence[str]:
    usage = step.usage
    return (
        str(step.session_step), shown.clock(step.at), step.ending, shown.count(usage.prompt_tokens), _cached(step),
        shown.count(usage.completion_tokens), shown.cost(step.cost_nano), shown.cost(sum_nano),
        shown.duration(step.latency_ms), ", ".join(map(_said, marks)),
    )  # fmt: skip


def _said(mark: Mark) -> str:
    return f"{mark.endpoint} {mark.cause or mark.outcome}"
