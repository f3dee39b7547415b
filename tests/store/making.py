"""Records to write, made of a number each, and a writer on a new file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from gammainfra.domain.attempt import Absorbed, Attempt, Cancelled, Ending, LegFailed, Outcome, Served
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.money import Charge
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import RequestRecord
from gammainfra.domain.usage import Usage
from gammainfra.store.engine import Engine
from gammainfra.store.writer import Writer

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC).timestamp()
DAY = date(2026, 9, 21)
DAYS = tuple(DAY + timedelta(days=n) for n in range(-1, 3))
FAILURE = Failure(Cause.RATE_LIMIT, "slow down", status=429)


def show_plan(plan: Plan) -> str:
    return f'{{"asked":"{plan.asked}"}}'


def attempt(number: int, outcome: Outcome, endpoint: str = "anthropic/claude") -> Attempt:
    provider, _, model = endpoint.partition("/")
    return Attempt(number, endpoint, provider, model, started_ms=10.0 * number, outcome=outcome)


def record(number: int = 1, **changes: object) -> RequestRecord:
    """A served request whose first attempt was absorbed."""
    made = RequestRecord(
        id=f"gen-{number:06}",
        at=NOON + number,
        account_id="local",
        key_id="key-1",
        client="roo",
        session_id="task-1",
        session_step=number,
        session_by="call_id",
        dialect="openai_chat",
        asked="gammainfra/auto",
        provider="anthropic",
        model="anthropic/claude",
        region="eu",
        stream=True,
        n_tools=12,
        usage=Usage(100, 2000, 30, 4, 50, 6),
        charge=Charge(1000, 200, 30, 4),
        absorbed_nano=7,
        fee_nano=0,
        latency_ms=1234.567,
        ttft_ms=300.25,
        overhead_ms=1.5,
        plan=Plan(asked="gammainfra/auto", candidates=(), label="code", route_reason="auto"),
        attempts=(attempt(1, Absorbed(FAILURE), "openai/gpt"), attempt(2, Served())),
        ending="served",
        status=200,
        finish_reason="tool_calls",
        error_code="",
        dial=0.3,
        preference="cost",
        dropped_params=("seed", "top_k"),
        dropped_context=("thinking",),
        call_ids=((f"call_{number}", f"toolu_{number}"),),
        idempotency_hash="abc",
        user="someone",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def failed(number: int, ending: Ending = "failed") -> RequestRecord:
    """A request that nothing saved."""
    outcome: Outcome = Cancelled("client") if ending == "abandoned" else LegFailed(FAILURE)
    return record(
        number,
        ending=ending,
        status=503,
        error_code="all_providers_failed",
        charge=None,
        ttft_ms=None,
        attempts=(attempt(1, outcome),),
        call_ids=(),
    )


@contextmanager
def writer_on(where: Engine | Path) -> Iterator[Writer]:
    """A writer on an engine, or on the SQLite file of a folder; closed at the end."""
    writer = Writer(where / "gammainfra.db" if isinstance(where, Path) else where, show_plan=show_plan)
    try:
        yield writer
    finally:
        writer.close()


def write(folder: Path, *records: RequestRecord) -> Path:
    """Write records and close; returns the file."""
    with writer_on(folder) as writer:
        assert all(map(writer.add, records))
    return folder / "gammainfra.db"
