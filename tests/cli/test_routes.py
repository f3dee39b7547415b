"""``gammainfra routes explain``: asked of a running gateway, or planned from the settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gammainfra.cli.routes import as_text
from tests.gateway_process import command, serving

ENVIRON = {"OPENAI_API_KEY": "sk-a", "ANTHROPIC_API_KEY": "sk-b"}


def test_without_a_gateway_the_settings_alone_are_planned_from(tmp_path: Path) -> None:
    ran = command(tmp_path, "routes", "explain", "openai/gpt-5", "--tools", environ=ENVIRON)
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0] == "openai/gpt-5: route reason pin (from the settings alone, without any health)"
    assert lines[3].startswith("  1. openai/gpt-5: as ranked, score 0, about 0.00")
    assert "give --key or GAMMAINFRA_API_KEY" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_plan_is_json_and_takes_headers_and_a_body(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": "gammainfra/auto", "messages": [{"role": "user", "content": "Hi"}]}))
    arguments = ("--body", str(body), "--header", "X-GammaInfra-Cost-Quality: 0.8", "--json", "--offline")
    ran = command(tmp_path, "routes", "explain", *arguments, environ=ENVIRON)
    assert (ran.status, ran.err) == (0, "")
    shown = json.loads(ran.out)
    assert (shown["plan"]["cost_quality_applied"], shown["health"]) == (0.8, [])
    assert len(shown["plan"]["candidates"]) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say which model"),
        (("nobody/knows",), "nobody/knows"),
        (("openai/gpt-5", "--header", "dial"), "write NAME:VALUE"),
        (("openai/gpt-5", "--header", "X-GammaInfra-Cost-Quality: 7"), "X-GammaInfra-Cost-Quality"),
        (("--body", "missing.json"), "missing.json cannot be read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    ran = command(tmp_path, "routes", "explain", *arguments, "--offline", environ=ENVIRON)
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_running_gateway_is_asked(tmp_path: Path) -> None:
    with serving(tmp_path, ENVIRON) as running:
        there = ("--url", f"http://127.0.0.1:{running.port}", "--key", running.key)
        ran = command(tmp_path, "routes", "explain", "openai/gpt-5", *there, environ=ENVIRON)
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith("openai/gpt-5: route reason pin (from the running gateway)")
        wrong = command(tmp_path, "routes", "explain", "openai/gpt-5", *there[:3], "sk-wrong", environ=ENVIRON)
        assert wrong.status == 1
        assert "says 401" in wrong.err
    gone = command(tmp_path, "routes", "explain", "openai/gpt-5", *there, environ=ENVIRON)
    assert gone.status == 0
    assert "no gateway answers at" in gone.err
    assert "from the settings alone" in gone.out


def test_health_is_told_in_words() -> None:
    key = {
        "id": "a-1", "state": "half_open", "reason": "cut", "since": "S", "until": "U", "in_flight": 2, "limit": 7,
        "left": 0.25, "errors": {"broken": 0.5},
    }  # fmt: skip
    idle = dict.fromkeys(("reason", "until", "limit", "left")) | {"id": "a-2", "state": "healthy", "errors": {}}
    endpoint = {
        "endpoint": "a/x", "state": "open", "reason": "cut", "since": "S", "until": "U", "in_flight": 2,
        "error_rate": 0.5, "ttft_p50_ms": 800.0, "ttft_p95_ms": 900.5, "tokens_per_s": 40.0,
        "keys": [key, {**key, **idle}],
    }  # fmt: skip
    candidate = {
        "endpoint": "a/x",
        "reason": "as ranked",
        "score": 0.5,
        "expected_cost_usd": None,
        "cost_bound_usd": None,
    }
    plan = {
        "asked": "a/x", "route_reason": "dial", "task_label": "code", "cost_quality_applied": 0.3,
        "candidates": [candidate], "dropped": [{"endpoint": "b/y", "reason": "too dear"}],
    }  # fmt: skip
    assert as_text("here", {"plan": plan, "health": [endpoint]}).splitlines() == [
        "a/x: route reason dial, label code, dial 0.3 (from here)",
        "",
        "asked in this order:",
        "  1. a/x: as ranked, score 0.5",
        "",
        "not asked:",
        "  b/y: too dear",
        "",
        "health:",
        "  a/x: open (cut) until U, 50% errors, 2 in flight, first token 800 ms (p95 900.5 ms), 40 tokens/s",
        "    a-1: half-open (cut) until U, 2 in flight, carries 7 at once, 25% of its limits left, 50% broken",
        "    a-2: healthy, 2 in flight",
    ]
