"""Every engine, for the tests that hold on all of them: a test that takes ``place`` or ``places`` runs on each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gammainfra.store.database import Sqlite
from gammainfra.store.engine import Engine
from gammainfra.store.postgres import Postgres
from tests import postgres

ENGINES = ("memory", "sqlite", "postgres")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server for the whole run."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(postgres.running(durable=False))
        except postgres.Missing as missing:
            pytest.skip(str(missing))
        yield running


@pytest.fixture(scope="module", params=ENGINES)
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Engine]]:
    """Makes engines with nothing in them. One in memory lives as long as the module's tests."""
    with ExitStack() as stack:

        def make() -> Engine:
            number = next(_numbers)
            if request.param == "postgres":
                running: postgres.Server = request.getfixturevalue("server")
                name = f"store_{number}"
                stack.callback(running.drop_database, name)
                return Postgres(running.make_database(name))
            if request.param == "sqlite":
                return Sqlite(tmp_path_factory.mktemp("store") / "gammainfra.db")
            in_memory = Sqlite(Path(f"store-{number}"), in_memory=True)
            stack.callback(in_memory.open_writer().close)
            return in_memory

        yield make


@pytest.fixture
def place(places: Callable[[], Engine]) -> Engine:
    """One engine with nothing in it."""
    return places()
