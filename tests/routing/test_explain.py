"""A plan as JSON."""

from __future__ import annotations

import json

from gammainfra.domain.endpoint import Capabilities, Endpoint, Model
from gammainfra.domain.plan import Candidate, Dropped, Plan
from gammainfra.routing.explain import explain

MODEL = Model("acme/best", "acme", "best", "Best", Capabilities(1000, 100))


def test_a_plan_is_shown_as_plain_json_with_money_as_text() -> None:
    home = Endpoint("bedrock", MODEL, "best-v1", None, region="eu-west-1")
    known = Candidate(home, "as ranked", 0.9, not_before=7.0, cost_bound_nano=1_500_000, expected_nano=20)
    unknown = Candidate(Endpoint("acme", MODEL, "best", None), "as ranked")
    plan = Plan("gammainfra/auto", (known, unknown), (Dropped("x/y", "too dear"),), "dial", "code", 0.5, deadline=12.5)
    assert json.loads(json.dumps(explain(plan))) == {
        "asked": "gammainfra/auto",
        "route_reason": "dial",
        "task_label": "code",
        "cost_quality_applied": 0.5,
        "router_version": "v1",
        "deadline": 12.5,
        "candidates": [
            {
                "endpoint": "bedrock/best",
                "model": "acme/best",
                "region": "eu-west-1",
                "reason": "as ranked",
                "score": 0.9,
                "not_before": 7.0,
                "hedge_after_s": None,
                "expected_cost_usd": "0.000000020",
                "cost_bound_usd": "0.001500000",
            },
            {
                "endpoint": "acme/best",
                "model": "acme/best",
                "region": None,
                "reason": "as ranked",
                "score": 0.0,
                "not_before": None,
                "hedge_after_s": None,
                "expected_cost_usd": None,
                "cost_bound_usd": None,
            },
        ],
        "dropped": [{"endpoint": "x/y", "reason": "too dear"}],
    }


def test_what_did_not_decide_is_none() -> None:
    shown = explain(Plan("acme/best", (Candidate(Endpoint("acme", MODEL, "best", None), "as ranked"),)))
    assert (shown["task_label"], shown["cost_quality_applied"], shown["deadline"]) == (None, None, None)
