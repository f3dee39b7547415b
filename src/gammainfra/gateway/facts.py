"""What is said about an answer beside the answer (C40..C53): one mapping, rendered as headers and as closing comment.

It decides which facts are known at which moment: a header is never a guess presented as a fact. Names are the header
names without prefix, in snake_case; values are text, money exact to the nano-dollar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gammainfra.domain.attempt import Absorbed, LegFailed
from gammainfra.domain.failure import Refused
from gammainfra.domain.money import show_usd
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.attempt import Attempt
from gammainfra.gateway.settle import Settlement, charge_of, plan_as_served, usage_of

PREFIX = "x-gammainfra-"

Headers = tuple[tuple[bytes, bytes], ...]


def routed(asked: Asked, attempts: Sequence[Attempt], winner: Attempt | None) -> dict[str, str]:
    """What is known as soon as an answer begins, and still true when it failed."""
    plan = plan_as_served(asked.plan, winner)
    chain = [attempt for attempt in attempts if attempt.started_at is not None]
    failed = [one for one in chain if one is not winner and isinstance(one.outcome, Absorbed | LegFailed)]
    facts = {
        "attempted_count": str(len(chain)),
        "fallback_chain": ",".join(attempt.endpoint.name for attempt in chain),
        "router_version": plan.router_version,
        "route_reason": "fallback" if failed and winner is not None and not winner.hedge else plan.route_reason,
        "session_id": asked.session.name.id,
    }
    if winner is not None:
        facts["endpoint"] = winner.endpoint.name
        facts |= _lost(winner) | _raced(asked, attempts, winner)
    if failed:
        facts["fallback_reason"] = ",".join(_reason(attempt) for attempt in failed)
    if plan.dial_applied is not None:
        facts["cost_quality_applied"] = f"{plan.dial_applied:g}"
    if plan.label:
        facts["task_label"] = plan.label
    return facts


def at_head(asked: Asked, attempts: Sequence[Attempt], winner: Attempt | None) -> dict[str, str]:
    """The facts of a stream's first byte. The cost is an upper bound and named so."""
    facts = routed(asked, attempts, winner)
    bounds = {one.endpoint.name: one.cost_bound_nano for one in asked.plan.candidates}
    bound_nano = None if winner is None else bounds.get(winner.endpoint.name)
    if bound_nano is not None:
        facts["cost_estimate_usd"] = show_usd(bound_nano)
    return facts


def at_end(settled: Settlement, session_nano: int) -> dict[str, str]:
    """All facts of a settled answer. Costs are absent when no price is known, never 0 (C26).

    ``session_nano`` is what the task's answers have cost before this one, its other running requests included.
    """
    asked, bill = settled.asked, settled.bill
    facts = routed(asked, settled.attempts, settled.winner)
    if bill.charge is not None:
        facts["cost_usd"] = show_usd(bill.charge.total_nano)
        facts["input_cost_usd"] = show_usd(bill.charge.input_side_nano)
        facts["output_cost_usd"] = show_usd(bill.charge.output_nano)
        facts["session_cost_usd"] = show_usd(session_nano + bill.charge.total_nano)
    facts["fee_usd"] = show_usd(bill.fee_nano)
    if bill.balance_nano is not None:
        facts["balance_usd"] = show_usd(bill.balance_nano)
    if bill.notice:
        facts["credit_ended"] = bill.notice
    facts["overhead_ms"] = f"{settled.spent_ms:.2f}"
    return facts


def headers(request_id: str, content_type: str, facts: Mapping[str, str]) -> Headers:
    """Facts as response headers."""
    rows = [("content-type", content_type), ("x-request-id", request_id), ("cache-control", "no-store")]
    rows.append(("request-id", request_id))  # the name that Anthropic's SDKs read
    rows += [(PREFIX + name.replace("_", "-"), value) for name, value in facts.items()]
    return tuple((name.encode("latin-1"), _one_line(value)) for name, value in rows)


def refusal_headers(request_id: str, refused: Refused, facts: Mapping[str, str] | None = None) -> Headers:
    """The headers of an error: facts so far, and what the caller's SDK should do about it (C50)."""
    rows = list(headers(request_id, "application/json", facts or {}))
    if refused.retry is not None:
        rows.append((b"x-should-retry", b"true" if refused.retry else b"false"))
    if refused.retry_after_s is not None:
        rows.append((b"retry-after", str(max(1, round(refused.retry_after_s))).encode()))
        rows.append((b"retry-after-ms", str(round(refused.retry_after_s * 1000)).encode()))
    rows += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in refused.headers.items()]
    return tuple(rows)


def _one_line(value: str) -> bytes:
    """A header value that cannot end its header: names of models and sessions come from outside."""
    if value.isascii() and value.isprintable():
        return value.encode("ascii")
    return "".join(char if " " <= char <= "~" else "?" for char in value).encode("ascii")


def _reason(attempt: Attempt) -> str:
    failure = attempt.outcome.failure if isinstance(attempt.outcome, Absorbed | LegFailed) else None
    return f"{attempt.endpoint.provider}_{failure.cause if failure else 'unknown'}"


def _lost(winner: Attempt) -> dict[str, str]:
    written = winner.written
    if written is None:
        return {}
    lost = {"dropped_params": written.dropped_params, "dropped_context": written.dropped_context}
    return {name: ",".join(names) for name, names in lost.items() if names}


def _raced(asked: Asked, attempts: Sequence[Attempt], winner: Attempt) -> dict[str, str]:
    """Which of two legs won and what the other one cost (C53); nothing when neither of them did."""
    second = next((one for one in attempts if one.hedge and one.started_at is not None), None)
    if second is None:
        return {}
    first = attempts[second.number - 2]  # the only one that was asked when the second one was
    if winner not in {first, second}:
        return {}
    loser = first if winner is second else second
    charge = charge_of(loser, usage_of(loser, asked))
    waste = "" if charge is None else f"; waste-usd={show_usd(charge.total_nano)}"
    return {"hedge": f"won={'secondary' if winner is second else 'primary'}{waste}"}
