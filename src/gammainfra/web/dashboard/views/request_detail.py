"""One request: what happened in words, its attempts as a waterfall, why these providers, and what each token cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gammainfra.store.rows import AttemptRow, RequestDetail
from gammainfra.web.dashboard import charts, compare, words
from gammainfra.web.dashboard import format as show
from gammainfra.web.dashboard.desk import Ask, Missing, Page

_SHOWN_ELSEWHERE: Final = 8


@dataclass(frozen=True, slots=True)
class CostLine:
    """Tokens of one class at one price."""

    name: str
    tokens: int
    rate: str
    nano: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """An attempt of the waterfall. ``said`` is what became of it."""

    attempt: AttemptRow
    line: object
    kind: str
    word: str
    said: str


def show_page(ask: Ask) -> Page:
    """The page; Missing when this account has no such request."""
    request_id = ask.path["id"]
    detail = ask.reader.generation(ask.account_id, request_id)
    if detail is None:
        raise Missing("There is no such request. It may still be on its way into the store: load again in a second.")
    request = detail.request
    key = next((key for key in ask.desk.keys.list() if key.id == request.key_id), None)
    plan = json.loads(detail.plan)
    failed = [one for one in detail.attempts if one.outcome == "failed"]
    values = {
        "request": request,
        "attempts": detail.attempts,
        "headline": words.headline(request, detail.attempts),
        "status": words.status(request),
        "bars": [bar_of(one, request.latency_ms) for one in detail.attempts],
        "plan": plan,
        "asked_endpoints": {one.endpoint for one in detail.attempts},
        "lines": _cost_lines(detail),
        "elsewhere": _elsewhere(ask, detail, plan),
        "call_ids": [pair for pair in detail.call_ids if pair[0] != pair[1]],
        "key_name": request.key_id if key is None else f"{key.name} …{key.last4}",
        "remedies": [words.REMEDIES[one.cause] for one in failed if one.cause in words.REMEDIES],
        "route_reason": words.ROUTE_REASONS.get(request.route_reason, request.route_reason),
    }
    return Page("request.html", values)


def bar_of(attempt: AttemptRow, whole_ms: float) -> Bar:
    """One line of the waterfall, drawn against the length of the whole request."""
    end = attempt.ended_ms if attempt.ended_ms is not None else whole_ms
    kind, word = _outcome(attempt)
    spans = []
    if attempt.first_token_ms is not None:
        waited = show.duration(attempt.first_token_ms - attempt.started_ms)
        spans.append(
            charts.Span(attempt.started_ms, attempt.first_token_ms, f"wait {kind}", f"First token after {waited}.")
        )
        spoke = show.duration(end - attempt.first_token_ms)
        spans.append(charts.Span(attempt.first_token_ms, end, f"speak {kind}", f"Spoke for {spoke}."))
    else:
        waited = show.duration(end - attempt.started_ms)
        spans.append(charts.Span(attempt.started_ms, end, f"wait {kind}", f"No token within {waited}."))
    title = f"Attempt {attempt.number} at {attempt.provider}, {word}"
    return Bar(attempt, charts.timeline(spans, max(whole_ms, end), title), kind, word, _said(attempt))


def _outcome(attempt: AttemptRow) -> tuple[str, str]:
    return {
        "served": ("served", "served"),
        "absorbed": ("absorbed", "absorbed"),
        "failed": ("failed", "failed"),
        "cancelled": ("cancelled", "cancelled"),
    }[attempt.outcome]


def _said(attempt: AttemptRow) -> str:
    if attempt.outcome == "served":
        return "gave the answer"
    if attempt.outcome == "cancelled":
        return words.CANCELLED_BY.get(attempt.cancelled_by, "was cancelled")
    return words.cause(attempt.cause)


def _cost_lines(detail: RequestDetail) -> Sequence[CostLine]:
    """Every class of tokens that occurred, with the price that was paid."""
    usage, charge = detail.request.usage, detail.request.charge
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    classes = (
        ("New input", usage.input_tokens, None if charge is None else charge.input_nano),
        ("Read from cache", usage.cache_read_tokens, None if charge is None else charge.cache_read_nano),
        ("Written to cache", written, None if charge is None else charge.cache_write_nano),
        ("Output", usage.completion_tokens, None if charge is None else charge.output_nano),
    )
    return [
        CostLine(name, tokens, "" if nano is None else show.rate(nano, tokens), nano)
        for name, tokens, nano in classes
        if tokens or nano
    ]


def _elsewhere(ask: Ask, detail: RequestDetail, plan: dict[str, Any]) -> Sequence[compare.Elsewhere]:
    """The same tokens at the other candidates of the plan."""
    request = detail.request
    if request.cost_nano is None or request.ending != "served":
        return []
    names = {str(one["endpoint"]) for one in plan.get("candidates", ())} - {request.endpoint}
    known = compare.by_name(ask.desk.on.roster.catalog)
    others = [known[name] for name in sorted(names) if name in known]
    return compare.elsewhere([request.usage], others, request.at, request.cost_nano)[:_SHOWN_ELSEWHERE]
