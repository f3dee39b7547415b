from __future__ import annotations

from pathlib import Path

from tests.asgi import ask
from tests.gateway_in_process import CALLER, KEY, gateway, run
from tests.web.stored import stored


def test_a_key_says_who_it_is_and_what_was_spent_with_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            got = await on.get("/v1/key")
            own = (await on.read("/v1/key"))["data"]
            other = (await on.read("/v1/key", on.stranger))["data"]
        assert (own["name"], own["last4"]) == ("bootstrap", KEY[-4:])
        assert KEY.encode() not in got.body
        assert own["usage"] == sum(on.costs)
        assert own["usage_daily"] <= own["usage_monthly"] <= own["usage"]  # midnight may have passed
        assert (own["limit"], own["limit_remaining"], own["is_free_tier"]) == (None, None, False)
        assert (other["label"], other["usage"]) == ("stranger", 0)

    run(test())


def test_there_is_no_credit_and_the_answer_says_where_spending_is_shown(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", "/v1/credits", headers=CALLER)
        assert (got.status, got.error["code"]) == (404, "not_supported")
        assert "GET /v1/key" in got.error["message"]

    run(test())
