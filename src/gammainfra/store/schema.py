"""Brings a database to the newest schema: numbered SQL files, each applied once, in order, in its own transaction.

A file is ``NNNN_pre_what.sql`` or ``NNNN_post_what.sql``. *pre* only adds, so that the release before keeps working on
the new schema; *post* removes what no release in use reads any more. An embedded database applies both at start. The
number of the last one applied is ``PRAGMA user_version``: it moves in the migration's own transaction, so a crash
leaves the schema before or after it. yoyo-migrations was tried in its place: it adds 75 ms and three packages to every
start, needs a tracking connection of its own and writes the operator's user and host name into the database.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Final

from gammainfra.store.engine import SchemaUnknown

APPLICATION_ID: Final = 0x47414D4D  # "GAMM": tells our files from other programs' SQLite files

_NAME: Final = re.compile(r"(\d{4})_(?:pre|post)_[a-z0-9_]+\.sql\Z")


def migrations_in(folder: Path) -> tuple[Path, ...]:
    """The migration files, which are numbered from 0001 without a gap; ValueError when they are not."""
    files = tuple(sorted(folder.glob("*.sql")))
    for number, file in enumerate(files, start=1):
        match = _NAME.match(file.name)
        if match is None or int(match[1]) != number:
            raise ValueError(f"{file.name} should be number {number:04d} and named NNNN_pre_what or NNNN_post_what")
    return files


def migrate(connection: sqlite3.Connection, folder: Path) -> int:
    """Apply what is missing and return how many that were. Raises SchemaUnknown, and sqlite3.Error as it comes.

    Always takes the write lock once, so a file that cannot be written is found here and not with the first record.
    """
    files = migrations_in(folder)
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version_of(connection, newest=len(files))
    finally:
        connection.execute("ROLLBACK")
    for number, file in enumerate(files[version:], start=version + 1):
        _apply(connection, number, file.read_text(encoding="utf-8"))
    return len(files) - version


def _version_of(connection: sqlite3.Connection, *, newest: int) -> int:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and owner != APPLICATION_ID:
        raise SchemaUnknown("it belongs to another program: name another folder with --data-dir")
    if version > newest:
        raise SchemaUnknown(
            f"a newer gammainfra made its schema ({version}, this release knows {newest}): upgrade gammainfra"
        )
    return int(version)


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{sql}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {number};\nCOMMIT;"
        )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
