"""gate-dashboard: a person's way through the dashboard, in a real Chromium, by pointer and by keyboard alone.

From the one-time link to a revoked key: the first request appears live, its page shows the chain of attempts, its
session sums it, the CSV says what the store says, the revoked key is refused. Every page is loaded in both themes and
two widths: no violation of the content security policy (a page that breaks it is caught: the negative control), nothing
serious from axe-core, no request to another host, nothing wider than the screen. ``--screenshots DIR`` keeps pictures.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from gammainfra.accounts.keys import LOCAL_ACCOUNT
from gammainfra.cli.demo.backstage import Backstage
from gammainfra.domain.money import show_usd
from gammainfra.simulate import AgentTask, Fault, FirstOfEachStep, Pace
from gammainfra.store.reader import RequestFilter

AXE: Final = "axe-core@4.14.1"
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
WIDTHS: Final = (1400, 390)
THEMES: Final = ("light", "dark")
MODEL: Final = "anthropic/claude-sonnet-4-6"
WAIT_MS: Final = 15_000
_WATCH_CSP: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective));
"""


@dataclass(slots=True)
class Found:
    """What went wrong, by kind."""

    csp: list[str] = field(default_factory=list)
    axe: list[str] = field(default_factory=list)
    offsite: list[str] = field(default_factory=list)
    journey: list[str] = field(default_factory=list)
    keyboard: list[str] = field(default_factory=list)
    pages: int = 0
    skipped: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """Every finding."""
        return [*self.csp, *self.axe, *self.offsite, *self.journey, *self.keyboard]


def main() -> int:
    """Run the gate; the exit status."""
    parser = argparse.ArgumentParser(prog="gate-dashboard", description=__doc__)
    parser.add_argument("--reduced", action="store_true", help="one theme and one width: CI's short form")
    parser.add_argument("--screenshots", type=Path, metavar="DIR", help="keep a picture of every page")
    asked = parser.parse_args()
    found = Found()
    browser_path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser_path is None:
        found.skipped.append("browser")
    else:
        with stage() as (gateway, base), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            walk(browser, gateway, base, found, reduced=asked.reduced, pictures=asked.screenshots)
            browser.close()
    for finding in found.all:
        print(finding)
    good = not found.all and not found.skipped and found.pages > 0
    figures = {
        "pages": found.pages,
        "csp": len(found.csp),
        "axe_serious": len(found.axe),
        "offsite": len(found.offsite),
        "journey": "broken" if found.journey else "done",
        "keyboard": "broken" if found.keyboard else "done",
        **({"skipped": ",".join(found.skipped)} if found.skipped else {}),
    }
    print(f"gate dashboard: {'PASS' if good else 'FAIL'} " + " ".join(f"{k}={v}" for k, v in figures.items()))
    return 0 if good else 1


@contextmanager
def stage() -> Iterator[tuple[Backstage, str]]:
    """The real gateway, on pretended providers of which the first one asked fails at every step."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        schedule = FirstOfEachStep(Fault.SERVER_ERROR, tools_only=False)
        with Backstage(Path(name), script=AgentTask(steps=8), schedule=schedule, pace=Pace(), seed=3) as gateway:
            yield gateway, gateway.base_url.removesuffix("/v1")


def walk(
    browser: Browser, gateway: Backstage, base: str, found: Found, *, reduced: bool, pictures: Path | None
) -> None:
    """Everything, in order: the journeys fill the pages that are looked at afterwards."""
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 900})
    journey = Journey(gateway, base, open_page(context, base, found))
    attempt(found.journey, "by pointer", journey.by_pointer)
    keys = Journey(gateway, base, open_page(browser.new_context(), base, found))
    attempt(found.keyboard, "by keyboard", keys.by_keyboard)
    negative_control(context, base, found)
    axe = axe_source(found)
    for theme in THEMES[: 1 if reduced else 2]:
        for width in WIDTHS[: 1 if reduced else 2]:
            look(browser, context, gateway, base, found, theme=theme, width=width, axe=axe, pictures=pictures)


def attempt(findings: list[str], name: str, what: Callable[[], None]) -> None:
    """Do it; what goes wrong is a finding with its place."""
    try:
        what()
    except (AssertionError, Error) as error:
        findings.append(f"{name}: {type(error).__name__}: {str(error)[:600]}")


def open_page(context: BrowserContext, base: str, found: Found) -> Page:
    """A tab that notes every request to another host and every violation of the policy."""
    host = urlsplit(base).netloc
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(_WATCH_CSP)

    def note(request: Any) -> None:
        if urlsplit(request.url).netloc not in {host, ""}:
            found.offsite.append(f"offsite: {request.url}")

    page.on("request", note)
    page.on("pageerror", lambda error: found.journey.append(f"script: {error}"))
    return page


class Journey:
    """One person with one browser."""

    def __init__(self, gateway: Backstage, base: str, page: Page) -> None:
        self._gateway = gateway
        self._base = base
        self._page = page

    def by_pointer(self) -> None:
        """Link, guide, key, first request live, chain, session, usage, CSV, revoke, 401."""
        page = self._page
        page.goto(f"{self._base}/dashboard")
        assert "gammainfra login" in page.inner_text("main"), "without a log-in the page does not say how to get in"
        link = self._gateway.dashboard_link()
        page.goto(link)
        page.wait_for_url("**/dashboard/start")
        page.fill("input[name=name]", "journey")
        page.click("text=Create key")
        key = page.inner_text("#secret")
        assert page.inner_text("#watch").startswith("Waiting")
        assert ask_model(self._base, "sk-gammainfra-wrong") == 401
        page.wait_for_selector("#watch >> text=was refused")
        assert ask_model(self._base, key) == 200
        page.wait_for_selector("#watch >> text=It works.")
        page.click("text=See the request")
        page.wait_for_url("**/dashboard/requests/gen-*")
        assert "on attempt 2 of 2, after" in page.inner_text("h1"), page.inner_text("h1")
        assert page.locator(".waterfall li").count() == 2
        page.click(".crumbs a[href*='/sessions/']")
        page.wait_for_selector("text=Failures absorbed")
        self._gateway.flush()
        (row,) = self._rows()
        page.goto(f"{self._base}/dashboard/usage?period=24h")
        assert row.model in page.inner_text("main"), "usage does not name the model"
        self._compare_csv()
        other = page.context.new_page()
        other.goto(link)
        assert "used up" in other.inner_text("h1"), "a link opened twice"
        other.close()
        page.goto(f"{self._base}/dashboard/keys")
        page.click("tr:has-text('journey') >> text=Revoke")
        page.click("text=Yes, revoke")
        page.wait_for_selector("tr:has-text('journey') >> text=revoked")
        assert ask_model(self._base, key) == 401, "a revoked key still opens the API"

    def by_keyboard(self) -> None:
        """The same with keys only: every control is reached by Tab, every row by j, every page by g."""
        page = self._page
        page.goto(self._gateway.dashboard_link())
        self._go("c", "**/dashboard/start")
        self._tab_to("input[name=name]")
        page.keyboard.press("Control+A")
        page.keyboard.type("keys only")
        page.keyboard.press("Enter")
        page.wait_for_selector("#secret")
        key = page.inner_text("#secret")
        assert ask_model(self._base, key) == 200
        page.wait_for_selector("#watch >> text=It works.")
        self._go("r", "**/dashboard/requests")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/requests/gen-*")
        page.keyboard.press("Escape")
        page.wait_for_url("**/dashboard/requests")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") == "q", "/ does not lead to the search"
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Escape")
        self._go("s", "**/dashboard/sessions")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Failures absorbed")
        self._go("u", "**/dashboard/usage")
        self._go("k", "**/dashboard/keys")
        self._tab_to("tr:has-text('keys only') >> a:has-text('Revoke')")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Yes, revoke")
        self._tab_to("button.danger")
        page.keyboard.press("Enter")
        page.wait_for_selector("tr:has-text('keys only') >> text=revoked")
        assert ask_model(self._base, key) == 401, "a revoked key still opens the API"

    def _go(self, letter: str, where: str) -> None:
        self._page.keyboard.press("g")
        self._page.keyboard.press(letter)
        self._page.wait_for_url(where)

    def _tab_to(self, selector: str) -> None:
        for _ in range(80):
            if self._page.locator(selector).first.evaluate("(node) => node === document.activeElement"):
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {selector}")

    def _rows(self) -> Any:
        return self._gateway.app.reader.requests(RequestFilter(LOCAL_ACCOUNT)).rows

    def _compare_csv(self) -> None:
        page = self._page
        with page.expect_download() as coming:
            page.click("text=Export CSV")
        lines = list(csv.DictReader(io.StringIO(Path(coming.value.path()).read_text("utf-8"))))
        stored = self._rows()
        told = sum(Decimal(line["cost_usd"]) for line in lines)
        known = sum(Decimal(show_usd(row.cost_nano or 0)) for row in stored)
        assert told == known, f"the CSV says {told}, the store {known}"
        assert sum(int(line["requests"]) for line in lines) == len(stored)


def ask_model(base: str, key: str) -> int:
    """One request as a client sends it; its status."""
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": f"Say hello to {key[-6:]}."}]}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{base}/v1/chat/completions", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def pages_of(gateway: Backstage) -> Mapping[str, str]:
    """Every page by name, with a request and a session that exist, and one that does not."""
    gateway.flush()
    reader = gateway.app.reader
    request, session = reader.requests(RequestFilter(LOCAL_ACCOUNT)).rows[0], reader.sessions(LOCAL_ACCOUNT).rows[0]
    return {
        "overview": "?period=24h",
        "requests": "/requests",
        "requests-filtered": "/requests?status=failed&min_cost=1",
        "request": f"/requests/{request.id}",
        "sessions": "/sessions",
        "session": f"/sessions/{session.id}",
        "usage": "/usage?period=24h",
        "models": "/models",
        "providers": "/providers",
        "keys": "/keys",
        "settings": "/settings",
        "start": "/start",
        "missing": "/requests/gen-none",
    }


def look(
    browser: Browser, logged_in: BrowserContext, gateway: Backstage, base: str, found: Found, *,
    theme: Any, width: int, axe: str, pictures: Path | None,
) -> None:  # fmt: skip
    """Load every page in this theme and width."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.add_cookies(logged_in.cookies())  # type: ignore[arg-type]
    page = open_page(context, base, found)
    for name, path in pages_of(gateway).items():
        where = f"{name} {theme} {width}"
        page.goto(f"{base}/dashboard{path}")
        page.wait_for_timeout(100)
        found.pages += 1
        found.csp.extend(f"csp: {where}: {one}" for one in page.evaluate("window.violations"))
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.journey.append(f"{where} is wider than the screen")
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(pictures / f"{name}-{theme}-{width}.png"), full_page=True)
        if axe:
            found.axe.extend(f"axe: {where}: {one}" for one in serious(context, page, axe))
    context.close()


def serious(context: BrowserContext, page: Page, axe: str) -> list[str]:
    """What axe-core calls serious or critical; it is run by the debugger, which no policy binds."""
    session = context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": axe})
    got = session.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run().then((r) => JSON.stringify(r.violations))",
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    session.detach()
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:120]}"
        for one in json.loads(got["result"]["value"])
        if one["impact"] in {"serious", "critical"}
    ]


def negative_control(context: BrowserContext, base: str, found: Found) -> None:
    """A style and a script set inline must be caught, or the zero above means nothing."""
    page = context.new_page()
    page.add_init_script(_WATCH_CSP)
    page.goto(f"{base}/dashboard/settings")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.broken = 1';"
        " document.body.append(s); document.body.setAttribute('style', 'color: red'); }"
    )
    page.wait_for_timeout(200)
    caught = {str(one).partition("-")[0] for one in page.evaluate("window.violations")}
    if caught != {"script", "style"} or page.evaluate("window.broken"):
        found.csp.append(f"csp: the negative control was not caught: {sorted(caught)}")
    page.close()


def axe_source(found: Found) -> str:
    """axe-core, fetched once into the machine's cache; it is no part of the repository."""
    folder = Path(tempfile.gettempdir()) / f"gammainfra-gate-{AXE.replace('@', '-')}"
    kept = folder / "axe.min.js"
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            found.skipped.append("axe")
            return ""
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run([npm, "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, check=False)
        if packed.returncode:
            found.skipped.append("axe")
            return ""
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            script = archive.extractfile("package/axe.min.js")
            assert script is not None
            kept.write_bytes(script.read())
    return kept.read_text("utf-8")


if __name__ == "__main__":
    sys.exit(main())
