"""What a database engine must give for everything else in the store to be the same on all of them.

It decides which engine an address means; it knows no table and no statement. Above it stand one Writer, one Reader, one
KeyStore and one set of sums; below it an engine says how it connects, in which words it is asked (its folder in
``sql/``), and what its errors mean for the one who runs the gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Value = str | int | float | bytes | None
Columns = Mapping[str, Value]


class Row(Protocol):
    """What a question finds: columns by name."""

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - whatever the column holds
        """The value of a column."""
        ...

    def keys(self) -> Iterable[str]:
        """The names of the columns, in order."""
        ...


class Cursor(Protocol):
    """What a statement gives back."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchall(self) -> list[Any]:
        """Every Row it finds."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a Row or None
        """The first Row it finds."""
        ...


class Connection(Protocol):
    """One connection, used by one thread at a time. Without a transaction each statement is its own."""

    def execute(self, sql: str, parameters: Mapping[str, Value] = ..., /) -> Cursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Value]], /) -> Cursor:
        """Run it once for each set of parameters."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class StoreUnusable(Exception):
    """The database cannot be used; the text names it and the remedy."""


class SchemaUnknown(Exception):
    """The database holds something that this release cannot have made; the text says what to do."""


class Engine(Protocol):
    """One kind of database at one place. Errors of its driver are ``errors``, those that may pass ``passing``."""

    @property
    def name(self) -> str:
        """Where it is, as messages say it: a path, or an address without its password."""
        ...

    @property
    def dialect(self) -> str:
        """The folder of its statements and migrations: ``sqlite`` or ``postgres``."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Whatever its driver raises."""
        ...

    @property
    def passing(self) -> tuple[type[Exception], ...]:
        """Those of them that another try may not meet: busy, disk, connection gone."""
        ...

    @property
    def remote(self) -> bool:
        """Whether it can be gone while the gateway runs, so that records need a journal of their own meanwhile."""
        ...

    def open_writer(self) -> Connection:
        """A connection that writes, on the newest schema. Raises StoreUnusable."""
        ...

    def open_reader(self) -> Connection:
        """A connection that cannot write. Raises StoreUnusable."""
        ...

    def alive(self, connection: Connection) -> bool:
        """False when it must be opened again."""
        ...

    def transaction(self, connection: Connection) -> AbstractContextManager[None]:
        """All or nothing: whatever leaves the block by an exception leaves no trace."""
        ...

    def snapshot(self, connection: Connection) -> AbstractContextManager[None]:
        """All questions of the block see the database at one moment, and keep nobody from writing."""
        ...

    def begin_writing(self, connection: Connection, at_ms: Sequence[int]) -> None:
        """First thing in the transaction of a batch: keep other writers out, make room for these arrivals."""
        ...

    def insert(self, connection: Connection, statement: str, rows: Sequence[Columns]) -> None:
        """Add many rows with a named statement, in the engine's fastest way."""
        ...

    def drop_day(self, connection: Connection, before_ms: int) -> int:
        """Where requests are kept by day: drop the oldest day that ends by then; how many were dropped."""
        ...

    def unusable(self, error: Exception) -> StoreUnusable:
        """What an error means for the one who runs the gateway."""
        ...

    def find_damage(self, connection: Connection) -> str | None:
        """What the engine's own check says; None when it is sound or has no such check."""
        ...
