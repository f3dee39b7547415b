"""An installation for commands: an empty folder, nothing of this machine's settings, and records on either engine."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gammainfra.cli.main import main
from gammainfra.domain.record import RequestRecord
from gammainfra.store.address import engine_at
from gammainfra.store.database import FILE_NAME
from tests.gateway_process import Ran, environment
from tests.postgres import Server
from tests.store.conftest import server
from tests.store.making import writer_on

__all__ = ["Installation", "empty", "folder", "server", "there"]

OURS = re.compile(r"GAMMAINFRA_|GOOGLE_CLOUD|[A-Z]+_API_KEY")
PROVIDERS = {"OPENAI_API_KEY": "sk-a", "ANTHROPIC_API_KEY": "sk-b"}

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Installation:
    """Where its store is, and its command line in this process."""

    folder: Path
    where: str | Path
    captured: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def write(self, *records: RequestRecord) -> None:
        with writer_on(engine_at(self.where)) as writer:
            assert all(map(writer.add, records))

    def ask(self, *arguments: str, **environ: str) -> Ran:
        """Run ``gammainfra`` with nothing captured before."""
        self.captured.readouterr()
        with self.monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            status = main(arguments)
        said = self.captured.readouterr()
        return Ran(status, said.out, said.err)

    def told(self, *arguments: str, **environ: str) -> list[Any]:
        """The JSON values of a command, one a line; it did what was asked and complained of nothing."""
        ran = self.ask(*arguments, **environ)
        assert (ran.status, ran.err) == (0, "")
        return [json.loads(line) for line in ran.out.splitlines()]


@pytest.fixture
def folder(empty: Installation) -> Path:
    """The same, for tests that need nothing but the folder."""
    return empty.folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Installation:
    """Where no gateway has run yet; its store would be a file."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if OURS.match(name) or name in {"FORCE_COLOR", "NO_COLOR"}]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, environment(tmp_path)[name])
    monkeypatch.setenv("GAMMAINFRA_DATA_DIR", str(tmp_path))
    return Installation(tmp_path, tmp_path / FILE_NAME, capsys, monkeypatch)


@pytest.fixture(params=["sqlite", "postgres"])
def there(request: pytest.FixtureRequest, empty: Installation) -> Iterator[Installation]:
    """With a store that is ready, once on each engine."""
    if request.param == "sqlite":
        empty.write()
        yield empty
        return
    running: Server = request.getfixturevalue("server")
    name = f"cli_{next(_numbers)}"
    url = running.make_database(name)
    empty.monkeypatch.setenv("GAMMAINFRA_STORE_URL", url)
    made = Installation(empty.folder, url, empty.captured, empty.monkeypatch)
    made.write()
    yield made
    running.drop_database(name)
