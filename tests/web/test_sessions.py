from __future__ import annotations

from pathlib import Path

import pytest

from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run
from tests.web.stored import FORMULA, SESSION, stored


def test_tasks_are_listed_with_what_they_cost(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            listed = await on.read("/v1/sessions")
            first = await on.read("/v1/sessions?limit=1")
            second = await on.read(
                f"/v1/sessions?limit=1&cursor={first['cursor'].replace('=', '%3D').replace('+', '%2B')}"
            )
            foreign = await on.read("/v1/sessions", on.stranger)
            sheet = await on.get("/v1/sessions?format=csv")
        rows = listed["data"]
        assert [row["id"] for row in rows] == [FORMULA, SESSION]
        assert [row["cost_usd"] for row in rows] == [on.costs[2], on.costs[0] + on.costs[1]]
        assert [(row["steps"], row["rescued"], row["attempts"]) for row in rows] == [(1, 1, 2), (2, 2, 4)]
        assert all(0 <= row["cache_share"] <= 1 for row in rows)
        assert first["data"] + second["data"] == rows
        assert foreign["data"] == []
        assert sheet.body.splitlines()[1].startswith(b"'=1+1,header,")

    run(test())


def test_one_task_shows_its_steps(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            task = await on.read(f"/v1/sessions/{SESSION}")
            part = await on.read(f"/v1/sessions/{SESSION}?limit=1")
            rest = await on.read(f"/v1/requests?session={SESSION}&cursor={part['log']['cursor']}")
            foreign = await on.get(f"/v1/sessions/{SESSION}", on.stranger)
        steps = task["log"]["data"]
        assert (task["object"], task["id"], task["steps"]) == ("session", SESSION, 2)
        assert [step["cost_usd"] for step in steps] == on.costs[1::-1]
        assert sum(step["cost_usd"] for step in steps) == task["cost_usd"]
        assert sum(step["attempts"] for step in steps) == task["attempts"]
        assert part["log"]["data"] + rest["data"] == steps
        assert (foreign.status, foreign.error["code"]) == (404, "session_not_found")

    run(test())


@pytest.mark.parametrize(
    ("target", "param"), [("?cursor=1", "cursor"), ("/x?from=2026-01-01", "from"), ("?from=2026-13-01", "from")]
)
def test_a_wrong_parameter_is_named(target: str, param: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", f"/v1/sessions{target}", headers=CALLER)
        assert (got.status, got.error["param"]) == (400, param)

    run(test())
