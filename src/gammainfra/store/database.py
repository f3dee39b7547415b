"""The engine SQLite: how its file is configured, brought to the newest schema, and refused when unusable.

It decides pragmas and the meaning of SQLite's errors for the operator; it never reads or writes a record. One process
owns the file: one connection writes and checkpoints, the others are read-only.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

from gammainfra.domain import limits
from gammainfra.store.engine import Columns, Connection, SchemaUnknown, StoreUnusable
from gammainfra.store.schema import migrate
from gammainfra.store.statements import SQLITE

FILE_NAME: Final = "gammainfra.sqlite3"
OLDEST_SQLITE: Final = (3, 37, 0)  # STRICT tables
FIXED_SQLITE: Final = (3, 51, 3)  # repairs a rare loss of a WAL that two processes write (sqlite.org, 2026-03-13)

_HERE: Final = Path(__file__).resolve().parent
_REMEDIES: Final = {
    "SQLITE_NOTADB": "it is no SQLite database: move it away, or name another folder with --data-dir",
    "SQLITE_CORRUPT": "it is damaged: stop the gateway, restore a backup or move the file away to start anew",
    "SQLITE_BUSY": "another program holds it: stop the other gateway or the tool that has it open",
    "SQLITE_LOCKED": "another program holds it: stop the other gateway or the tool that has it open",
    "SQLITE_READONLY": "it cannot be written: give this user write permission on the file and on its folder",
    "SQLITE_PERM": "it cannot be written: give this user write permission on the file and on its folder",
    "SQLITE_CANTOPEN": "it cannot be opened: the folder must exist and be writable for this user",
    "SQLITE_FULL": "the disk is full: make room on it",
    "SQLITE_IOERR": "the disk failed or the folder is on a network file system: use a local disk",
}


@dataclass(frozen=True, slots=True)
class Sqlite:
    """Implements ``engine.Engine`` on one file, or in memory for as long as a connection is open (tests, simulation).

    In memory it is the same engine with the same statements: nothing could work there and fail on a disk but the disk.
    """

    path: Path
    in_memory: bool = False

    dialect: Literal["sqlite"] = "sqlite"
    remote: bool = False

    @property
    def name(self) -> str:
        """The path."""
        return f"memory:{self.path}" if self.in_memory else str(self.path)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Whatever sqlite3 raises."""
        return (sqlite3.Error,)

    @property
    def passing(self) -> tuple[type[Exception], ...]:
        """Busy, or the disk."""
        return (sqlite3.OperationalError,)

    def open_writer(self) -> sqlite3.Connection:
        """The one connection that writes."""
        return _open_in_memory(self._memory_uri()) if self.in_memory else open_writer(self.path)

    def open_reader(self) -> sqlite3.Connection:
        """A connection that cannot write."""
        return _open_in_memory(self._memory_uri(), reads=True) if self.in_memory else open_reader(self.path)

    def alive(self, connection: Connection) -> bool:
        """A file does not go away."""
        del connection
        return True

    def transaction(self, connection: Connection) -> AbstractContextManager[None]:
        """All or nothing."""
        return transaction(cast("sqlite3.Connection", connection))

    @contextmanager
    def snapshot(self, connection: Connection) -> Iterator[None]:
        """A read transaction: the write-ahead log keeps what it sees."""
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")

    def begin_writing(self, connection: Connection, at_ms: Sequence[int]) -> None:
        """BEGIN IMMEDIATE has kept other writers out already."""

    def insert(self, connection: Connection, statement: str, rows: Sequence[Columns]) -> None:
        """One prepared statement for all of them."""
        SQLITE[statement].run_many(connection, rows)

    def drop_day(self, connection: Connection, before_ms: int) -> int:
        """All days are in one table."""
        del connection, before_ms
        return 0

    def unusable(self, error: Exception) -> StoreUnusable:
        """In words."""
        return unusable(self.path, cast("sqlite3.Error", error))

    def find_damage(self, connection: Connection) -> str | None:
        """What SQLite's integrity check says. Reads all of the file."""
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        return None if verdict == "ok" else str(verdict)

    def _memory_uri(self) -> str:
        return Path("/", self.path).as_uri() + "?vfs=memdb"


def unusable(path: Path, error: sqlite3.Error | OSError) -> StoreUnusable:
    """Say in words what an error of SQLite or of the file system means for the one who runs the gateway."""
    name = getattr(error, "sqlite_errorname", "") if isinstance(error, sqlite3.Error) else "SQLITE_CANTOPEN"
    family = "_".join(name.split("_")[:2])
    remedy = _REMEDIES.get(family, "see the error; a backup may be needed")
    return StoreUnusable(f"the database {path} cannot be used: {remedy} ({error})")


def open_writer(path: Path, busy_s: float = limits.STORE_BUSY_S) -> sqlite3.Connection:
    """The one connection that writes, on a file with the newest schema; made if there is none, for its owner only.

    ``busy_s`` is how long another program may hold it. ``synchronous=FULL``: a transaction that has returned survives
    a loss of power. Raises StoreUnusable.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        version = ".".join(map(str, OLDEST_SQLITE))
        raise StoreUnusable(f"SQLite {sqlite3.sqlite_version} is too old: Python needs one of {version} or newer")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(path.absolute().as_uri(), busy_s)
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error
    try:
        _configure(connection)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except SchemaUnknown as error:
        connection.close()
        raise StoreUnusable(f"the database {path} cannot be used: {error}") from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection for one thread at a time, with rows by name. Raises StoreUnusable."""
    try:
        connection = _connect(path.absolute().as_uri() + "?mode=ro", limits.STORE_BUSY_S)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT value FROM meta").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: whatever leaves the block by an exception leaves no trace in the file."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def version_note() -> str | None:
    """What to tell an operator whose Python links an SQLite with a known defect; None when there is nothing to say."""
    if sqlite3.sqlite_version_info >= FIXED_SQLITE:
        return None
    fixed = ".".join(map(str, FIXED_SQLITE))
    return (
        f"SQLite {sqlite3.sqlite_version} can lose a write-ahead log that two processes write at once (fixed in "
        f"{fixed}): run one gateway per data folder, and change keys while it is idle or stopped"
    )


def _open_in_memory(uri: str, *, reads: bool = False) -> sqlite3.Connection:
    connection = _connect(uri, limits.STORE_BUSY_S)
    if reads:
        connection.execute("PRAGMA query_only = ON")
    else:
        migrate(connection, _HERE / "migrations" / "sqlite")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _connect(uri: str, busy_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    migrate(connection, _HERE / "migrations" / "sqlite")
    # A file system that cannot carry a write-ahead log (a network folder) keeps its own mode: slower, but sound.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
