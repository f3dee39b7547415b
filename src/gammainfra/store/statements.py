"""Loads SQL from files and runs it by name, so that no SQL stands in Python. It decides nothing about what is asked.

A file holds blocks: a line ``-- name: what``, comments that say why, one statement. The format is aiosql's; aiosql
itself was tried and left out, because under strict type checking all of its results are Any, its single values refuse
``sqlite3.Row``, it leaves cursors open until they are exhausted, and importing its eight drivers costs 40 ms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from gammainfra.store.engine import Connection, Row, Value

_BLOCK: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One named statement; parameters are passed by their names in it. Every call may raise the engine's errors."""

    name: str
    sql: str

    def run(self, connection: Connection, **parameters: Value) -> int:
        """Run it and return how many rows it changed."""
        return connection.execute(self.sql, parameters).rowcount

    def run_many(self, connection: Connection, many: Sequence[Mapping[str, Value]]) -> None:
        """Run it once per set of parameters."""
        connection.executemany(self.sql, many)

    def rows(self, connection: Connection, **parameters: Value) -> list[Row]:
        """Every row it finds."""
        return connection.execute(self.sql, parameters).fetchall()

    def row(self, connection: Connection, **parameters: Value) -> Row | None:
        """The first row it finds."""
        found = self.rows(connection, **parameters)
        return found[0] if found else None

    def number(self, connection: Connection, **parameters: Value) -> int:
        """The one number it finds, named ``value``; LookupError when it finds no row."""
        return int(self.rows(connection, **parameters)[0]["value"])


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


@cache
def statements_of(dialect: str) -> Statements:
    """The statements in an engine's own words."""
    return load_statements(Path(__file__).resolve().parent / "sql" / dialect)


SQLITE: Final = statements_of("sqlite")
