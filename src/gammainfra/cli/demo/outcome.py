"""What the demo came to: sums over the steps as the client saw them, and the JSON of ``--json``. Plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gammainfra.cli.demo.agent import Step
from gammainfra.cli.demo.unaided import Hit


@dataclass(frozen=True, slots=True)
class ModelSum:
    """What one model served. ``cost`` in USD."""

    steps: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    def add(self, step: Step) -> ModelSum:
        """With one step more."""
        usage = step.usage
        return ModelSum(
            self.steps + 1,
            self.input_tokens + usage.get("prompt_tokens", 0),
            self.cached_tokens + usage.get("cache_read_input_tokens", 0),
            self.output_tokens + usage.get("completion_tokens", 0),
            self.cost + step.cost,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole run. ``died`` is what the agent saw when it ended early, "" otherwise; ``hits`` is the same task

    without the gateway. ``duplicates`` are files written more than once, ``missing`` files that are not there or not
    what they should be.
    """

    seed: int
    asked_steps: int
    model: str
    steps: tuple[Step, ...]
    died: str
    files: int
    duplicates: tuple[str, ...]
    missing: tuple[str, ...]
    hits: tuple[Hit, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether everything was done and the agent saw no error."""
        return len(self.steps) == self.asked_steps and not (self.died or self.duplicates or self.missing)

    @property
    def cost(self) -> Decimal:
        """All ``usage.cost``, in USD."""
        return sum((step.cost for step in self.steps), Decimal(0))

    @property
    def absorbed_cost(self) -> Decimal:
        """What providers bill for the attempts that failed, in USD."""
        return sum((step.absorbed_cost for step in self.steps), Decimal(0))

    @property
    def absorbed(self) -> tuple[tuple[Step, str, str], ...]:
        """Each absorbed failure: the step, the provider, the cause."""
        return tuple((step, provider, cause) for step in self.steps for provider, cause in step.absorbed)

    @property
    def by_model(self) -> Mapping[str, ModelSum]:
        """What each endpoint served, dearest first."""
        sums: dict[str, ModelSum] = {}
        for step in self.steps:
            sums[step.endpoint] = sums.get(step.endpoint, ModelSum()).add(step)
        return dict(sorted(sums.items(), key=lambda item: -item[1].cost))

    @property
    def ends(self) -> tuple[Hit, ...]:
        """Where the unaided task ended."""
        return tuple(hit for hit in self.hits if hit.ended_by)

    def to_json(self) -> str:
        """One JSON object; money as text, exact."""
        shown: dict[str, Any] = {
            "good": self.good,
            "seed": self.seed,
            "model": self.model,
            "steps_asked": self.asked_steps,
            "steps_done": len(self.steps),
            "errors_seen": [self.died] if self.died else [],
            "files": self.files,
            "written_twice": self.duplicates,
            "missing": self.missing,
            "cost_usd": show(self.cost),
            "absorbed_cost_usd": show(self.absorbed_cost),
            "seconds": round(self.seconds, 1),
            "absorbed": [
                {"step": step.number + 1, "provider": provider, "cause": cause, "served_by": step.endpoint}
                for step, provider, cause in self.absorbed
            ],
            "cost_by_model": {
                name: {
                    "steps": one.steps,
                    "input_tokens": one.input_tokens,
                    "cached_tokens": one.cached_tokens,
                    "output_tokens": one.output_tokens,
                    "cost_usd": show(one.cost),
                }
                for name, one in self.by_model.items()
            },
            "per_step": [
                {
                    "step": step.number + 1,
                    "did": step.did,
                    "served_by": step.endpoint,
                    "cost_usd": show(step.cost),
                    "seconds": round(step.seconds, 3),
                }
                for step in self.steps
            ],
            "without_gateway": {
                "first_end_at_step": self.ends[0].step + 1 if self.ends else None,
                "ends": len(self.ends),
                "met": [{"step": hit.step + 1, "fault": hit.fault, "ended_by": hit.ended_by} for hit in self.hits],
            },
        }
        return json.dumps(shown, indent=2)


def show(amount: Decimal) -> str:
    """USD with all nine places."""
    return f"{amount:.9f}"
