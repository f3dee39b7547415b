from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from gammainfra.web.request_log import COLUMNS
from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run
from tests.web.stored import FORMULA, SESSION, stored


def test_the_log_is_newest_first_and_costs_what_the_answers_cost(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            log = await on.read("/v1/requests")
            one_task = await on.read(f"/v1/requests?session={SESSION}&rescued=true&ending=served")
            no_key = await on.read("/v1/requests?key=key-of-nobody")
            key_id = log["data"][0]["key_id"]
            of_key = await on.read(f"/v1/requests?key={key_id}&from=2026-01-01&to=4000000000")
            past = await on.read("/v1/requests?to=2020-01-01T00:00:00Z")
            foreign = [await on.read(target, on.stranger) for target in ("/v1/requests", f"/v1/requests?key={key_id}")]
        assert [row["id"] for row in log["data"]] == [answer["id"] for answer in reversed(on.answers)]
        assert [row["cost_usd"] for row in log["data"]] == on.costs[::-1]
        assert (log["object"], log["cursor"]) == ("list", None)
        assert one_task["data"] == log["data"][1:]
        assert of_key["data"] == log["data"]
        assert [page["data"] for page in (no_key, past, *foreign)] == [[]] * 4

    run(test())


def test_pages_follow_one_another_by_their_cursor(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            seen, cursor, page = [], "", {}
            for _ in on.answers:
                page = await on.read(f"/v1/requests?limit=1{cursor}")
                seen += [row["id"] for row in page["data"]]
                cursor = f"&cursor={page['cursor']}"
        assert seen == [answer["id"] for answer in reversed(on.answers)]
        assert page["cursor"] is None

    run(test())


def test_csv_holds_the_same_and_runs_in_no_spreadsheet(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            await on.app.writer.flush()
            asked = await on.get("/v1/requests?format=csv&limit=2")
            accepted = await on.get("/v1/requests", {**CALLER, "accept": "text/csv"})
            chosen = await on.get("/v1/requests?format=json", {**CALLER, "accept": "text/csv"})
            nothing = await on.get("/v1/requests?format=csv", on.stranger)
        rows = list(csv.DictReader(io.StringIO(accepted.body.decode(), newline="")))
        assert [Decimal(row["cost_usd"]) for row in rows] == on.costs[::-1]
        assert [row["session_id"] for row in rows] == ["'" + FORMULA, SESSION, SESSION]
        assert {row["user"] for row in rows} == {"'" + FORMULA}
        assert (rows[0]["stream"], rows[0]["error_code"], rows[0]["attempts"]) == ("false", "", "2")
        assert tuple(rows[0]) == tuple(COLUMNS)
        assert asked.headers["content-type"] == "text/csv; charset=utf-8"
        assert len(asked.body.splitlines()) == 3
        assert "x-gammainfra-cursor" in asked.headers
        assert "x-gammainfra-cursor" not in accepted.headers
        assert chosen.json["object"] == "list"
        assert nothing.body.decode().strip() == ",".join(COLUMNS)

    run(test())


@pytest.mark.parametrize(
    ("query", "param", "words"),
    [
        ("limit=0", "limit", "from 1 to 1000"),
        ("limit=1001", "limit", "from 1 to 1000"),
        ("limit=many", "limit", "from 1 to 1000"),
        ("limit=1&limit=2", "limit", "given twice"),
        ("key=", "key", "is empty"),
        ("session=a%0Ab", "session", "printable"),
        ("from=yesterday", "from", "ISO 8601"),
        ("from=2026-02-30", "from", "ISO 8601"),
        ("from=20261123T10", "from", "ISO 8601"),
        ("to=2026-11-23T10:00:00%2B02:00", "to", "UTC"),
        ("to=-5", "to", "epoch seconds"),
        ("from=2026-11-23&to=2026-11-23", "from", "not before to"),
        ("format=xml", "format", "json, csv"),
        ("ending=good", "ending", "served"),
        ("rescued=1", "rescued", "true, false"),
        ("cursor=abc", "cursor", "leave it out"),
        ("cursor=99999999999999999999.1", "cursor", "leave it out"),
        ("cursor=1.99999999999999999999", "cursor", "leave it out"),
        ("sesion=a", "sesion", "it knows key, session"),
        ("key=%ff", "query", "UTF-8"),
        ("&".join(["a=1"] * 33), "query", "at most 32"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_form(query: str, param: str, words: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", f"/v1/requests?{query}", headers=CALLER)
        assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_request", param)
        assert words in got.error["message"]

    run(test())


@pytest.mark.parametrize(
    "path", ["generation?id=x", "requests", "sessions", "sessions/x", "usage", "key", "model/info"]
)
def test_nothing_stored_is_read_without_a_key(path: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", f"/v1/{path}")
        assert (got.status, got.error["code"]) == (401, "invalid_api_key")

    run(test())
