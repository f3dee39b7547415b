"""gate-clients-core: real agents finish a task of 30 steps through the gateway and notice none of eight faults.

Cline, opencode and loops on the official openai SDKs (Python, JavaScript), (a) with a primary provider that always
fails in one way and a healthy second one, (b) with the first dispatch of every step failing. Passed is a trial with
every file written exactly once, exit status 0 and nothing a client could notice; tests/clients says how that is seen.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from gammainfra.simulate import Fault
from tests.clients.agents import AGENTS
from tests.clients.install import NotInstalled
from tests.clients.trial import Case, Outcome, Primary, Trial, perform

CLIENTS = ("py-openai", "js-openai", "cline", "opencode")
BOTH_PRIMARIES = ("py-openai", "js-openai")  # fast enough; the others meet them in turn: one in (a), the other in (b)
FAULTS = (
    Fault.RATE_LIMIT,
    Fault.OVERLOADED,
    Fault.HTML_502,
    Fault.EARLY_ERROR,
    Fault.EMPTY,
    Fault.CUT_AFTER_TEXT,
    Fault.CUT_IN_ARGUMENTS,
    Fault.LATE_CUT,
)
STEPS = 30
REDUCED_FAULTS = (
    Fault.RATE_LIMIT,
    Fault.HTML_502,
    Fault.EARLY_ERROR,
    Fault.EMPTY,
    Fault.CUT_IN_ARGUMENTS,
    Fault.LATE_CUT,
)
REDUCED_STEPS = 10
COLUMNS = "{:10} {:22} {:4} {:9} {:>4} {:>4} {:>6} {:>8} {:>7} {:>10} {:>8} {:>7} {:>9}"


def list_trials(arguments: argparse.Namespace) -> Iterator[Trial]:
    """The matrix, as far as the arguments narrow it down."""
    cases: Sequence[Case] = get_args(Case)
    primaries: Sequence[Primary] = get_args(Primary)
    for client in arguments.client or (CLIENTS[:1] if arguments.reduced else CLIENTS):
        for number, fault in enumerate(arguments.fault or (REDUCED_FAULTS if arguments.reduced else FAULTS)):
            for offset, case in enumerate(cases):
                both = client in BOTH_PRIMARIES and not arguments.reduced
                chosen = primaries if both else (primaries[(number + offset) % 2],)
                for primary in [arguments.primary] if arguments.primary else chosen:
                    if arguments.case in {None, case}:
                        what = None if fault == "none" else Fault(fault)
                        yield Trial(AGENTS[client], what, case, primary, arguments.steps, arguments.without_gateway)


def show(outcome: Outcome) -> str:
    """One row of the table."""
    trial = outcome.trial
    row = COLUMNS.format(
        trial.agent.name, trial.fault or "none", trial.case, trial.primary, "yes" if outcome.passed else "NO",
        "-" if outcome.rc is None else outcome.rc, f"{outcome.files}/{outcome.files_due}", outcome.injected,
        outcome.visible, outcome.duplicates + outcome.surplus_calls, outcome.requests, f"{outcome.wall_s:.1f}",
        f"{outcome.slowest_s:.2f}",
    )  # fmt: skip
    return "\n    refused: ".join([row, *dict.fromkeys(outcome.refused)])


async def run_all(trials: Sequence[Trial], keep: Path | None) -> tuple[list[Outcome], dict[str, str]]:
    """The outcomes, and the clients that could not be installed with the reason."""
    outcomes: list[Outcome] = []
    skipped: dict[str, str] = {}
    for trial in trials:
        name = trial.agent.name
        if name in skipped:
            continue
        try:
            outcome = await perform(trial, keep=keep)
        except NotInstalled as error:
            skipped[name] = str(error)
            print(f"{name} is skipped: {error}", flush=True)
            continue
        outcomes.append(outcome)
        print(show(outcome), flush=True)
    return outcomes, skipped


def main() -> int:
    """Print the table and the verdict; the status is 0 only when every trial passed and none was skipped."""
    parser = argparse.ArgumentParser(prog="gate-clients-core")
    parser.add_argument("--reduced", action="store_true", help="one SDK loop, six faults, ten steps")
    parser.add_argument("--client", action="append", choices=tuple(AGENTS), help="may be repeated")
    parser.add_argument("--fault", action="append", choices=[*map(str, Fault), "none"], help="may be repeated")
    parser.add_argument("--case", choices=get_args(Case))
    parser.add_argument("--primary", choices=get_args(Primary))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="put books and output of failed trials there")
    parser.add_argument("--without-gateway", action="store_true", help="a control: what clients make of bare faults")
    arguments = parser.parse_args()
    arguments.steps = arguments.steps or (REDUCED_STEPS if arguments.reduced else STEPS)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # providers that are hung up on are no news
    began = time.monotonic()
    print(COLUMNS.format("client", "fault", "case", "primary", "ok", "rc", "files", "injected", "visible",
                         "duplicates", "requests", "wall_s", "slowest_s"))  # fmt: skip
    outcomes, skipped = asyncio.run(run_all(list(list_trials(arguments)), arguments.keep))
    failed = sum(not outcome.passed for outcome in outcomes)
    fields = {
        "clients": len({outcome.trial.agent.name for outcome in outcomes}),
        "faults": len({outcome.trial.fault for outcome in outcomes}),
        "runs": len(outcomes),
        "failed": failed,
        "injected": sum(outcome.injected for outcome in outcomes),
        "visible": sum(outcome.visible for outcome in outcomes),
        "duplicates": sum(outcome.duplicates + outcome.surplus_calls for outcome in outcomes),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    if skipped:
        fields["skipped"] = len(skipped)
    passed = bool(outcomes) and not failed and not skipped
    described = " ".join(f"{name}={value}" for name, value in fields.items())
    print(f"gate clients-core: {'PASS' if passed else 'FAIL'} {described}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
