"""How a RequestRecord is laid out in columns. Pure: a record in, parameters of the INSERT statements out.

It decides names, units and what NULL means; it never opens a database. Prompts cannot reach it: a record has none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import assert_never

from gammainfra.domain.attempt import Absorbed, Attempt, Cancelled, LegFailed, Served
from gammainfra.domain.money import Charge
from gammainfra.domain.record import RequestRecord
from gammainfra.domain.usage import Usage
from gammainfra.store.engine import Columns


def arrival_ms(record: RequestRecord) -> int:
    """When it arrived, in milliseconds."""
    return round(record.at * 1000)


@dataclass(frozen=True, slots=True)
class Laid:
    """A record as rows that lack only their ``seq``: that is given when they are written, in the order of writing.

    ``at_ms`` stands in every row: wherever rows are kept apart by day, it says which day.
    """

    id: str
    at_ms: int
    request: Columns
    plan: Columns
    attempts: tuple[Columns, ...]
    call_ids: tuple[Columns, ...]


def lay_out(record: RequestRecord, plan: str) -> Laid:
    """All rows of a record; ``plan`` is JSON. TypeError, ValueError ... for one with a wrong value in it."""
    at_ms = arrival_ms(record)
    return Laid(
        id=record.id,
        at_ms=at_ms,
        request=request_columns(record),
        plan={"at_ms": at_ms, "plan": plan},
        attempts=tuple(attempt_columns(one, at_ms, ordinal) for ordinal, one in enumerate(record.attempts)),
        call_ids=tuple(call_id_columns(pair, at_ms, ordinal) for ordinal, pair in enumerate(record.call_ids)),
    )


def request_columns(record: RequestRecord) -> Columns:
    """The row in ``requests``."""
    at_ms = arrival_ms(record)
    return {
        "id": record.id,
        "at_ms": at_ms,
        "ended_ms": at_ms + round(record.latency_ms),
        "account_id": record.account_id,
        "key_id": record.key_id,
        "client": record.client,
        "session_id": record.session_id,
        "session_step": record.session_step,
        "session_by": record.session_by,
        "dialect": record.dialect,
        "asked": record.asked,
        "provider": record.provider,
        "model": record.model,
        "endpoint": _served_endpoint(record),
        "region": record.region,
        "stream": int(record.stream),
        "n_tools": record.n_tools,
        **_usage_columns(record.usage),
        **_charge_columns(record.charge),
        "absorbed_nano": record.absorbed_nano,
        "fee_nano": record.fee_nano,
        "latency_us": _us(record.latency_ms),
        "ttft_us": _us_or_none(record.ttft_ms),
        "overhead_us": _us(record.overhead_ms),
        "ending": record.ending,
        "status": record.status,
        "finish_reason": record.finish_reason,
        "error_code": record.error_code,
        "n_attempts": len(record.attempts),
        "absorbed_attempts": sum(isinstance(attempt.outcome, Absorbed) for attempt in record.attempts),
        "label": record.plan.label,
        "route_reason": record.plan.route_reason,
        "router_version": record.plan.router_version,
        "dial": record.dial,
        "preference": record.preference,
        "dropped_params": _names(record.dropped_params),
        "dropped_context": _names(record.dropped_context),
        "idempotency_hash": record.idempotency_hash,
        "end_user": record.user,
    }


def attempt_columns(attempt: Attempt, at_ms: int, ordinal: int) -> Columns:
    """One row in ``attempts``; ``ordinal`` counts dispatches from 0 and is what keeps rows apart."""
    outcome, cause, message, cancelled_by = _outcome_columns(attempt)
    return {
        "at_ms": at_ms,
        "ordinal": ordinal,
        "number": attempt.number,
        "endpoint": attempt.endpoint,
        "provider": attempt.provider,
        "upstream_model": attempt.upstream_model,
        "key_id": attempt.key_id,
        "started_us": _us(attempt.started_ms),
        "first_token_us": _us_or_none(attempt.first_token_ms),
        "ended_us": _us_or_none(attempt.ended_ms),
        "outcome": outcome,
        "cause": cause,
        "message": message,
        "cancelled_by": cancelled_by,
        "status": attempt.status,
        "upstream_request_id": attempt.upstream_request_id or "",
        **_usage_columns(attempt.usage),
        "cost_nano": attempt.cost_nano,
    }


def call_id_columns(pair: tuple[str, str], at_ms: int, ordinal: int) -> Columns:
    """One row in ``call_ids``: the id as the client saw it and as the provider made it."""
    shown, native = pair
    return {"at_ms": at_ms, "ordinal": ordinal, "shown": shown, "native": native}


def _outcome_columns(attempt: Attempt) -> tuple[str, str, str, str]:
    match attempt.outcome:
        case Served():
            return "served", "", "", ""
        case Absorbed(failure):
            return "absorbed", failure.cause.value, failure.message, ""
        case LegFailed(failure):
            return "failed", failure.cause.value, failure.message, ""
        case Cancelled(by):
            return "cancelled", "", "", by
        case _:
            assert_never(attempt.outcome)


def _served_endpoint(record: RequestRecord) -> str:
    served = (attempt.endpoint for attempt in record.attempts if isinstance(attempt.outcome, Served))
    return next(served, "")


def _usage_columns(usage: Usage) -> Columns:
    return {
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "usage_estimated": int(usage.estimated),
    }


def _charge_columns(charge: Charge | None) -> Columns:
    if charge is None:
        return {"input_nano": None, "cache_read_nano": None, "cache_write_nano": None, "output_nano": None}
    return {
        "input_nano": charge.input_nano,
        "cache_read_nano": charge.cache_read_nano,
        "cache_write_nano": charge.cache_write_nano,
        "output_nano": charge.output_nano,
    }


def _names(names: tuple[str, ...]) -> str:
    return json.dumps(names, ensure_ascii=False, separators=(",", ":")) if names else "[]"


def _us(ms: float) -> int:
    return round(ms * 1000)


def _us_or_none(ms: float | None) -> int | None:
    return None if ms is None else _us(ms)
