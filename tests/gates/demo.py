"""gate-demo: the demo's task is done, every failure is absorbed and found, and three sums of money agree to the nano.

The expected cost is this file's own arithmetic: the tokens that the pretended providers logged for the answer of each
step, at prices written here. The client's sum is read from the raw bytes of its answers, the store's from its own SQL.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from gammainfra.cli.demo import SEED
from gammainfra.cli.demo.agent import Step
from gammainfra.cli.demo.backstage import Backstage
from gammainfra.cli.demo.play import Play, perform
from gammainfra.cli.demo.screen import Screen
from gammainfra.domain.failure import Cause
from gammainfra.simulate import Fault, Record
from gammainfra.store.reader import RequestFilter
from gammainfra.store.rows import AttemptRow, CostSum, RequestDetail

STEPS: Final = 30
FEWEST_ABSORBED: Final = 6
FEWEST_KINDS: Final = 5
NANO: Final = 10**9

# Nano-USD per token: input, cache read, cache write, output. DeepSeek doubles on weekdays in two windows (UTC).
PRICES: Final[Mapping[str, tuple[int, int, int, int]]] = {
    "claude-sonnet-4-6": (3_000, 300, 3_750, 15_000),
    "gpt-5.4-mini": (750, 75, 0, 4_500),
    "deepseek-v4-flash": (150, 3, 0, 600),
}
DOUBLED: Final = "deepseek-v4-flash"
DOUBLED_HOURS: Final = frozenset({1, 2, 3, 6, 7, 8, 9})
SATURDAY: Final = 6

# What each fault may be called in the books, whichever vendor it came from.
FITTING: Final[Mapping[Fault, frozenset[Cause]]] = {
    Fault.RATE_LIMIT: frozenset({Cause.RATE_LIMIT}),
    Fault.RATE_LIMIT_RETRY_AFTER: frozenset({Cause.RATE_LIMIT}),
    Fault.OVERLOADED: frozenset({Cause.OVERLOADED}),
    Fault.HTML_502: frozenset({Cause.UNAVAILABLE}),
    Fault.EARLY_ERROR: frozenset({Cause.OVERLOADED, Cause.SERVER_ERROR, Cause.IN_BAND_ERROR}),
    Fault.CUT_AFTER_TEXT: frozenset({Cause.CUT}),
    Fault.CUT_IN_ARGUMENTS: frozenset({Cause.CUT}),
    Fault.EMPTY: frozenset({Cause.EMPTY_ANSWER}),
    Fault.SERVER_ERROR: frozenset({Cause.SERVER_ERROR}),
    Fault.BAD_JSON: frozenset({Cause.BAD_TOOL_CALL}),
    Fault.RESET: frozenset({Cause.CONNECT_ERROR, Cause.CUT}),
    Fault.STALL_BEFORE: frozenset({Cause.FIRST_TOKEN_TIMEOUT}),
}


@dataclass(slots=True)
class Books:
    """What the gate reads behind the stage: the providers' logs, and the store's rows by the id of the answer."""

    records: list[Record] = field(default_factory=list)
    stored: CostSum | None = None
    details: dict[str, RequestDetail] = field(default_factory=dict)

    def copy(self, stage: Backstage) -> None:
        """Read everything; called when the task is done and all is written."""
        self.records = stage.records()
        reader = stage.app.reader
        self.stored = reader.sum_cost_nano()
        for account_id in {key.account_id for key in stage.app.keys.list()}:
            for row in reader.requests(RequestFilter(account_id), limit=1000).rows:
                detail = reader.generation(account_id, row.id)
                if detail is not None:
                    self.details[row.id] = detail


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of one run; ``findings`` say in words what is wrong."""

    steps: int
    absorbed: int
    kinds: int
    visible: int
    duplicates: int
    diff_nano: int
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all of it holds."""
        enough = self.steps == STEPS and self.absorbed >= FEWEST_ABSORBED and self.kinds >= FEWEST_KINDS
        return enough and not (self.visible or self.duplicates or self.diff_nano or self.findings)

    def show(self) -> str:
        """The figures as the gate's last line has them."""
        return (
            f"steps={self.steps} absorbed={self.absorbed} kinds={self.kinds} visible={self.visible} "
            f"duplicates={self.duplicates} diff_nano={self.diff_nano}"
        )


def main() -> int:
    """Play and check, with each seed; the status is 0 when everything holds."""
    parser = argparse.ArgumentParser(prog="gate-demo")
    parser.add_argument("--reduced", action="store_true", help="the same task without the pauses of a model's pace")
    parser.add_argument("--seed", type=int, action="append", help="may be repeated (default: the demo's own)")
    given = parser.parse_args()
    verdicts = []
    for seed in given.seed or [SEED]:
        verdicts.append(judge(Play(steps=STEPS, seed=seed, fast=given.reduced)))
        print(f"seed {seed}: {verdicts[-1].show()}")
        for finding in verdicts[-1].findings:
            print("   ", finding)
    worst = next((one for one in verdicts if not one.passed), verdicts[0])
    print(f"gate demo: {'PASS' if worst.passed else 'FAIL'} {worst.show()}")
    return 0 if worst.passed else 1


def judge(play: Play) -> Verdict:
    """Play once and compare the three accounts of what happened."""
    books = Books()
    outcome = perform(play, Screen(quiet=True), books.copy)
    found, findings = match_faults(outcome.steps, books)
    told = sorted((step.number, provider) for step, provider, _ in outcome.absorbed)
    if told != sorted((record.step, record.vendor) for record in found):
        findings.append(f"the client was told of {told}")
    if outcome.died:
        findings.append(f"the agent saw: {outcome.died}")
    differences = compare_money(outcome.steps, books, findings)
    return Verdict(
        steps=len(outcome.steps),
        absorbed=len(found),
        kinds=len({record.fault for record in found}),
        visible=int(bool(outcome.died)) + sum(one.request.ending != "served" for one in books.details.values()),
        duplicates=len(outcome.duplicates) + len(outcome.missing),
        diff_nano=max(differences),
        findings=tuple(findings),
    )


def match_faults(steps: Sequence[Step], books: Books) -> tuple[list[Record], list[str]]:
    """The injected faults that stand in the store as absorbed attempts of the right answer, with a fitting cause.

    And what is wrong: faults that are not found, attempts that failed without a fault.
    """
    findings: list[str] = []
    absorbed = {
        step.number: [one for one in books.details[step.answer_id].attempts if one.outcome == "absorbed"]
        for step in steps
        if step.answer_id in books.details
    }
    found = []
    for record in books.records:
        if record.fault is None:
            continue
        attempts = absorbed.get(record.step, [])
        attempt = next((one for one in attempts if is_of(record, record.fault, one)), None)
        if attempt is None:
            findings.append(f"step {record.step}: {record.fault} at {record.vendor} is in no attempt: {attempts}")
        else:
            attempts.remove(attempt)
            found.append(record)
    left = [f"step {step}: no fault explains {one}" for step, several in absorbed.items() for one in several]
    return found, findings + left


def is_of(record: Record, fault: Fault, attempt: AttemptRow) -> bool:
    """Whether this attempt met this fault: same endpoint, fitting cause, same request id where both know one."""
    same = (attempt.provider, attempt.upstream_model) == (record.vendor, record.model)
    # DeepSeek's trace ids have no prefix.
    named = (attempt.upstream_request_id or record.request_id).removeprefix("req_") == record.request_id.removeprefix(
        "req_"
    )
    return same and named and attempt.cause in FITTING[fault]


def compare_money(steps: Sequence[Step], books: Books, findings: list[str]) -> tuple[int, int, int]:
    """How far apart, in nano-USD: client and providers step by step, client and store, store and providers."""
    expected_nano = {step.number: expected(step.number, books.records, findings) for step in steps}
    told_nano = {step.number: nano(step.cost) for step in steps}
    stored = books.stored
    if stored is None or stored.unpriced or stored.requests != len(steps):
        findings.append(f"the store has {stored} for {len(steps)} steps")
    stored_nano = 0 if stored is None else stored.cost_nano
    by_step = sum(abs(told_nano[number] - expected_nano[number]) for number in told_nano)
    return (
        by_step,
        abs(sum(told_nano.values()) - stored_nano),
        abs(sum(expected_nano.values()) - stored_nano),
    )


def expected(step: int, records: Sequence[Record], findings: list[str]) -> int:
    """What the answer of a step costs: the tokens of the one healthy, complete request of it, at this file's prices."""
    served = [one for one in records if one.step == step and one.fault is None and one.complete and one.status == 200]
    if len(served) != 1:
        findings.append(f"step {step} has {len(served)} healthy answers in the providers' logs")
        return 0
    return bill_nano(served[0])


def bill_nano(record: Record) -> int:
    """What the provider would bill for one answer, at this file's prices."""
    usage = record.usage
    new, read, write, output = PRICES[record.model]
    cost_nano = (
        usage.input_tokens * new
        + usage.cache_read_tokens * read
        + usage.cache_write_tokens * write
        + usage.output_tokens * output
    )
    at = datetime.fromtimestamp(record.at_s, UTC)
    doubled = record.model == DOUBLED and at.isoweekday() < SATURDAY and at.hour in DOUBLED_HOURS
    return cost_nano * (2 if doubled else 1)


def nano(usd: Decimal) -> int:
    """An exact amount as nano-USD; ArithmeticError when it has a fraction of one."""
    amount = usd * NANO
    if amount != amount.to_integral_value():
        raise ArithmeticError(f"{usd} USD is no whole number of nano-dollars")
    return int(amount)


if __name__ == "__main__":
    raise SystemExit(main())
