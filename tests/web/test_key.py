from __future__ import annotations

from pathlib import Path

from gammainfra.app import App
from gammainfra.billing import posting
from gammainfra.billing.budgets import key_caps
from gammainfra.billing.fees import PLANS
from gammainfra.domain.ledger import Reserve, Source, user_account
from gammainfra.domain.money import NANO_PER_USD
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


CHARGED = {"GAMMAINFRA_BILLING_MODE": "credits"}
AT = 1_800_000_000.0


def credited(app: App) -> None:
    """25 USD bought, 3 given, 2 for fees; a request paid 1 and another holds 4; the key's budgets know both."""
    key = next(one for one in app.keys.list() if one.name == "bootstrap")
    purse = (Source(user_account("local", "managed")),)
    caps = key_caps(key.id, key.limits, app.services.clock.wall())
    parts = (posting.Part("openai", NANO_PER_USD, "credit", "served", purse),)
    orders = (
        posting.top_up("e1", "local", "managed", 25 * NANO_PER_USD, 0, at=AT),
        posting.top_up("e2", "local", "byok", 2 * NANO_PER_USD, 0, at=AT),
        posting.grant("g1", "local", 3 * NANO_PER_USD, at=AT),
        Reserve("gen-1", purse, caps, NANO_PER_USD, 1, AT, AT),
        posting.settle("gen-1", parts, PLANS["launch"], at=AT, estimated=False),
        Reserve("gen-2", purse, caps, 4 * NANO_PER_USD, 1, AT, AT * 2),
    )
    app.writer.submit(lambda _: app.books.post(orders)).result(30)


def test_credits_say_what_was_put_in_what_was_used_and_what_is_held(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, CHARGED) as app:
            credited(app)
            got = await ask(app.asgi, "GET", "/api/v1/credits", headers=CALLER)
            assert got.status == 200
            assert got.json == {
                "data": {
                    "total_credits": 28,
                    "total_usage": 1,
                    "available": 23,
                    "managed": {"balance": 24, "held": 4, "requests": 1},
                    "trial": {"balance": 3, "held": 0, "requests": 0},
                    "byok": {"balance": 2, "held": 0, "requests": 0},
                }
            }
            secret, _ = app.keys.issue("stranger", "another account")
            other = await ask(app.asgi, "GET", "/v1/credits", headers={"x-api-key": secret})
            assert (other.json["data"]["total_credits"], other.json["data"]["available"]) == (0, 0)

    run(test())


def test_credits_are_shown_to_nobody_without_a_key(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, CHARGED) as app:
            got = await ask(app.asgi, "GET", "/v1/credits")
            named = await ask(app.asgi, "GET", "/v1/credits?account=ann", headers=CALLER)
        assert (got.status, got.error["code"]) == (401, "invalid_api_key")
        assert (named.status, named.error["param"]) == (400, "account")

    run(test())


def test_a_key_shows_what_is_left_of_its_budgets_and_the_balances(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, CHARGED) as app:
            credited(app)
            unlimited = (await ask(app.asgi, "GET", "/v1/key", headers=CALLER)).json["data"]
        assert unlimited["limit"] is None
        assert unlimited["budgets"]["daily"] == {"limit": None, "used": 1, "held": 4, "remaining": None}
        assert (unlimited["available"], unlimited["managed"]["held"]) == (23, 4)
        assert (unlimited["hedging"], unlimited["requests_per_minute"], unlimited["scopes"]) == (
            True,
            None,
            ["inference"],
        )

    run(test())
