"""What the store gives back: frozen rows in the units of the domain (epoch seconds, milliseconds, nano-USD).

Values and their making from rows of the database; no query stands here and nothing is decided. A cost of None means
that no price is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, cast

from gammainfra.domain.attempt import Ending
from gammainfra.domain.money import Charge
from gammainfra.domain.session import NamedBy, SessionName, SessionView
from gammainfra.domain.usage import Usage
from gammainfra.store.engine import Row as Stored

Row = TypeVar("Row")
AttemptOutcome = Literal["served", "absorbed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first; ``cursor`` asks for the ones after them, None when these were the last."""

    rows: tuple[Row, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One answer, as listed. ``endpoint`` is ``provider/model`` of the attempt that served, "" when none did."""

    seq: int
    id: str
    at: float
    account_id: str
    key_id: str
    client: str
    session_id: str
    session_step: int
    session_by: str
    dialect: str
    asked: str
    provider: str
    model: str
    endpoint: str
    region: str
    stream: bool
    n_tools: int
    usage: Usage
    charge: Charge | None
    absorbed_nano: int
    fee_nano: int
    latency_ms: float
    ttft_ms: float | None
    overhead_ms: float
    ending: Ending
    status: int
    finish_reason: str
    error_code: str
    n_attempts: int
    absorbed_attempts: int
    label: str
    route_reason: str
    router_version: str
    dial: float | None
    preference: str
    dropped_params: tuple[str, ...]
    dropped_context: tuple[str, ...]
    idempotency_hash: str
    user: str

    @property
    def cost_nano(self) -> int | None:
        """All lines of the charge; None when no price is known."""
        return None if self.charge is None else self.charge.total_nano


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One HTTP dispatch; times are milliseconds since the request arrived. ``cause`` is a ``Cause`` value or ""."""

    number: int
    endpoint: str
    provider: str
    upstream_model: str
    key_id: str
    started_ms: float
    first_token_ms: float | None
    ended_ms: float | None
    outcome: AttemptOutcome
    cause: str
    message: str
    cancelled_by: str
    status: int | None
    upstream_request_id: str
    usage: Usage
    cost_nano: int | None


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """One answer with everything stored of it; ``plan`` is the JSON text that the writer was given."""

    request: RequestRow
    attempts: tuple[AttemptRow, ...]
    plan: str
    call_ids: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One agent task in sums; ``steps`` are answers served, ``cost_nano`` leaves out ``unpriced`` ones."""

    account_id: str
    id: str
    named_by: NamedBy
    client: str
    endpoint: str
    label: str
    started_at: float
    last_at: float
    requests: int
    steps: int
    failed: int
    rescued: int
    unpriced: int
    attempts: int
    absorbed_attempts: int
    usage: Usage
    cost_nano: int
    absorbed_nano: int
    fee_nano: int
    latency_ms: float

    def view(self) -> SessionView:
        """What routing starts from after a restart; what is not stored of a task is at its default."""
        return SessionView(
            name=SessionName(self.id, self.named_by),
            step=self.steps,
            endpoint=self.endpoint,
            label=self.label,
            cost_nano=self.cost_nano,
            absorbed_nano=self.absorbed_nano,
            last_at=self.last_at,
        )


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """One agent task with its requests, newest first; ``steps.cursor`` continues in ``Reader.requests``."""

    session: SessionRow
    steps: Page[RequestRow]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Sums over the requests of one group; what was not grouped by is "" (None for the time).

    ``starts_at`` is the UTC start of the hour or day. Latency sums are over served requests, ``ttft_ms`` over the
    ``ttft_count`` of them that had a first token. ``rescued``: served although an attempt failed.
    """

    starts_at: float | None
    key_id: str
    model: str
    provider: str
    client: str
    requests: int
    served: int
    failed: int
    rescued: int
    unpriced: int
    attempts: int
    absorbed_attempts: int
    usage: Usage
    cost_nano: int
    absorbed_nano: int
    fee_nano: int
    latency_ms: float
    overhead_ms: float
    ttft_ms: float
    ttft_count: int


@dataclass(frozen=True, slots=True)
class CallIdRow:
    """A tool-call id that was given out, and the session that got it."""

    account_id: str
    shown: str
    native: str
    session_id: str
    at: float


@dataclass(frozen=True, slots=True)
class CostSum:
    """What a set of requests cost; ``unpriced`` of them have no known price and are not in the sum."""

    requests: int
    cost_nano: int
    absorbed_nano: int
    fee_nano: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class IdempotentRow:
    """The answer that an ``Idempotency-Key`` was given. ``body`` is a digest of the request, ``at`` epoch seconds."""

    generation_id: str
    body: str
    at: float


def idempotent_row(row: Stored) -> IdempotentRow:
    """A row of ``requests``, as far as its key is concerned."""
    return IdempotentRow(row["id"], row["idempotency_hash"].partition(".")[2], row["at_ms"] / 1000)


def request_row(row: Stored) -> RequestRow:
    """Read a row of ``requests``."""
    return RequestRow(
        seq=row["seq"],
        id=row["id"],
        at=row["at_ms"] / 1000,
        account_id=row["account_id"],
        key_id=row["key_id"],
        client=row["client"],
        session_id=row["session_id"],
        session_step=row["session_step"],
        session_by=row["session_by"],
        dialect=row["dialect"],
        asked=row["asked"],
        provider=row["provider"],
        model=row["model"],
        endpoint=row["endpoint"],
        region=row["region"],
        stream=bool(row["stream"]),
        n_tools=row["n_tools"],
        usage=_usage(row, estimated=bool(row["usage_estimated"])),
        charge=_charge(row),
        absorbed_nano=row["absorbed_nano"],
        fee_nano=row["fee_nano"],
        latency_ms=row["latency_us"] / 1000,
        ttft_ms=_ms_or_none(row["ttft_us"]),
        overhead_ms=row["overhead_us"] / 1000,
        ending=row["ending"],
        status=row["status"],
        finish_reason=row["finish_reason"],
        error_code=row["error_code"],
        n_attempts=row["n_attempts"],
        absorbed_attempts=row["absorbed_attempts"],
        label=row["label"],
        route_reason=row["route_reason"],
        router_version=row["router_version"],
        dial=row["dial"],
        preference=row["preference"],
        dropped_params=tuple(json.loads(row["dropped_params"])),
        dropped_context=tuple(json.loads(row["dropped_context"])),
        idempotency_hash=row["idempotency_hash"],
        user=row["end_user"],
    )


def attempt_row(row: Stored) -> AttemptRow:
    """Read a row of ``attempts``."""
    return AttemptRow(
        number=row["number"],
        endpoint=row["endpoint"],
        provider=row["provider"],
        upstream_model=row["upstream_model"],
        key_id=row["key_id"],
        started_ms=row["started_us"] / 1000,
        first_token_ms=_ms_or_none(row["first_token_us"]),
        ended_ms=_ms_or_none(row["ended_us"]),
        outcome=row["outcome"],
        cause=row["cause"],
        message=row["message"],
        cancelled_by=row["cancelled_by"],
        status=row["status"],
        upstream_request_id=row["upstream_request_id"],
        usage=_usage(row, estimated=bool(row["usage_estimated"])),
        cost_nano=row["cost_nano"],
    )


def session_row(row: Stored) -> SessionRow:
    """Read a row of ``sessions``."""
    return SessionRow(
        account_id=row["account_id"],
        id=row["session_id"],
        named_by=cast("NamedBy", row["named_by"]),
        client=row["client"],
        endpoint=row["endpoint"],
        label=row["label"],
        started_at=row["started_ms"] / 1000,
        last_at=row["last_at_ms"] / 1000,
        requests=row["requests"],
        steps=row["steps"],
        failed=row["failed"],
        rescued=row["rescued"],
        unpriced=row["unpriced"],
        attempts=row["attempts"],
        absorbed_attempts=row["absorbed_attempts"],
        usage=_usage(row),
        cost_nano=row["cost_nano"],
        absorbed_nano=row["absorbed_nano"],
        fee_nano=row["fee_nano"],
        latency_ms=row["latency_us"] / 1000,
    )


def usage_row(row: Stored, *, by_time: bool) -> UsageRow:
    """Read a row of a usage query."""
    return UsageRow(
        starts_at=float(row["starts_s"]) if by_time else None,
        key_id=row["key_id"],
        model=row["model"],
        provider=row["provider"],
        client=row["client"],
        requests=row["requests"],
        served=row["served"],
        failed=row["failed"],
        rescued=row["rescued"],
        unpriced=row["unpriced"],
        attempts=row["attempts"],
        absorbed_attempts=row["absorbed_attempts"],
        usage=_usage(row),
        cost_nano=row["cost_nano"],
        absorbed_nano=row["absorbed_nano"],
        fee_nano=row["fee_nano"],
        latency_ms=row["latency_us"] / 1000,
        overhead_ms=row["overhead_us"] / 1000,
        ttft_ms=row["ttft_us"] / 1000,
        ttft_count=row["ttft_count"],
    )


def call_id_row(row: Stored) -> CallIdRow:
    """Read a row of ``recent_call_ids``."""
    return CallIdRow(row["account_id"], row["shown"], row["native"], row["session_id"], row["at_ms"] / 1000)


def cost_sum(found: list[Stored]) -> CostSum:
    """Read the one row of a sum for gates."""
    (row,) = found
    return CostSum(row["requests"], row["cost_nano"], row["absorbed_nano"], row["fee_nano"], row["unpriced"])


def _usage(row: Stored, *, estimated: bool = False) -> Usage:
    return Usage(
        input_tokens=row["input_tokens"],
        cache_read_tokens=row["cache_read_tokens"],
        cache_write_tokens=row["cache_write_tokens"],
        cache_write_1h_tokens=row["cache_write_1h_tokens"],
        output_tokens=row["output_tokens"],
        reasoning_tokens=row["reasoning_tokens"],
        estimated=estimated,
    )


def _charge(row: Stored) -> Charge | None:
    if row["cost_nano"] is None:
        return None
    return Charge(row["input_nano"], row["cache_read_nano"], row["cache_write_nano"], row["output_nano"])


def _ms_or_none(us: int | None) -> float | None:
    return None if us is None else us / 1000
