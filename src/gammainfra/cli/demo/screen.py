"""What the demo shows: one line a step as it happens, tables at the end. On a terminal the running step moves.

It decides words, colours and columns, never a number. Colours follow NO_COLOR; without a terminal it prints plain
lines.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from textwrap import shorten
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from gammainfra.cli.demo.agent import Step
from gammainfra.cli.demo.outcome import Outcome
from gammainfra.cli.demo.play import Play
from gammainfra.cli.demo.unaided import MODEL, STALL_S, Hit
from gammainfra.simulate import Dispatch, Fault

FAULTS: Final[Mapping[Fault, str]] = {
    Fault.RATE_LIMIT: "429, throttled",
    Fault.RATE_LIMIT_RETRY_AFTER: "429, throttled",
    Fault.OVERLOADED: "overloaded",
    Fault.HTML_502: "502 with an HTML page",
    Fault.EARLY_ERROR: "error inside the stream",
    Fault.CUT_AFTER_TEXT: "connection cut after some text",
    Fault.EMPTY: "empty answer",
    Fault.CUT_IN_ARGUMENTS: "connection cut inside a tool call",
    Fault.SERVER_ERROR: "500",
    Fault.BAD_JSON: "tool call with broken JSON",
    Fault.RESET: "connection reset",
    Fault.STALL_BEFORE: "stalled: not one token",
}
_WIDE: Final = 140  # columns of a line that is not shown on a terminal
_ROOMY: Final = 110  # columns from which on a step's time is shown too
_ERROR_CHARS: Final = 60


class Screen:
    """An Audience on standard output; ``quiet`` shows nothing. ``console`` for tests."""

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(quiet=quiet, highlight=False)
        if not self._console.is_terminal:
            self._console.width = max(self._console.width, _WIDE)
        ascii_only = self._console.options.ascii_only
        self._bad, self._fine = ("x", "o") if ascii_only else ("●", "●")
        self._spinner = Spinner("line" if ascii_only else "dots")
        self._live: Live | None = None
        self._play = Play(steps=0, seed=0)
        self._model = ""
        self._step = 0
        self._since = time.monotonic()
        self._asked: list[tuple[str, Fault | None]] = []
        self._unaided = False
        self._absorbed = self._errors = 0
        self._cost = Decimal(0)

    # ---- as it happens ----------------------------------------------------------------------------------------------
    def opened(self, play: Play, model: str, dashboard: str = "") -> None:
        """Say what is going to be seen."""
        self._play, self._model = play, model
        self._console.print(Text("GammaInfra demo", style="bold"), f"  seed {play.seed}; no key, no network")
        self._console.print(
            f"An agent of {play.steps} steps asks [bold]{model}[/] through the gateway. Simulated Anthropic, OpenAI\n"
            "and DeepSeek throttle, overload, stall and cut. The agent is a loop on the official openai client, which\n"
            f"is set to no retries. [red]{self._bad}[/] absorbed  [green]{self._fine}[/] served\n"
        )
        if dashboard:
            self._console.print(f"Watch it in a browser (the link opens once): [bold]{dashboard}[/]\n", soft_wrap=True)
        if self._console.is_terminal and not self._console.quiet:
            self._live = Live(console=self._console, get_renderable=self._now, transient=True, refresh_per_second=12)
            self._live.start()

    def began(self, step: int) -> None:
        """The step that moves."""
        self._asked = []
        self._step, self._since = step, time.monotonic()

    def asked(self, dispatch: Dispatch, fault: Fault | None) -> None:
        """Another provider was asked for it."""
        self._asked = [*self._asked, (dispatch.server, fault)]

    def stepped(self, step: Step) -> None:
        """A line."""
        self._absorbed += len(step.absorbed)
        self._cost += step.cost
        self._console.print(self._line(step), soft_wrap=not self._console.is_terminal)

    def died(self, why: str) -> None:
        """The gateway let an error through."""
        self._errors += 1
        self._console.print(Text(f"The agent saw an error and stopped: {why}", style="bold red"))

    def unaided_began(self) -> None:
        """The second half."""
        self._unaided, self._asked = True, []
        self._since = time.monotonic()
        self._console.print(Text("\nThe same task and the same failures without the gateway", style="bold"))
        self._console.print(
            f"official openai client, its default 2 retries, straight at one provider (simulated OpenAI, {MODEL}).\n"
            "In its favour: whatever is asked again is healthy, and after each end somebody restarts the task there.\n"
        )

    def hit(self, hit: Hit) -> None:
        """A line."""
        line = Text(f"{hit.step + 1:>2}/{self._play.steps} ", style="dim")
        line.append(f"{FAULTS[hit.fault]:<35}", style="yellow")
        if hit.ended_by:
            line.append("ENDS THE TASK  ", style="bold red").append(
                shorten(hit.ended_by, _ERROR_CHARS, placeholder=" ..."), style="dim"
            )
        else:
            line.append("recovered by its own retry", style="green")
        self._console.print(line, soft_wrap=not self._console.is_terminal)

    def close(self) -> None:
        """Nothing moves from here on."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    # ---- lines ------------------------------------------------------------------------------------------------------
    def _line(self, step: Step) -> Text:
        usage = step.usage
        line = Text(f"{step.number + 1:>2}/{self._play.steps} ", style="dim")
        line.append(f"{step.did:<17} ")
        for _ in step.absorbed:
            line.append(self._bad, style="red")
        line.append(self._fine + " " * max(1, 4 - len(step.absorbed) - 1), style="green")
        line.append(f"{step.endpoint.partition('/')[2]:<18}", style="" if self._is_pinned(step) else "cyan")
        line.append(f"{usage.get('prompt_tokens', 0):>6,} in {usage.get('completion_tokens', 0):>4,} out", style="dim")
        line.append(f"  ${step.cost:.6f}  sum ${self._cost:.5f}")
        if self._console.width >= _ROOMY:
            line.append(f" {step.seconds:4.1f} s", style="dim")
        why = ", ".join(f"{provider}: {cause.replace('_', ' ')}" for provider, cause in step.absorbed)
        if why:
            line.append(f"  {why}", style="yellow")
        elif not self._is_pinned(step):
            line.append(f"  {self._model.partition('/')[0]} cools down", style="dim")
        return line

    def _is_pinned(self, step: Step) -> bool:
        return step.endpoint == self._model

    def _now(self) -> RenderableType:
        """The part that moves, drawn several times a second."""
        passed_s = time.monotonic() - self._since
        if self._unaided:
            self._spinner.update(text=Text(f" running without the gateway ... {passed_s:.1f} s", style="dim"))
            return self._spinner
        line = Text(f" {self._step + 1}/{self._play.steps}  ")
        for server, fault in self._asked:
            line.append(server, style="bold")
            line.append(f" {FAULTS[fault]}  ", style="yellow") if fault else line.append(" answers  ", style="green")
        line.append(f"{passed_s:.1f} s", style="dim")
        self._spinner.update(text=line)
        sums = f"absorbed {self._absorbed}   errors the agent saw {self._errors}   ${self._cost:.5f}"
        return Group(self._spinner, Text(sums, style="dim"))

    # ---- at the end -------------------------------------------------------------------------------------------------
    def show_outcome(self, outcome: Outcome) -> None:
        """The tables."""
        console = self._console
        console.print()
        console.print(_summary(outcome))
        console.print()
        for table in (_absorbed_table(outcome), _cost_table(outcome), _comparison(outcome)):
            console.print(table)
            console.print()
        if outcome.absorbed_cost:
            console.print(
                Text(
                    f"About ${outcome.absorbed_cost:.6f} more is billed by providers for answers that broke off "
                    "(cost_details.absorbed, not in cost).",
                    style="dim",
                )
            )


def _summary(outcome: Outcome) -> Text:
    written = outcome.files - len(outcome.duplicates) - len(outcome.missing)
    parts = (
        f"{len(outcome.steps)} of {outcome.asked_steps} steps done",
        f"{len(outcome.absorbed)} failures absorbed",
        f"{int(bool(outcome.died))} errors seen by the agent",
        f"{written} of {outcome.files} files written exactly once",
        f"${outcome.cost:.6f}",
    )
    return Text(", ".join(parts), style="bold green" if outcome.good else "bold red")


def _absorbed_table(outcome: Outcome) -> Table:
    table = Table(title="Failures absorbed", title_justify="left", title_style="bold")
    for name in ("step", "provider", "reason", "served by"):
        table.add_column(name, justify="right" if name == "step" else "left")
    for step, provider, cause in outcome.absorbed:
        table.add_row(str(step.number + 1), provider, cause.replace("_", " "), step.endpoint)
    return table


def _cost_table(outcome: Outcome) -> Table:
    table = Table(title="Cost by model", title_justify="left", title_style="bold", show_footer=True)
    models = outcome.by_model.values()
    footers = (
        "in all",
        str(len(outcome.steps)),
        f"{sum(one.input_tokens for one in models):,}",
        f"{sum(one.cached_tokens for one in models):,}",
        f"{sum(one.output_tokens for one in models):,}",
        f"${outcome.cost:.9f}",
        f"${outcome.cost / max(1, len(outcome.steps)):.6f}",
    )
    for name, footer in zip(("model", "steps", "input", "cached", "output", "cost", "per step"), footers, strict=True):
        table.add_column(name, footer=footer, justify="left" if name == "model" else "right")
    for name, one in outcome.by_model.items():
        counts = (f"{one.input_tokens:,}", f"{one.cached_tokens:,}", f"{one.output_tokens:,}")
        table.add_row(name, str(one.steps), *counts, f"${one.cost:.9f}", f"${one.cost / one.steps:.6f}")
    return table


def _comparison(outcome: Outcome) -> Table:
    table = Table(title="The same failures", title_justify="left", title_style="bold")
    for name in ("", "with the gateway", "without"):
        table.add_column(name)
    ends = outcome.ends
    first = f"{ends[0].step} of {outcome.asked_steps}" if ends else f"{outcome.asked_steps} of {outcome.asked_steps}"
    reached = f"{len(outcome.steps)} of {outcome.asked_steps}"
    table.add_row("steps done unattended", reached, first)
    table.add_row("times the task ended early", str(int(bool(outcome.died))), str(len(ends)))
    if ends:
        table.add_row(
            "what ended it first", outcome.died or "-", f"{FAULTS[ends[0].fault]}, at step {ends[0].step + 1}"
        )
    recovered = len(outcome.hits) - len(ends)
    table.add_row(
        "failures recovered", f"{len(outcome.absorbed)}, by another provider", f"{recovered}, by its own retry"
    )
    if any(hit.fault is Fault.STALL_BEFORE for hit in ends):
        table.caption = f"The silent provider gave up after {STALL_S:g} s here; the client alone would wait 10 minutes."
        table.caption_justify = "left"
    return table
