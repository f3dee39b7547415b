from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run
from tests.web.stored import stored


def test_every_grouping_adds_up_to_what_the_answers_cost(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            for groups in ("", "?group_by=hour", "?group_by=key", "?group_by=day,model,provider,client"):
                usage = await on.read(f"/v1/usage{groups}")
                assert sum(row["cost_usd"] for row in usage["data"]) == sum(on.costs)
                assert sum(row["requests"] for row in usage["data"]) == 3
            usage = await on.read("/v1/usage")
            (row,) = (await on.read("/v1/usage?group_by=key"))["data"]
            day = usage["data"][0]
            foreign = await on.read("/v1/usage", on.stranger)
            sheet = await on.get("/v1/usage?format=csv&group_by=provider,day")
        assert (row["rescued"], row["served"], row["failed"]) == (3, 3, 0)
        assert row["mean_latency_ms"] >= row["mean_overhead_ms"] > 0
        assert "starts_at" not in row
        assert day["starts_at"].endswith("T00:00:00.000Z")
        assert usage["from"] < usage["to"]
        assert foreign["data"] == []
        lines = list(csv.DictReader(io.StringIO(sheet.body.decode(), newline="")))
        cells = lines[0]
        assert sum(Decimal(line["cost_usd"]) for line in lines) == sum(on.costs)
        assert list(cells)[:3] == ["starts_at", "provider", "requests"]
        assert cells["starts_at"] == day["starts_at"]

    run(test())


def test_the_span_is_widened_to_whole_days(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(
                app.asgi, "GET", "/v1/usage?from=2026-11-20T13:00Z&to=2026-11-22T00:00:00.001", headers=CALLER
            )
            whole = await ask(app.asgi, "GET", "/v1/usage?from=1763596800&to=2025-11-21", headers=CALLER)
        assert (got.json["from"], got.json["to"]) == ("2026-11-20T00:00:00.000Z", "2026-11-23T00:00:00.000Z")
        assert (whole.json["from"], whole.json["to"]) == ("2025-11-20T00:00:00.000Z", "2025-11-21T00:00:00.000Z")

    run(test())


@pytest.mark.parametrize(
    ("query", "param", "words"),
    [
        ("group_by=day,hour", "group_by", "choose one"),
        ("group_by=colour", "group_by", "day, hour, key, model, provider, client"),
        ("group_by=key,key", "group_by", "each once"),
        ("from=2020-01-01&to=2026-01-01", "from", "2192 days apart: at most 750"),
        ("from=2026-01-01&to=2026-03-01&group_by=hour", "from", "hours apart"),
        ("from=2026-01-02&to=2026-01-01", "from", "not before to"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_form(query: str, param: str, words: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", f"/v1/usage?{query}", headers=CALLER)
        assert (got.status, got.error["param"]) == (400, param)
        assert words in got.error["message"]

    run(test())
