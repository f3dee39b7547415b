"""Loads SQL from files and runs it by name, so that no SQL stands in Python. It decides nothing about what is asked.

A file holds blocks: a line ``-- name: what``, comments that say why, one statement. The format is aiosql's; aiosql
itself was tried and left out, because under strict type checking all of its results are Any, its single values refuse
``sqlite3.Row``, it leaves cursors open until they are exhausted, and importing its eight drivers costs 40 ms.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Value = str | int | float | bytes | None

_BLOCK: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One named statement; parameters are passed by their names in it. Every call may raise sqlite3.Error."""

    name: str
    sql: str

    def run(self, connection: sqlite3.Connection, **parameters: Value) -> int:
        """Run it and return how many rows it changed."""
        return connection.execute(self.sql, parameters).rowcount

    def run_many(self, connection: sqlite3.Connection, many: Sequence[Mapping[str, Value]]) -> None:
        """Run it once per set of parameters."""
        connection.executemany(self.sql, many)

    def rows(self, connection: sqlite3.Connection, **parameters: Value) -> list[sqlite3.Row]:
        """Every row it finds."""
        return connection.execute(self.sql, parameters).fetchall()

    def row(self, connection: sqlite3.Connection, **parameters: Value) -> sqlite3.Row | None:
        """The first row it finds."""
        found = self.rows(connection, **parameters)
        return found[0] if found else None

    def number(self, connection: sqlite3.Connection, **parameters: Value) -> int:
        """The one number it finds; LookupError when it finds no row."""
        return int(self.rows(connection, **parameters)[0][0])


Statements = Mapping[str, Statement]


def load_statements(folder: Path) -> Statements:
    """Every statement of the ``.sql`` files in ``folder``, by name; ValueError when a name occurs twice."""
    statements: dict[str, Statement] = {}
    for file in sorted(folder.glob("*.sql")):
        _, *blocks = _BLOCK.split(file.read_text(encoding="utf-8"))
        for name, sql in zip(blocks[::2], blocks[1::2], strict=True):
            if name in statements:
                raise ValueError(f"{file.name}: a statement named {name} exists already")
            statements[name] = Statement(name, sql.strip())
    return statements


SQLITE: Final = load_statements(Path(__file__).resolve().parent / "sql" / "sqlite")
