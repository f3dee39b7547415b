"""The same task without the gateway, measured: the official client with its own retries, straight at one provider.

It decides nothing about what such a client does: it runs it. Only the first request of a step meets the step's fault,
so a retry always finds a healthy provider, and after an end the same step is taken again, as a person would who
restarts the task from its history. Both favour the unaided client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gammainfra.cli.demo.agent import Agent, TaskDied
from gammainfra.cli.demo.backstage import Backstage
from gammainfra.cli.demo.weather import Weather
from gammainfra.simulate import Fault, Pace, Script

MODEL: Final = "gpt-5.4-mini"  # at the simulated OpenAI: the client's own dialect
STALL_S: Final = 3.0  # then the silent provider resets; the client's own patience is ten minutes


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that the unaided client met. ``ended_by`` is empty when its own retry recovered it."""

    step: int
    fault: Fault
    ended_by: str


def measure(
    folder: Path, *, steps: int, script: Script, weather: Weather, pace: Pace, seed: int, tell: Callable[[Hit], None]
) -> tuple[Hit, ...]:
    """Run the task to its end in ``folder``; what it met, in order. TaskDied only by a defect of the demo itself."""
    hits: list[Hit] = []
    stage = Backstage(
        folder,
        script=script,
        schedule=Weather(weather.first),
        pace=replace(pace, stall_limit_s=STALL_S),
        seed=seed,
        vendors=("openai",),
        gateway=False,
    )
    with stage:
        agent = Agent(folder, base_url=stage.world.openai.base_url, api_key="sk-demo", model=MODEL, max_retries=None)
        try:
            for step in range(steps):
                ended_by = _take(agent)
                if step in weather.first:
                    hits.append(Hit(step, weather.first[step], ended_by))
                    tell(hits[-1])
                if ended_by:
                    agent.take_step()
        finally:
            agent.close()
    return tuple(hits)


def _take(agent: Agent) -> str:
    """What ended the task at this step, "" when nothing did."""
    try:
        agent.take_step()
    except TaskDied as died:
        return str(died)
    return ""
