from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gammainfra.store.engine import SchemaUnknown
from gammainfra.store.schema import migrate, migrations_in

FIRST = ("0001_pre_first.sql", "CREATE TABLE one (id INTEGER) STRICT;")
SECOND = ("0002_post_second.sql", "INSERT INTO one VALUES (1); DROP TABLE one; CREATE TABLE two (id INTEGER) STRICT;")


def folder_with(folder: Path, *files: tuple[str, str]) -> Path:
    for name, sql in files:
        (folder / name).write_text(sql, encoding="utf-8")
    return folder


def tables_of(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}


def new_database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    connection = new_database()

    assert migrate(connection, folder_with(tmp_path, FIRST)) == 1
    assert migrate(connection, tmp_path) == 0
    assert migrate(connection, folder_with(tmp_path, SECOND)) == 1
    assert tables_of(connection) == {"two"}
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
    connection.close()


def test_a_migration_that_fails_leaves_the_schema_before_it(tmp_path: Path) -> None:
    connection = new_database()
    folder_with(tmp_path, FIRST, ("0002_pre_bad.sql", "CREATE TABLE half (id INTEGER) STRICT; CREATE nonsense;"))

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, tmp_path)
    assert tables_of(connection) == {"one"}
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    connection.close()


def test_a_schema_from_the_future_is_refused(tmp_path: Path) -> None:
    connection = new_database()
    migrate(connection, folder_with(tmp_path, FIRST))
    connection.execute("PRAGMA user_version = 5")

    with pytest.raises(SchemaUnknown, match="upgrade"):
        migrate(connection, tmp_path)
    connection.close()


@pytest.mark.parametrize("name", ["0002_pre_gap.sql", "1_pre_short.sql", "0001_when.sql", "0001_pre_UPPER.sql"])
def test_a_misnamed_migration_is_a_defect(tmp_path: Path, name: str) -> None:
    folder_with(tmp_path, (name, ""))

    with pytest.raises(ValueError, match="0001"):
        migrations_in(tmp_path)
