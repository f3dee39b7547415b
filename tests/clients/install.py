"""Installs real agent clients from npm, each at one version, into a folder that outlives the checkout.

    python -m tests.clients.install [NAME ...]

It decides which versions the gates speak of and where they lie: ``~/.cache/gammainfra-clients``, or the folder named
by AGENT_CLIENTS_DIR. What is there already is used as it is. It never touches the system's own packages; npm must be
on PATH, and Node 22, which the clients need, comes from npm like the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "AGENT_CLIENTS_DIR"
INSTALL_S: Final = 600.0


class NotInstalled(Exception):
    """A client that npm could not install; the text says why."""


@dataclass(frozen=True, slots=True)
class Kit:
    """One npm package at one version; ``command`` is what it puts into ``node_modules/.bin``, "" for a library."""

    package: str
    version: str
    command: str = ""


KITS: Final[Mapping[str, Kit]] = {
    "node": Kit("node", "22.23.3", "node"),
    "openai-js": Kit("openai", "7.57.0"),
    "cline": Kit("cline", "3.0.65", "cline"),
    "opencode": Kit("opencode-ai", "1.18.33", "opencode"),
    "codex": Kit("@openai/codex", "0.169.0", "codex"),
}


def folder() -> Path:
    """Where all clients lie."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".cache" / "gammainfra-clients")


def path_of(name: str) -> Path:
    """The folder of an installed kit, installing it first when it is missing. Raises NotInstalled."""
    kit = KITS[name]
    place = folder() / f"{name}-{kit.version}"
    if not _is_complete(place, kit):
        _install(place, kit)
    return place


def command_of(name: str) -> Path:
    """The command of an installed kit. Raises NotInstalled."""
    return path_of(name) / "node_modules" / ".bin" / KITS[name].command


def _is_complete(place: Path, kit: Kit) -> bool:
    described = place / "node_modules" / kit.package / "package.json"
    if not described.is_file() or json.loads(described.read_text("utf-8"))["version"] != kit.version:
        return False
    return not kit.command or (place / "node_modules" / ".bin" / kit.command).exists()


def _install(place: Path, kit: Kit) -> None:
    """Install beside the place and move there when all is well: an interrupted run leaves nothing half made."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("npm is not on PATH: install Node.js")
    made = place.with_name(place.name + ".part")
    for stale in (made, place):
        shutil.rmtree(stale, ignore_errors=True)
    made.mkdir(parents=True)
    (made / "package.json").write_text('{"private": true}\n', "utf-8")
    command = [npm, "install", "--no-fund", "--no-audit", "--save-exact", f"{kit.package}@{kit.version}"]
    try:
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm install {kit.package}@{kit.version} took longer than {INSTALL_S:g} s") from None
    if done.returncode or not _is_complete(made, kit):
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NotInstalled(f"npm install {kit.package}@{kit.version}: {' '.join(last) or 'the package is incomplete'}")
    made.rename(place)


def main(names: list[str]) -> int:
    """Install the named kits, or all; the status is 0 when every one is there."""
    status = 0
    for name in names or list(KITS):
        try:
            sys.stdout.write(f"{name}: {path_of(name)}\n")
        except NotInstalled as error:
            sys.stderr.write(f"{name}: {error}\n")
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
