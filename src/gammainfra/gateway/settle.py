"""What a Turn cost and what is written down of it: usage to money, and the record that is stored.

It decides which token counts are believed: the provider's when it reported them, else an estimate that says so. Prices
are those of the moment of dispatch. It writes nothing itself and holds no text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gammainfra.catalog import price
from gammainfra.domain.attempt import Attempt as AttemptRecord
from gammainfra.domain.attempt import Cancelled, Ending, Served
from gammainfra.domain.bill import Bill
from gammainfra.domain.failure import Refused
from gammainfra.domain.money import Charge
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import RequestRecord
from gammainfra.domain.usage import Usage
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.attempt import Attempt
from gammainfra.gateway.refusals import refusal, tried

_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a Turn ended and what it cost. ``refused`` is the caller's error when there is no answer."""

    asked: Asked
    attempts: Sequence[Attempt]
    winner: Attempt | None
    ending: Ending
    bill: Bill
    refused: Refused | None
    at: float  # monotonic seconds
    spent_ms: float  # our own time


def settle(
    asked: Asked, attempts: Sequence[Attempt], winner: Attempt | None, ending: Ending, *, now: float, slept_s: float
) -> Settlement:
    """Fix the outcome of every attempt and add up the bill."""
    if ending == "served" and winner is not None:
        winner.serve()
        for attempt in attempts:
            attempt.absorb()
    refused = None if ending == "served" else refusal(ending, asked.plan, tried(attempts))
    spent_ms = overhead_ms(asked, attempts, now, slept_s)
    return Settlement(asked, attempts, winner, ending, bill_of(asked, attempts, winner), refused, now, spent_ms)


def usage_of(attempt: Attempt, asked: Asked) -> Usage:
    """The token counts of one attempt; nothing when the provider refused before it began to answer."""
    speech = attempt.speech
    if attempt.status is None and _bills_on(attempt):
        return Usage(input_tokens=asked.sketch.input_tokens_guess, estimated=True)
    if not (speech.upstream_id or speech.useful or speech.usage):
        return Usage()
    if speech.usage is not None and speech.usage_final:
        return speech.usage
    said = math.ceil(speech.n_chars / _CHARS_PER_TOKEN)
    if speech.usage is not None:
        return replace(speech.usage, output_tokens=max(speech.usage.output_tokens, said), estimated=True)
    return Usage(input_tokens=asked.sketch.input_tokens_guess, output_tokens=said, estimated=True)


def _bills_on(attempt: Attempt) -> bool:
    """Whether it was asked, was closed by us before it answered, and bills the question all the same."""
    closed = attempt.started_at is not None and isinstance(attempt.outcome, Cancelled)
    return closed and attempt.host.provider.on_disconnect == "drain"


def charge_of(attempt: Attempt, usage: Usage) -> Charge | None:
    """What the provider bills for it; None when the endpoint has no price."""
    return None if attempt.endpoint.price is None else price.charge(usage, attempt.endpoint.price)


def bill_of(asked: Asked, attempts: Sequence[Attempt], winner: Attempt | None) -> Bill:
    """The bill of a Turn: the serving attempt's usage and charge; what all others cost is ``absorbed``."""
    absorbed_nano = 0
    for attempt in attempts:
        charge = None if attempt is winner else charge_of(attempt, usage_of(attempt, asked))
        absorbed_nano += 0 if charge is None else charge.total_nano
    if winner is None:
        return Bill(Usage(), Charge(), absorbed_nano)
    usage = usage_of(winner, asked)
    return Bill(usage, charge_of(winner, usage), absorbed_nano)


def overhead_ms(asked: Asked, attempts: Sequence[Attempt], now: float, slept_s: float) -> float:
    """Our own time: everything in which no attempt was under way and nobody slept."""
    upstream_s, until = 0.0, asked.began
    for attempt in attempts:
        if attempt.started_at is not None:
            ended = attempt.ended_at or now
            upstream_s += max(0.0, ended - max(until, attempt.started_at))
            until = max(until, ended)
    return max(0.0, now - asked.began - asked.read_s - upstream_s - slept_s) * 1000


def record_of(settled: Settlement, call_ids: Sequence[tuple[str, str]]) -> RequestRecord:
    """The row of a Turn. ``call_ids`` are the (shown, native) pairs of the answer's tool calls."""
    asked, attempts, winner, bill = settled.asked, settled.attempts, settled.winner, settled.bill
    refused, now = settled.refused, settled.at
    head = winner or (attempts[-1] if attempts else None)
    endpoint = asked.plan.candidates[0].endpoint if head is None else head.endpoint
    first = [one.first_token_at for one in attempts if one.first_token_at is not None]
    finishes = [] if winner is None else list(winner.speech.finishes.values())
    return RequestRecord(
        id=asked.id,
        at=asked.at,
        account_id=asked.caller.account_id,
        key_id=asked.caller.key.id,
        client=asked.client,
        session_id=asked.session.name.id,
        session_step=asked.session.step,
        session_by=asked.session.name.by,
        dialect=asked.sketch.dialect,
        asked=asked.plan.asked,
        provider=endpoint.provider,
        model=endpoint.model.name,
        region=endpoint.region,
        stream=asked.sketch.stream,
        n_tools=asked.sketch.n_tools,
        usage=bill.usage,
        charge=bill.charge,
        absorbed_nano=bill.absorbed_nano,
        fee_nano=bill.fee_nano,
        latency_ms=(now - asked.began) * 1000,
        ttft_ms=(first[0] - asked.began) * 1000 if first else None,
        overhead_ms=settled.spent_ms,
        plan=plan_as_served(asked.plan, winner),
        attempts=tuple(_attempt_record(one, asked, now) for one in attempts if one.started_at is not None),
        ending=settled.ending,
        status=200 if refused is None else refused.status,
        finish_reason=finishes[0].reason if finishes else "",
        error_code="" if refused is None else refused.code,
        dial=asked.plan.dial_applied,
        preference=asked.options.preference or "",
        dropped_params=winner.written.dropped_params if winner and winner.written else (),
        dropped_context=winner.written.dropped_context if winner and winner.written else (),
        call_ids=tuple(call_ids),
        idempotency_hash="" if asked.mark is None else asked.mark.text,
        user=(asked.sketch.user or "")[:128],
    )


def plan_as_served(plan: Plan, winner: Attempt | None) -> Plan:
    """The plan, with the second leg's part in it when that one won (C47)."""
    if winner is None or not winner.hedge:
        return plan
    return replace(plan, route_reason="hedge", router_version=f"{plan.router_version}_hedged")


def _attempt_record(attempt: Attempt, asked: Asked, now: float) -> AttemptRecord:
    usage = usage_of(attempt, asked)
    charge = charge_of(attempt, usage)
    outcome = attempt.outcome or (Served() if attempt.speech.finished else Cancelled("stop"))
    began = asked.began
    return AttemptRecord(
        number=attempt.number,
        endpoint=attempt.endpoint.name,
        provider=attempt.endpoint.provider,
        upstream_model=attempt.endpoint.upstream_model,
        started_ms=((attempt.started_at or began) - began) * 1000,
        outcome=outcome,
        first_token_ms=None if attempt.first_token_at is None else (attempt.first_token_at - began) * 1000,
        ended_ms=((attempt.ended_at or now) - began) * 1000,
        status=attempt.status,
        upstream_request_id=attempt.upstream_request_id,
        usage=usage,
        cost_nano=None if charge is None else charge.total_nano,
        key_id=attempt.key_id,
        hedge=attempt.hedge,
    )
