"""A Plan as plain JSON values, for ``X-GammaInfra-Explain``, the stored record and ``gammainfra routes explain``.

It decides how a plan is shown, never what is planned. No text of a prompt is in a Plan, so none can be shown.
"""

from __future__ import annotations

from gammainfra.domain.money import show_usd
from gammainfra.domain.plan import Candidate, Plan


def explain(plan: Plan) -> dict[str, object]:
    """Show a plan; money is text in USD with nine places, times are seconds, what is not known is None."""
    return {
        "asked": plan.asked,
        "route_reason": plan.route_reason,
        "task_label": plan.label or None,
        "cost_quality_applied": plan.dial_applied,
        "router_version": plan.router_version,
        "deadline": plan.deadline,
        "candidates": [_candidate(candidate) for candidate in plan.candidates],
        "dropped": [{"endpoint": dropped.endpoint, "reason": dropped.reason} for dropped in plan.dropped],
    }


def _candidate(candidate: Candidate) -> dict[str, object]:
    return {
        "endpoint": candidate.endpoint.name,
        "model": candidate.endpoint.model.id,
        "region": candidate.endpoint.region or None,
        "reason": candidate.reason,
        "score": candidate.score,
        "not_before": candidate.not_before or None,
        "hedge_after_s": candidate.hedge_after_s,
        "expected_cost_usd": _usd(candidate.expected_nano),
        "cost_bound_usd": _usd(candidate.cost_bound_nano),
    }


def _usd(nano: int | None) -> str | None:
    return None if nano is None else show_usd(nano)
