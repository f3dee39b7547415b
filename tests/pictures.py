"""Makes the picture of the README: the demo's task, as the dashboard shows it. Run: ``python -m tests.pictures``.

The cost on it is that of the demo's seed, so it changes only when the pages, the prices or the demo do.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from gammainfra.cli.demo import SEED
from gammainfra.cli.demo.backstage import Backstage
from gammainfra.cli.demo.play import Play, perform
from gammainfra.cli.demo.screen import Screen

PICTURE: Final = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "task.png"
WIDTH: Final = 1280
STEPS: Final = 30
HEIGHT: Final = 540  # of the page's top


def main() -> int:
    """Play the demo quietly and photograph what it left."""
    PICTURE.parent.mkdir(exist_ok=True)
    perform(Play(steps=STEPS, seed=SEED, fast=True), Screen(quiet=True), photograph)
    return 0


def photograph(stage: Backstage) -> None:
    """Log in as a person does, and look."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("pictures: Chromium is missing (Debian: apt-get install chromium)")
    base = stage.base_url.removesuffix("/v1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(stage.dashboard_link())
        if page.locator("main form button").count():
            page.locator("main form button").first.click()
        page.wait_for_selector("nav")
        page.goto(base + _task(page, base))
        page.screenshot(path=PICTURE, clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT})
        browser.close()


def _task(page: Page, base: str) -> str:
    page.goto(f"{base}/dashboard/sessions")
    link = page.locator("main tbody a").first.get_attribute("href")
    if link is None:
        raise SystemExit("pictures: the demo left no session")
    return link


if __name__ == "__main__":
    raise SystemExit(main())
