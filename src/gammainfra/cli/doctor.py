"""The command ``gammainfra doctor``: looks at everything the gateway stands on and says in words what is wrong.

It changes nothing and makes nothing; the gateway may run meanwhile. ``--json`` prints one object for each finding.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from gammainfra.accounts.pepper import FILE_NAME as PEPPER
from gammainfra.accounts.pepper import PepperUnusable, read_existing
from gammainfra.app import UNUSABLE, catalog_of, engine_of, hosts_of
from gammainfra.cli.options import add_settings, settings_of
from gammainfra.domain.endpoint import key_variable
from gammainfra.providers import registry
from gammainfra.settings import Settings, SettingsWrong
from gammainfra.store.database import FILE_NAME, version_note
from gammainfra.store.engine import StoreUnusable
from gammainfra.store.journal import FILE_NAME as JOURNAL
from gammainfra.store.lock import FILE_NAME as LOCK
from gammainfra.store.lock import FolderLock
from gammainfra.store.reader import Reader

State = Literal["ok", "warning", "wrong"]
_AHEAD_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    about: str
    state: State
    words: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that are settings, and ``--json``."""
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; the status is 1 when something is wrong, warnings are not."""
    try:
        settings = settings_of(arguments)
    except SettingsWrong as error:
        findings = [Finding("settings", "wrong", str(error))]
    else:
        findings = list(examine(settings, time.time()))
    for one in findings:
        print(json.dumps(asdict(one)) if arguments.json else f"{one.state:8} {one.about:10} {one.words}")
    return 1 if any(one.state == "wrong" for one in findings) else 0


def examine(settings: Settings, wall: float) -> Iterator[Finding]:
    """Everything there is to find; ``wall`` is the time by this machine's clock, in epoch seconds."""
    for warning in settings.warnings:
        yield Finding("settings", "warning", warning)
    yield Finding(
        "settings", "ok", f"read from {settings.file}" if settings.file else "no file: defaults, variables, flags"
    )
    yield _providers(settings)
    folder = settings.server.data_dir
    if not folder.is_dir():
        yield Finding("folder", "ok", f"{folder} is not there yet: the first start makes it")
        return
    yield from _folder(folder)
    yield _pepper(folder)
    yield _gateway(folder)
    yield from _database(settings, folder, wall)


def _providers(settings: Settings) -> Finding:
    try:
        hosts = hosts_of(settings.providers)
        catalog_of(settings, hosts)
    except UNUSABLE as error:
        return Finding("providers", "wrong", str(error))
    if not hosts:
        variables = " or ".join(key_variable(name) for name in sorted(registry.known()))
        return Finding("providers", "wrong", f"none is configured: set {variables}, or [providers] in gammainfra.toml")
    return Finding("providers", "ok", ", ".join(sorted(hosts)))


def _folder(folder: Path) -> Iterator[Finding]:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("folder", "wrong", f"this user cannot write {folder}: give it the folder, or name another one")
    for name in (FILE_NAME, PEPPER, JOURNAL):
        file = folder / name
        if file.exists() and _others_can_read(file):
            yield Finding("folder", "wrong", f"every user of this machine can read {file}: run chmod 600 on it")
    journal = folder / JOURNAL
    if journal.exists():
        waiting = journal.stat().st_size
        yield Finding("journal", "warning", f"{waiting} bytes of records wait until the database is there again")


def _pepper(folder: Path) -> Finding:
    try:
        versions = read_existing(folder)
    except PepperUnusable as error:
        return Finding("pepper", "wrong", str(error))
    if versions:
        return Finding("pepper", "ok", f"{len(versions)} version(s)")
    if (folder / FILE_NAME).exists():
        words = f"{folder / PEPPER} is gone, without which no API key can be checked: restore it from a backup"
        return Finding("pepper", "wrong", words)
    return Finding("pepper", "ok", "not there yet: the first start makes it")


def _gateway(folder: Path) -> Finding:
    if not (folder / LOCK).exists():
        return Finding("gateway", "ok", "none has run here yet")
    try:
        FolderLock(folder).release()
    except StoreUnusable as error:
        return Finding("gateway", "ok", f"{str(error).partition(':')[0]}: a second one would be refused")
    return Finding("gateway", "ok", "none runs on this folder")


def _database(settings: Settings, folder: Path, wall: float) -> Iterator[Finding]:
    try:
        engine = engine_of(settings, folder)
    except StoreUnusable as error:
        yield Finding("database", "wrong", str(error))
        return
    note = version_note()
    if engine.dialect == "sqlite" and note is not None:
        yield Finding("sqlite", "warning", note)
    if settings.store_url is None and not (folder / FILE_NAME).exists():
        yield Finding("database", "ok", "not there yet: the first start makes it")
        return
    try:
        reader = Reader(engine, connections=1)
    except StoreUnusable as error:
        yield Finding("database", "wrong", str(error))
        return
    try:
        damage = reader.find_damage()
        if damage is not None:
            words = f"{engine.name} is damaged: stop the gateway and restore a backup ({damage})"
            yield Finding("database", "wrong", words)
            return
        yield Finding("database", "ok", engine.name)
        yield _clock(reader, wall)
    except StoreUnusable as error:
        yield Finding("database", "wrong", str(error))
    finally:
        reader.close()


def _clock(reader: Reader, wall: float) -> Finding:
    """Records from the future are the trace of a clock that was set back."""
    ahead = reader.recent_sessions(wall + _AHEAD_S)
    if not ahead:
        return Finding("clock", "ok", "no record is from the future")
    by_s = ahead[0].last_at - wall
    return Finding("clock", "wrong", f"the newest record is {by_s:.0f} s ahead of this clock: set it (ntp), or wait")


def _others_can_read(file: Path) -> bool:
    return os.name == "posix" and bool(stat.S_IMODE(file.stat().st_mode) & (stat.S_IROTH | stat.S_IWOTH))
