"""The locks under requirements/: exact, hashed, free of addresses, and in agreement with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("base", "build", "dev")


@cache
def requirements_of(lock: str) -> dict[str, str]:
    """Return each requirement's name and its whole entry: version, marker and hashes, on one line."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name_of(entry): entry for entry in entries}


def name_of(requirement: str) -> str:
    return re.split(r"[<>=;\[ ]", requirement, maxsplit=1)[0]


def pin_of(entry: str) -> str:
    return entry.partition("--hash=")[0].strip()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_has_one_version_and_its_hashes(lock: str) -> None:
    pinned = re.compile(r"[\w.-]+==[\w.+!-]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [entry for entry in requirements_of(lock).values() if not pinned.fullmatch(entry)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    assert re.findall(r"\S*://\S*|^-.*", text, re.MULTILINE) == []


@pytest.mark.parametrize("lock", ["base", "build"])
def test_what_is_run_is_what_was_tested(lock: str) -> None:
    # Versions, not markers: the tests may need on every Python what the product needs on some.
    run = {pin_of(entry).partition(" ; ")[0] for entry in requirements_of(lock).values()}
    tested = {pin_of(entry).partition(" ; ")[0] for entry in requirements_of("dev").values()}
    assert run <= tested


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {name_of(dependency) for dependency in project["dependencies"]} <= requirements_of("base").keys()


def test_uvloop_is_left_out_on_windows_only() -> None:
    pins = [pin_of(requirements_of(lock)["uvloop"]) for lock in ("base", "dev")]
    assert [pin for pin in pins if not pin.endswith(" ; sys_platform != 'win32'")] == []
