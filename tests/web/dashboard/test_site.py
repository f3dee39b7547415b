"""The dashboard as a browser meets it, without a browser: who gets in, what a form needs, what every answer carries."""

from __future__ import annotations

import re
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from subprocess import run as run_command
from urllib.parse import urlencode

import pytest

from gammainfra.store.statements import SQLITE
from gammainfra.web.dashboard.security import CSP
from gammainfra.web.dashboard.site import FORMS, PAGES
from tests.asgi import Got, ask
from tests.gateway_in_process import CALLER, gateway, run
from tests.web.stored import FORMULA, SESSION, Stored, stored

HERE = {"host": "127.0.0.1:8787"}
MATCHES = {
    "status=fallback": 3,
    "status=failed": 0,
    "cause=server_error": 3,
    f"session={SESSION}": 2,
    "min_cost=1000": 0,
    "min_ms=999999": 0,
    "stream=yes": 0,
    "asked=openai/gpt-5": 3,
}
FOLDER = Path(__file__).resolve().parents[3] / "src/gammainfra/web/dashboard"


async def enter(at: Stored, host: str = "127.0.0.1:8787") -> dict[str, str]:
    """Headers of a browser that is logged in."""
    got = await at.get(f"/dashboard/login?token={at.app.links.make()}", {"host": host})
    assert got.status == 303
    return {"host": host, "cookie": got.headers["set-cookie"].split(";")[0]}


async def post(at: Stored, path: str, headers: dict[str, str], form: dict[str, str]) -> Got:
    body = urlencode(form).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return await ask(at.app.asgi, "POST", path, body, {**headers, **kind})


def token_in(got: Got) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', got.body.decode())
    assert found is not None
    return found[1]


def test_every_page_needs_a_login_and_an_api_key_is_none(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            for path in [*PAGES, "/dashboard/events", "/dashboard/requests.csv"]:
                got = await at.get(path.replace("{id}", "x").replace("{id:path}", "x"), {**HERE, **CALLER})
                assert got.status == 401, path
                assert SESSION not in got.body.decode()
            for path in FORMS:
                assert (await post(at, path, HERE, {})).status == 401

    run(test())


def test_the_api_never_reads_a_cookie(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            assert (await at.get("/v1/requests", await enter(at))).status == 401

    run(test())


def test_every_page_shows_what_is_stored_with_the_policy_and_without_a_cache(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            at.app.writer.flush_blocking(5)
            browser = await enter(at)
            for path in PAGES:
                page = path.replace("{id:path}", SESSION).replace("{id}", at.answers[0]["id"])
                got = await at.get(page, browser)
                assert got.status == 200, page
                assert got.headers["content-security-policy"] == CSP
                assert got.headers["cache-control"] == "no-store"
                text = got.body.decode()
                assert not re.search(r"<script(?! src=)|\sstyle=|\son\w+=|<style", text), page
                assert not re.search(r'(?:src|href|action)="(?!/|#|\?)', text), page

    run(test())


def test_a_page_reads_without_counting_and_sums_roll_ups_only() -> None:
    mine = [
        one.sql for name, one in SQLITE.items() if name.startswith(("dashboard", "usage", "session", "requests_of"))
    ]
    raw = [sql for sql in mine if re.search(r"\b(requests|attempts)\b", re.sub(r"(sum|AS|,)\W*requests", "", sql))]

    assert len(raw) > 5
    assert not [sql for sql in mine if re.search(r"count\(", sql, re.IGNORECASE)]
    assert not [
        sql for sql in raw if re.search(r"\b(sum|avg|total)\(|GROUP BY", sql, re.IGNORECASE) and "usage_" not in sql
    ]


def test_the_request_page_tells_the_chain(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            at.app.writer.flush_blocking(5)
            got = await at.get(f"/dashboard/requests/{at.answers[0]['id']}", await enter(at))
            assert "on attempt 2 of 2, after openai had an internal error" in got.body.decode()
            assert "Not stored." in got.body.decode()

    run(test())


def test_filters_stand_in_the_address_and_wrong_ones_are_named(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            at.app.writer.flush_blocking(5)
            browser = await enter(at)
            for query, n in MATCHES.items():
                got = await at.get(f"/dashboard/requests?{query}", browser)
                assert got.body.decode().count('class="row"') == n, query
            for query in ("status=odd", "min_cost=free", "min_ms=-1", "period=ever", "cursor=x"):
                got = await at.get(f"/dashboard/requests?{query}", browser)
                assert got.status == 400, query
                assert query.split("=", maxsplit=1)[0] in got.body.decode()

    run(test())


def test_an_export_is_streamed_and_a_spreadsheet_runs_nothing_of_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            at.app.writer.flush_blocking(5)
            browser = await enter(at)
            got = await at.get("/dashboard/requests.csv", browser)
            assert got.body.decode().count("\r\n") == 4
            assert f",'{FORMULA}" in got.body.decode()
            assert (await at.get("/dashboard/sessions.csv", browser)).body.decode().count("\r\n") == 3
            assert (await at.get("/dashboard/usage.csv?by=provider", browser)).body.startswith(b"starts_at,provider,")

    run(test())


def test_a_form_needs_the_browsers_word_and_the_pages_token(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            browser = await enter(at)
            form = {"name": "laptop", "form_token": token_in(await at.get("/dashboard/keys", browser))}
            before = len(at.app.keys.list())
            origin = {**browser, "origin": "http://127.0.0.1:8787"}
            wrong = (
                (browser, form),
                ({**browser, "origin": "http://evil.example"}, form),
                ({**browser, "sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8787"}, form),
                (origin, {**form, "form_token": "x"}),
            )
            for headers, fields in wrong:
                assert (await post(at, "/dashboard/keys/create", headers, fields)).status == 403
            assert len(at.app.keys.list()) == before
            made = await post(at, "/dashboard/keys/create", origin, form)
            found = re.search(r"sk-gammainfra-\w+", made.body.decode())
            assert found is not None
            key = {"authorization": f"Bearer {found[0]}"}
            assert (await at.get("/v1/key", key)).status == 200
            assert found[0] not in (await at.get("/dashboard/keys", browser)).body.decode()
            key_id = next(one.id for one in at.app.keys.list() if one.name == "laptop")
            revoked = await post(at, "/dashboard/keys/revoke", origin, {**form, "key": key_id})
            assert revoked.status == 303
            assert (await at.get("/v1/key", key)).status == 401

    run(test())


@pytest.mark.parametrize(("host", "proxy", "status", "cookie"), [
    ("127.0.0.1:8787", {}, 303, "__Host-gammainfra="),
    ("localhost", {}, 303, "__Host-gammainfra="),
    ("gateway.example", {"x-forwarded-proto": "https"}, 303, "__Host-gammainfra="),
    ("192.168.1.5:8787", {}, 403, ""),
])  # fmt: skip
def test_a_login_is_kept_from_those_who_read_along(
    tmp_path: Path, host: str, proxy: dict[str, str], status: int, cookie: str
) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            got = await at.get(f"/dashboard/login?token={at.app.links.make()}", {"host": host, **proxy})
            assert got.status == status
            assert got.headers.get("set-cookie", "").startswith(cookie)
            if cookie:
                assert {"HttpOnly", "SameSite=Lax", "Secure"} <= set(got.headers["set-cookie"].split("; "))
            else:
                assert "allow_http" in got.body.decode()

    run(test())


def test_plain_http_can_be_allowed_and_is_said_on_every_page(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, {"GAMMAINFRA_DASHBOARD_ALLOW_HTTP": "true"}) as app:
            at = Stored(app, [], {})
            browser = await enter(at, "192.168.1.5:8787")
            assert browser["cookie"].startswith("gammainfra=")
            got = await at.get("/dashboard/start", browser)
            assert got.status == 200
            assert "without https" in got.body.decode()

    run(test())


def test_logging_in_again_ends_the_login_before(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as at:
            browser = await enter(at)
            got = await at.get(f"/dashboard/login?token={at.app.links.make()}", browser)
            assert got.status == 303
            assert (await at.get("/dashboard/keys", browser)).status == 401

    run(test())


def test_the_guide_names_what_is_wrong_with_the_first_request(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            at = Stored(app, [], {})
            browser = await enter(at)
            assert (await at.get("/dashboard", browser)).status == 303
            since = f"{app.services.clock.wall() - 1:.3f}"
            assert "Waiting" in (await at.get(f"/dashboard/start?since={since}", browser)).body.decode()
            await ask(app.asgi, "POST", "/chat/completions", b"{}", CALLER)
            text = (await at.get(f"/dashboard/start?since={since}", browser)).body.decode()
            assert "the base URL must end with /v1" in text

    run(test())


def test_nothing_of_the_dashboard_is_imported_before_it_is_asked_for() -> None:
    asked = "import sys, gammainfra.app; print([m for m in ('jinja2', 'starlette', 'gammainfra.web.dashboard.site') if m in sys.modules])"  # noqa: E501
    done = run_command([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_what_is_not_ours_is_byte_for_byte_as_published() -> None:
    vendor = FOLDER / "static/vendor"
    listed = tomllib.loads((vendor / "VENDOR.toml").read_text("utf-8"))

    assert {one["file"]: one["sha256"] for one in listed.values()} == {
        path.name: sha256(path.read_bytes()).hexdigest() for path in vendor.glob("*.js")
    }
