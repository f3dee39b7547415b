"""The order of the demo: a folder, the stage, the agent's steps, then the same weather without the gateway.

It decides the pace and which model is pinned; it prints nothing (the screen does) and keeps nothing: the folder is gone
when it ends, however it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from gammainfra.cli.demo import unaided
from gammainfra.cli.demo.agent import Agent, Step, TaskDied
from gammainfra.cli.demo.backstage import KEY, Backstage, Overheard
from gammainfra.cli.demo.outcome import Outcome
from gammainfra.cli.demo.unaided import Hit
from gammainfra.cli.demo.weather import Weather, forecast
from gammainfra.simulate import AgentTask, Dispatch, Fault, Pace

PINNED: Final = "anthropic/claude-sonnet-4-6"  # its published chain goes on at OpenAI, then at DeepSeek
_NEXT_PROVIDER: Final = "openai"
_PACE: Final = Pace(first_token_s=0.35, tokens_per_s=55.0, retry_after_s=3)
_FAST: Final = Pace(retry_after_s=1)
_INPUT_LINES: Final = 40  # enough text for prompt caches, which begin at 1,024 tokens


@dataclass(frozen=True, slots=True)
class Play:
    """What to play. ``steps`` at least 8."""

    steps: int
    seed: int
    fast: bool = False

    @property
    def task(self) -> AgentTask:
        """The script of the pretended models."""
        return AgentTask(steps=self.steps)

    @property
    def weather(self) -> Weather:
        """What fails when."""
        return forecast(self.seed, self.steps, _NEXT_PROVIDER)

    @property
    def pace(self) -> Pace:
        """How fast they speak."""
        return _FAST if self.fast else _PACE


class Audience(Protocol):
    """Who is told what happens, as it happens. ``asked`` is called from another thread."""

    def opened(self, play: Play, model: str, dashboard: str) -> None:
        """Everything listens; ``dashboard`` is a link that opens once."""
        ...

    def began(self, step: int) -> None:
        """The agent asks for a step."""
        ...

    def asked(self, dispatch: Dispatch, fault: Fault | None) -> None:
        """A provider got a request, and this is going to happen to it."""
        ...

    def stepped(self, step: Step) -> None:
        """A step is done."""
        ...

    def died(self, why: str) -> None:
        """The agent saw an error."""
        ...

    def unaided_began(self) -> None:
        """Now without the gateway."""
        ...

    def hit(self, hit: Hit) -> None:
        """The unaided client met a fault."""
        ...

    def close(self) -> None:
        """The show is over."""
        ...


def perform(play: Play, audience: Audience, inspect: Callable[[Backstage], None] | None = None) -> Outcome:
    """Play it. ``inspect`` sees the stage when the task is done and everything is written, before it is taken down."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="gammainfra-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            steps, died, agent = _with_gateway(play, folder, audience, inspect)
            audience.unaided_began()
            hits = unaided.measure(
                _workspace(folder / "unaided"),
                steps=play.steps,
                script=play.task,
                weather=play.weather,
                pace=_FAST,
                seed=play.seed,
                tell=audience.hit,
            )
        finally:
            audience.close()
        expected = play.task.files()
        found = {name: folder / "workspace" / name for name in expected}
        return Outcome(
            seed=play.seed,
            asked_steps=play.steps,
            model=PINNED,
            steps=tuple(steps),
            died=died,
            files=len(agent.writes),
            duplicates=tuple(name for name, times in agent.writes.items() if times > 1 or name not in expected),
            missing=tuple(
                name for name, path in found.items() if not path.is_file() or path.read_text("utf-8") != expected[name]
            ),
            hits=hits,
            seconds=time.monotonic() - began,
        )


def _with_gateway(
    play: Play, folder: Path, audience: Audience, inspect: Callable[[Backstage], None] | None
) -> tuple[list[Step], str, Agent]:
    steps: list[Step] = []
    schedule = Overheard(play.weather, audience.asked)
    with Backstage(folder, script=play.task, schedule=schedule, pace=play.pace, seed=play.seed) as stage:
        audience.opened(play, PINNED, stage.dashboard_link())
        # No retries: whatever the gateway lets through is seen.
        agent = Agent(
            _workspace(folder / "workspace"), base_url=stage.base_url, api_key=KEY, model=PINNED, max_retries=0
        )
        died = ""
        try:
            while not agent.done and len(steps) < play.steps:
                audience.began(len(steps))
                steps.append(agent.take_step())
                audience.stepped(steps[-1])
        except TaskDied as error:
            died = str(error)
            audience.died(died)
        finally:
            agent.close()
        if inspect is not None:
            stage.flush()
            inspect(stage)
    return steps, died, agent


def _workspace(folder: Path) -> Path:
    folder.mkdir()
    lines = (
        f"{number:02}. Write the file of part {number}: {'what it holds, ' * 8}and why."
        for number in range(1, _INPUT_LINES)
    )
    (folder / "input.txt").write_text("\n".join(lines), "utf-8")
    return folder
