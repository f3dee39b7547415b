from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gammainfra.domain.attempt import Absorbed, Attempt, Cancelled, LegFailed, Outcome, Served
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.health import EndpointReport, HealthReport, KeyReport
from gammainfra.domain.money import Charge
from gammainfra.domain.usage import Usage
from gammainfra.telemetry.log import Observed, configure, note_loop_defect
from gammainfra.telemetry.metrics import Metrics
from tests.store.making import record

LIMITED = Failure(Cause.RATE_LIMIT, "too many")
ENDPOINTS = (
    EndpointReport(
        "openai/gpt", "openai", "open", "cut", 1.0, 2.0, 3, 0.5, ttft_p50_ms=250.0, ttft_p95_ms=900.0,
        tokens_per_s=70.0, keys=(KeyReport("openai-1", "open", "cut", 1.0, 2.0, 3, None, None, {"broken": 0.5}),),
    ),
    EndpointReport("local/a/b", "local", "healthy", "", None, None, 0, 0.0, None, None, None, ()),
)  # fmt: skip


def test_endpoints_are_shown_without_their_keys() -> None:
    shown = values(metrics())
    gpt, local = "['gpt', 'openai']", "['a/b', 'local']"
    assert (shown["gammainfra_circuit_state" + gpt], shown["gammainfra_circuit_state" + local]) == (2, 0)
    assert shown["gammainfra_endpoint_state['gpt', 'open', 'openai']"] == 1
    assert shown["gammainfra_endpoint_error_rate" + gpt] == 0.5
    assert shown["gammainfra_endpoint_inflight" + gpt] == 3
    assert shown["gammainfra_endpoint_tokens_per_second" + gpt] == 70
    assert "gammainfra_endpoint_tokens_per_second" + local not in shown
    ttft = {name: value for name, value in shown.items() if "endpoint_ttft" in name}
    assert sorted(ttft.values()) == [0.25, 0.9]
    assert b"openai-1" not in metrics().show()


def attempt(number: int, outcome: Absorbed | Cancelled | LegFailed | Served, provider: str = "openai") -> Attempt:
    return Attempt(number, f"{provider}/m", provider, "m", 0.0, outcome)


def metrics() -> Metrics:
    return Metrics(in_flight=lambda: 3, queued=lambda: 2, lost=lambda: 1, health=lambda: HealthReport(0.0, ENDPOINTS))


def values(shown: Metrics) -> dict[str, float]:
    """Every sample as ``name{label=value}``."""
    samples = [one for family in text_string_to_metric_families(shown.show().decode()) for one in family.samples]
    return {
        one.name + (str(sorted(one.labels.values())) if one.labels else ""): one.value
        for one in samples
        if not one.name.endswith(("_created", "_bucket"))
    }


def test_a_settled_turn_is_counted_with_its_attempts_tokens_and_money() -> None:
    shown = metrics()
    done = replace(
        record(),
        provider="anthropic",
        model="m",
        attempts=(
            attempt(1, Absorbed(LIMITED)),
            attempt(2, Cancelled("hedge")),
            attempt(3, Served(), "anthropic"),
            attempt(4, LegFailed(LIMITED)),
        ),
        usage=Usage(10, 20, 3, 4, 50, 6),
        charge=Charge(input_nano=1_000_000_000),
        absorbed_nano=500_000_000,
        latency_ms=1500.0,
        ttft_ms=250.0,
        overhead_ms=2.0,
    )
    shown.turn_ended(done)
    shown.turn_ended(replace(done, charge=None, ttft_ms=None, attempts=()))
    shown.defect()
    got = values(shown)
    assert got["gammainfra_requests_total['anthropic', 'm', 'served']"] == 2
    assert got["gammainfra_attempts_total['absorbed', 'openai', 'rate_limit']"] == 1
    assert got["gammainfra_attempts_total['cancelled', 'hedge', 'openai']"] == 1
    assert got["gammainfra_attempts_total['', 'anthropic', 'served']"] == 1
    assert got["gammainfra_attempts_total['failed', 'openai', 'rate_limit']"] == 1
    tokens = {"input": 20, "cache_read": 40, "cache_write": 14, "output": 100, "reasoning": 12}
    assert {kind: got[f"gammainfra_tokens_total['{kind}']"] for kind in tokens} == tokens
    assert got["gammainfra_cost_usd_total['served']"] == 1
    assert got["gammainfra_cost_usd_total['absorbed']"] == 1
    assert (got["gammainfra_request_seconds_count"], got["gammainfra_request_seconds_sum"]) == (2, 3)
    assert (got["gammainfra_ttft_seconds_count"], got["gammainfra_ttft_seconds_sum"]) == (1, 0.25)
    assert got["gammainfra_overhead_seconds_sum"] == pytest.approx(0.004)
    assert got["gammainfra_defects_total"] == 1
    assert [got[f"gammainfra_{name}"] for name in ("inflight", "log_queue_depth", "log_lost")] == [3, 2, 1]


def test_a_turn_is_one_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text")
    Observed(metrics()).turn_ended(replace(record(), attempts=(attempt(1, Absorbed(LIMITED)),)))
    (line,) = capsys.readouterr().err.splitlines()
    assert " INFO id=" in line
    assert "ending=served" in line
    assert "met=rate_limit" in line
    assert "error=" not in line


def test_a_turn_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    Observed(metrics()).turn_ended(replace(record(), charge=None))
    row = json.loads(capsys.readouterr().err)
    assert row["level"] == "info"
    assert {"at", "message", "id", "ending", "asked", "served", "attempts", "session", "latency_ms"} <= set(row)
    assert row["cost_usd"] is None


def test_a_turn_that_failed_is_a_warning_and_one_that_was_left_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning", "json")
    observed = Observed(metrics())
    observed.turn_ended(record())
    observed.turn_ended(replace(record(), ending="abandoned"))
    assert capsys.readouterr().err == ""
    observed.turn_ended(replace(record(), ending="failed", error_code="all_providers_failed"))
    row = json.loads(capsys.readouterr().err)
    assert (row["level"], row["error"], row["served"]) == ("warning", "all_providers_failed", "")


def look_up() -> None:
    """Fails as code does that was given something it did not expect."""
    nothing: dict[str, str] = {}
    try:
        nothing["a prompt"]
    except KeyError as error:
        raise LookupError("a prompt too") from error


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_defect_is_logged_by_type_and_place_and_never_by_its_words(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("info", "json" if form == "json" else "text")
    observed = Observed(metrics())
    with pytest.raises(LookupError) as caught:
        look_up()
    observed.defect("gen-1", caught.value)
    logged = capsys.readouterr().err
    assert "defect in gen-1: LookupError" in logged
    assert "after KeyError" in logged
    assert "test_log.py" in logged
    assert "a prompt" not in logged


def test_what_nobody_waited_for_is_a_defect_of_the_loop(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text")

    async def test() -> None:
        loop = asyncio.get_running_loop()
        note_loop_defect(loop, {"message": "a task failed", "exception": ValueError("a prompt")})
        note_loop_defect(loop, {"message": "something else"})

    asyncio.run(test())
    logged = capsys.readouterr().err
    assert "defect in the event loop: ValueError" in logged
    assert "defect: something else" in logged
    assert "a prompt" not in logged


def test_libraries_speak_in_our_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert json.loads(capsys.readouterr().err)["message"] == "Invalid HTTP request received."


@pytest.mark.parametrize(
    ("first", "second", "won"),
    [
        (Cancelled("hedge"), Served(), "secondary"),
        (Served(), Cancelled("hedge"), "primary"),
        (Absorbed(LIMITED), Absorbed(LIMITED), "neither"),
    ],
)
def test_second_legs_are_counted_by_who_won(first: Outcome, second: Outcome, won: str) -> None:
    shown = metrics()
    shown.turn_ended(replace(record(), attempts=(attempt(1, first), replace(attempt(2, second), hedge=True))))
    assert values(shown)[f"gammainfra_hedges_total['{won}']"] == 1
