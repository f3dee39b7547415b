from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from gammainfra.store.database import open_reader, open_writer, transaction, unusable, version_note
from gammainfra.store.engine import StoreUnusable
from gammainfra.store.writer import Writer
from tests.store.making import show_plan, write


def refusal_of(path: Path) -> str:
    with pytest.raises(StoreUnusable) as caught:
        Writer(path, show_plan=show_plan)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_new_file_is_for_its_owner_only_and_durable(tmp_path: Path) -> None:
    path = tmp_path / "a folder?" / "100 %.db"
    connection = open_writer(path)

    assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o600
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    connection.close()
    open_reader(path).close()


def test_something_else_than_a_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gammainfra.db"
    path.write_bytes(b"dear diary, " * 1000)

    assert "it is no SQLite database: move it away" in refusal_of(path)


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 20_000)
    connection = None
    try:
        connection = open_writer(path)
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute("SELECT * FROM requests").fetchall()
        refusal = "restore a backup"
    except StoreUnusable as error:
        refusal = str(error)
    assert "restore a backup" in refusal
    if connection is not None:
        connection.close()


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gammainfra.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photos (id)")
    other.close()

    assert "belongs to another program" in refusal_of(path)


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 9999")
    newer.close()

    assert "upgrade gammainfra" in refusal_of(path)


def test_a_folder_that_cannot_hold_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")

    assert "the folder must exist and be writable" in refusal_of(tmp_path / "file" / "gammainfra.db")
    assert "the folder must exist and be writable" in refusal_of(tmp_path)


def test_a_reader_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gammainfra.db"
    path.write_bytes(b"dear diary, " * 1000)

    with pytest.raises(StoreUnusable, match="it is no SQLite database"):
        open_reader(path)


def test_a_reader_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        open_reader(tmp_path / "gammainfra.db")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_BUSY", "another program holds it"),
        ("SQLITE_BUSY_SNAPSHOT", "another program holds it"),
        ("SQLITE_READONLY_DIRECTORY", "give this user write permission"),
        ("SQLITE_FULL", "make room"),
        ("SQLITE_IOERR_WRITE", "use a local disk"),
        ("SQLITE_CORRUPT_VTAB", "restore a backup"),
        ("SQLITE_MISUSE", "a backup may be needed"),
    ],
)
def test_every_error_has_a_remedy(name: str, words: str) -> None:
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorname = name

    message = str(unusable(Path("records.db"), error))
    assert "records.db" in message
    assert words in message
    assert "it failed" in message


def test_a_database_that_another_program_holds_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreUnusable, match="another program holds it: stop the other gateway"):
        open_writer(path, busy_s=0.01)
    other.close()


def test_a_transaction_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "gammainfra.db")

    def fail_halfway() -> None:
        with transaction(connection):
            connection.execute("UPDATE meta SET value = 1")
            connection.execute("SELECT nonsense")

    with pytest.raises(sqlite3.OperationalError):
        fail_halfway()
    assert connection.execute("SELECT value FROM meta").fetchone()[0] == 0
    assert not connection.in_transaction
    connection.close()


def test_an_sqlite_with_a_known_defect_is_named() -> None:
    note = version_note()

    assert (note is None) == (sqlite3.sqlite_version_info >= (3, 51, 3))
    assert note is None or sqlite3.sqlite_version in note
