"""One trial: a fresh world of providers with one fault, a fresh gateway, one agent with one task, and what came of it.

It decides what is counted and when a trial has passed; which trials there are is the gates' matter.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gammainfra.simulate import (
    NEEDS_CALLS,
    STREAM_ONLY,
    TEXT_FIRST,
    AgentTask,
    Always,
    Fault,
    FirstOfEachStep,
    Pace,
    ServerSpec,
    World,
)
from gammainfra.simulate.agent_task import INPUT_FILE
from gammainfra.store.rows import RequestRow
from tests.clients.agents import Agent, Launch, Place
from tests.clients.gateway import KEY, read_books, running
from tests.clients.task import JournalledTask, count_duplicates, count_files

Case = Literal["a", "b"]
Primary = Literal["openai", "anthropic"]

MODELS: Mapping[Primary, str] = {"openai": "openai/gpt-5.4", "anthropic": "anthropic/claude-sonnet-4-6"}
BARE_MODEL = "gpt-5.4"
SIGN_IN_S = 60.0
PACE = Pace(first_token_s=0.005, tokens_per_s=4000.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Case ``a``: the primary always fails, the others are healthy. Case ``b``: the first dispatch of every step fails,
    whoever gets it. ``fault`` None is a control without any. ``bare`` is the other control: the client asks the
    simulated OpenAI itself, and the counts show what the gateway saves it from.
    """

    agent: Agent
    fault: Fault | None
    case: Case
    primary: Primary
    steps: int
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    ``visible`` counts what a client could notice: answers of the gateway that were no answers, requests beyond one per
    step, errors in the client's own output, last words that are not the model's. ``refused`` are requests that a
    provider refused without a fault: the gateway wrote something it should not have. ``surplus_calls``: tool calls in
    the history that nobody should have.
    """

    trial: Trial
    rc: int | None
    files: int
    files_due: int
    duplicates: int
    surplus_calls: int
    injected: int
    visible: int
    refused: Sequence[str]
    requests: int
    wall_s: float
    slowest_s: float

    @property
    def injected_due(self) -> int:
        """How many faults must have happened for the trial to count."""
        if self.trial.fault is None:
            return 0
        talks = self.trial.fault in NEEDS_CALLS  # the last step calls no tool
        return self.trial.steps - talks if self.trial.case == "b" else 1

    @property
    def passed(self) -> bool:
        """Every file once, the client content, and the fault really there."""
        clean = self.duplicates == self.surplus_calls == self.visible == len(self.refused) == 0
        return self.rc == 0 and self.files == self.files_due and clean and self.injected >= self.injected_due


def build_world(trial: Trial, script: JournalledTask) -> World:
    """The providers of a trial."""
    specs = [ServerSpec("openai"), ServerSpec("anthropic"), ServerSpec("deepseek")]
    if trial.fault is None:
        return World(specs, script=script, pace=PACE)
    if trial.case == "b":
        return World(specs, script=script, pace=PACE, schedule=FirstOfEachStep(trial.fault))
    faulty = Always(trial.fault)
    specs = [ServerSpec(one.vendor, schedule=faulty if one.vendor == trial.primary else None) for one in specs]
    return World(specs, script=script, pace=PACE)


async def perform(trial: Trial, *, keep: Path | None = None) -> Outcome:
    """Run it in folders of its own. ``keep`` names a folder that gets the books and the output of a failed trial.

    Raises install.NotInstalled when the client cannot be had.
    """
    root = Path(tempfile.mkdtemp(prefix="agent-"))
    try:
        outcome = await _perform(trial, root)
        if keep is not None and not outcome.passed:
            fault = trial.fault or "none"
            kept = keep / f"{trial.agent.name}-{fault}-{trial.case}-{trial.primary}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(root, kept, symlinks=True, ignore=shutil.ignore_patterns("home"))
        return outcome
    finally:
        shutil.rmtree(root, ignore_errors=True)


async def _perform(trial: Trial, root: Path) -> Outcome:
    home, workspace, gateway_folder = _make_folders(root)
    task = AgentTask(steps=trial.steps, client=trial.agent.dialect, folder=str(workspace))
    script = JournalledTask(task)
    async with build_world(trial, script) as world:
        whole = trial.fault not in STREAM_ONLY
        if trial.bare:
            place = Place(home, workspace, world.openai.base_url, KEY, BARE_MODEL, whole)
            rc, output, wall_s = await _drive(trial.agent, place, root)
        else:
            async with running(world, gateway_folder) as gateway:
                place = Place(home, workspace, gateway.base_url, KEY, MODELS[trial.primary], whole)
                rc, output, wall_s = await _drive(trial.agent, place, root)
        records = [record for server in world for record in server.log]
    books = [] if trial.bare else read_books(gateway_folder)
    failed = sum(_is_seen(row, trial.fault) for row in books)
    surplus = max(0, sum(row.n_tools > 0 for row in books) - trial.steps)
    return Outcome(
        trial=trial,
        rc=rc,
        files=count_files(task, workspace),
        files_due=len(task.files()),
        duplicates=count_duplicates(workspace),
        surplus_calls=script.surplus_calls,
        injected=sum(record.fault is not None for record in records),
        visible=failed + surplus + trial.agent.count_complaints(output),
        refused=[f"{record.server}: {record.refusal}" for record in records if record.refusal],
        requests=sum(record.dispatch > 0 for record in records) if trial.bare else len(books),
        wall_s=wall_s,
        slowest_s=max((row.latency_ms / 1000 for row in books), default=0.0),
    )


def _is_seen(row: RequestRow, fault: Fault | None) -> bool:
    """Whether an answer was no answer. A cut in shown text without tools in play (a title) is told by contract (C66):

    another model would go on in other words.
    """
    if row.n_tools == 0 and row.ttft_ms is not None and fault in TEXT_FIRST:
        return False
    return row.status != 200 or row.ending != "served"


def _make_folders(root: Path) -> tuple[Path, Path, Path]:
    """The client's home, its workspace with what it is to read (a repository, as agents expect), the gateway's."""
    home, workspace, gateway = (root / name for name in ("home", "workspace", "gateway"))
    for folder in (home, workspace, gateway):
        folder.mkdir()
    (workspace / INPUT_FILE).write_text("Write every numbered file.\n", "utf-8")
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    return home, workspace, gateway


async def _drive(agent: Agent, place: Place, root: Path) -> tuple[int | None, str, float]:
    """Run the client: exit status (None when it had to be ended), output, seconds."""
    launch = await asyncio.to_thread(agent.launch, place)
    for command in launch.before:
        await _run(command, launch, place, root, SIGN_IN_S)
    began = time.monotonic()
    try:
        rc = await _run(launch.command, launch, place, root, agent.timeout_s)
    finally:
        _end_stragglers(place.home)
    return rc, (root / "client.out").read_text("utf-8", "replace"), time.monotonic() - began


async def _run(command: list[str], launch: Launch, place: Place, root: Path, timeout_s: float) -> int | None:
    with (root / "client.out").open("wb") as out, (root / "client.err").open("wb") as err:
        client = await asyncio.create_subprocess_exec(
            *command, cwd=place.workspace, env=dict(launch.environ),
            stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
        try:
            return await asyncio.wait_for(client.wait(), timeout_s)
        except TimeoutError:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)
            await client.wait()


def _end_stragglers(home: Path) -> None:
    """End what a client left running: the processes that have the trial's home, found where /proc tells (Linux)."""
    mark = f"HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
