"""The engine PostgreSQL: how it is connected to, brought to the newest schema, and refused in words when unusable.

It decides connection settings, the days that requests are kept in, and the meaning of PostgreSQL's errors for the
operator; it never reads or writes a record by itself. psycopg's plain connections are used, from threads: the writer is
one anyway, reads are few and happen off the loop, and an asynchronous driver would only move its work onto the loop.
"""

from __future__ import annotations

import re
import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Literal, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from gammainfra.domain import limits
from gammainfra.store.engine import Columns, Connection, SchemaUnknown, StoreUnusable, Value
from gammainfra.store.schema import migrations_in
from gammainfra.store.statements import Statement, statements_of

_HERE: Final = Path(__file__).resolve().parent
_DAY_MS: Final = 86_400_000
_KEPT_BY_DAY: Final = ("requests", "plans", "attempts")
_EPOCH: Final = date(1970, 1, 1)
_OLDEST_DAY: Final = """
SELECT min(right(relid::text, 8)) AS value FROM pg_partition_tree('requests')
WHERE isleaf AND right(relid::text, 8) < %s
"""
_COLUMNS: Final = re.compile(r"COPY \w+ \((.*?)\)", re.DOTALL)
_ONE_AT_A_TIME: Final = 0x47414D4D  # names the lock under which one program migrates
_TIMEOUT_MS: Final = round(limits.STORE_BUSY_S * 1000)
_REMEDIES: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((psycopg.errors.InvalidPassword, psycopg.errors.InvalidAuthorizationSpecification), "user or password is wrong"),
    ((psycopg.errors.InvalidCatalogName,), "there is no such database: make it with createdb"),
    ((psycopg.errors.InsufficientPrivilege,), "the user may not do that: make it the owner of the database"),
    ((psycopg.errors.DiskFull,), "its disk is full: make room on it"),
    ((psycopg.errors.ReadOnlySqlTransaction,), "it is read-only: name the primary, not a replica"),
    ((psycopg.OperationalError,), "see that the server runs and that its address is right"),
)


class _Connection:
    """Implements ``engine.Connection``. ``days`` are those whose tables are known to be there."""

    def __init__(self, raw: psycopg.Connection[DictRow]) -> None:
        self.raw = raw
        self.days: set[int] = set()

    def execute(self, sql: str, parameters: Mapping[str, Value] | None = None, /) -> psycopg.Cursor[DictRow]:
        """Run one statement."""
        return self.raw.execute(sql.encode(), parameters or None)

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Value]], /) -> psycopg.Cursor[DictRow]:
        """Run it once for each set of parameters."""
        cursor = self.raw.cursor()
        cursor.executemany(sql.encode(), list(parameters))
        return cursor

    def close(self) -> None:
        """End it."""
        self.raw.close()


@dataclass(frozen=True, slots=True)
class Postgres:
    """Implements ``engine.Engine`` on one database. Raises StoreUnusable for an address that it cannot read."""

    url: str = field(repr=False)

    dialect: Literal["postgres"] = "postgres"
    remote: bool = True

    def __post_init__(self) -> None:
        try:
            conninfo_to_dict(self.url)
        except psycopg.ProgrammingError:  # whose text may hold the password
            form = "postgresql://user:password@host:port/database"
            raise StoreUnusable(f"the address of the database cannot be read; its form is {form}") from None

    @property
    def name(self) -> str:
        """The address without its password."""
        parts = conninfo_to_dict(self.url)
        return "postgresql://{user}@{host}:{port}/{dbname}".format_map(
            {"user": "", "host": "", "port": 5432, "dbname": "", **parts}
        )

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Whatever psycopg raises."""
        return (psycopg.Error,)

    @property
    def passing(self) -> tuple[type[Exception], ...]:
        """Gone, out of room, in somebody's way."""
        return (psycopg.OperationalError, psycopg.InterfaceError)

    def open_writer(self) -> Connection:
        """A connection that writes; what it has written is on the server's disk."""
        connection = self._connect()
        try:
            _migrate(connection.raw)
        except psycopg.Error as error:
            connection.close()
            raise self.unusable(error) from error
        except SchemaUnknown as error:
            connection.close()
            raise StoreUnusable(f"the database {self.name} cannot be used: {error}") from error
        return connection

    def open_reader(self) -> Connection:
        """A connection that cannot write."""
        connection = self._connect()
        try:
            connection.execute("SET default_transaction_read_only = on")
            connection.execute("SELECT value FROM meta")
        except psycopg.Error as error:
            connection.close()
            raise self.unusable(error) from error
        return connection

    def alive(self, connection: Connection) -> bool:
        """A connection that has something to say while nobody asks has been ended by the server, or soon will be."""
        raw = cast("_Connection", connection).raw
        if raw.closed:
            return False
        if select.select([raw.fileno()], [], [], 0)[0]:
            try:
                raw.execute("SELECT 1")
            except psycopg.Error:
                return False
        return True

    @contextmanager
    def transaction(self, connection: Connection) -> Iterator[None]:
        """All or nothing."""
        ours = cast("_Connection", connection)
        known, ours.days = ours.days, set(ours.days)
        try:
            with ours.raw.transaction():
                yield
            known = ours.days
        finally:
            ours.days = known

    @contextmanager
    def snapshot(self, connection: Connection) -> Iterator[None]:
        """The default isolation would show each question another moment."""
        with cast("_Connection", connection).raw.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    def begin_writing(self, connection: Connection, at_ms: Sequence[int]) -> None:
        """Lock the watermark, and make the tables of the days that these arrivals fall on."""
        _statement("keep_others_out").rows(connection)
        ours = cast("_Connection", connection)
        for day in sorted({at // _DAY_MS for at in at_ms} - ours.days):
            _make_day(ours.raw, day)
            ours.days.add(day)

    def insert(self, connection: Connection, statement: str, rows: Sequence[Columns]) -> None:
        """COPY: several times as fast as INSERT."""
        sql = _statement(statement).sql
        found = _COLUMNS.search(sql)
        names = [name.strip() for name in found[1].split(",")] if found else []
        with cast("_Connection", connection).raw.cursor().copy(sql.encode()) as copy:
            for row in rows:
                copy.write_row([_storable(row[name]) for name in names])
        if statement == "insert_requests":
            self.insert(connection, "insert_request_ids", rows)

    def drop_day(self, connection: Connection, before_ms: int) -> int:
        """Drop the oldest day that ends by then: at once and without a trace, however many requests it had.

        It waits for those who read it, but not for long: they will have ended when it is tried again.
        """
        ours = cast("_Connection", connection)
        last = _EPOCH + timedelta(days=before_ms // _DAY_MS)
        stamp = _one(ours.raw, _OLDEST_DAY, [f"{last:%Y%m%d}"])
        if stamp is None:
            return 0
        ours.execute(f"SET LOCAL lock_timeout = {_TIMEOUT_MS}")
        for table in _KEPT_BY_DAY:
            ours.execute(f"DROP TABLE IF EXISTS {table}_{stamp}")
        ours.days.clear()
        return 1

    def unusable(self, error: Exception) -> StoreUnusable:
        """In words."""
        remedy = next((said for kinds, said in _REMEDIES if isinstance(error, kinds)), "see the error")
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return StoreUnusable(f"the database {self.name} cannot be used: {remedy} ({said})")

    def find_damage(self, connection: Connection) -> str | None:
        """PostgreSQL's own checks are run by its operator (``pg_amcheck``)."""
        del connection
        return None

    def _connect(self) -> _Connection:
        try:
            raw = psycopg.Connection[DictRow].connect(
                self.url, autocommit=True, row_factory=dict_row, connect_timeout=round(limits.STORE_BUSY_S),
                tcp_user_timeout=_TIMEOUT_MS, application_name="gammainfra",
            )  # fmt: skip
        except psycopg.Error as error:
            raise self.unusable(error) from error
        return _Connection(raw)


def _statement(name: str) -> Statement:
    return statements_of("postgres")[name]


def _storable(value: Value) -> Value:
    """PostgreSQL's text cannot hold the character NUL, which JSON and so a caller's own names can."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


def _make_day(raw: psycopg.Connection[DictRow], day: int) -> None:
    """The tables of one UTC day. Attached, not created in place: that would wait for everybody who reads."""
    stamp = (_EPOCH + timedelta(days=day)).strftime("%Y%m%d")
    for table in _KEPT_BY_DAY:
        name = f"{table}_{stamp}"
        if _one(raw, "SELECT to_regclass(%s) IS NOT NULL AS value", [name]):
            continue
        raw.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)".encode())
        bounds = f"FROM ({day * _DAY_MS}) TO ({(day + 1) * _DAY_MS})"
        raw.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}".encode())


def _migrate(raw: psycopg.Connection[DictRow]) -> None:
    """Apply what is missing, all or nothing; one program at a time. Raises SchemaUnknown."""
    files = migrations_in(_HERE / "migrations" / "postgres")
    with raw.transaction():
        raw.execute(b"SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        if not _one(raw, "SELECT to_regclass('gammainfra_schema') IS NOT NULL AS value"):
            tables = "SELECT count(*) AS value FROM pg_tables WHERE schemaname = current_schema()"
            if _one(raw, tables):
                raise SchemaUnknown("it belongs to another program: make a database for the gateway alone")
            raw.execute(b"CREATE TABLE gammainfra_schema (number INTEGER PRIMARY KEY)")
        version = int(_one(raw, "SELECT coalesce(max(number), 0) AS value FROM gammainfra_schema"))
        if version > len(files):
            made = f"a newer gammainfra made its schema ({version}, this release knows {len(files)})"
            raise SchemaUnknown(f"{made}: upgrade gammainfra")
        for number, file in enumerate(files[version:], start=version + 1):
            raw.execute(file.read_bytes())
            raw.execute(b"INSERT INTO gammainfra_schema (number) VALUES (%s)", [number])


def _one(raw: psycopg.Connection[DictRow], sql: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - a value
    found = raw.execute(sql.encode(), parameters or None).fetchone()
    return None if found is None else found["value"]
