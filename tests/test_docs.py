"""The documentation cannot lie about what a program can check: links, commands, targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def links_of(page: Path) -> list[str]:
    """Return the targets of a page's links that point into the repository, without their anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


def code_of(page: Path) -> str:
    """Return a page's code, block or inline, without comments: prose may say "make sure"."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"^```.*?^```|^ {4}[^\n]*|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"#.*", "", "\n".join(code))


def targets_named_in(page: Path) -> list[str]:
    return re.findall(r"\bmake ([a-z][a-z-]*)", code_of(page))


def make_targets() -> set[str]:
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    gates = (ROOT / "tests" / "gates").glob("[!_]*.py")
    return {target for rule in rules for target in rule.split()} | {
        "gate-" + gate.stem.replace("_", "-") for gate in gates
    }


@each_page
def test_every_link_into_the_repository_resolves(page: Path) -> None:
    assert [link for link in links_of(page) if not (page.parent / link).exists()] == []


@each_page
def test_every_make_target_named_exists(page: Path) -> None:
    assert [target for target in targets_named_in(page) if target not in make_targets()] == []


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_gives_the_two_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
