"""Sums over requests: adding new ones, making a day's sums again, and checking that both give the same.

Every function runs on the writing connection. What one request adds is defined once, in the view ``usage_lines``; this
module decides only which requests are added, by ranges of ``seq`` around the watermark. It never rounds: sums are of
integers, so their order does not matter.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from gammainfra.store.engine import Connection, Engine, Row
from gammainfra.store.statements import Statements, statements_of

Day = date

_DAY_S: Final = 86_400
_ALL_TIME: Final = {"from_ms": -(2**62), "to_ms": 2**62}


@dataclass(frozen=True, slots=True)
class DayCheck:
    """How many rows of a day's sums differ from what the requests say, each missing or surplus row counted once."""

    day: Day
    hours_wrong: int
    days_wrong: int
    sessions_wrong: int

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not (self.hours_wrong or self.days_wrong or self.sessions_wrong)


@dataclass(frozen=True, slots=True)
class _Range:
    """A UTC day in seconds, and the seqs (``after`` < seq <= ``upto``) that its requests lie between."""

    from_s: int
    after: int
    upto: int

    @property
    def to_s(self) -> int:
        return self.from_s + _DAY_S


def add_up(engine: Engine, connection: Connection, *, upto: int) -> None:
    """Add everything above the watermark to the sums and move it to ``upto``. Inside the caller's transaction."""
    say = statements_of(engine.dialect)
    after = say["rolled_up_seq"].number(connection)
    if after == upto:
        return
    say["roll_up_hours"].run(connection, after=after, upto=upto, **_ALL_TIME)
    say["roll_up_days"].run(connection, after=after, upto=upto, **_ALL_TIME)
    say["roll_up_sessions"].run(connection, after=after, upto=upto)
    say["name_sessions"].run(connection, after=after, upto=upto)
    say["move_watermark"].run(connection, seq=upto)


def rebuild_day(engine: Engine, connection: Connection, day: Day) -> None:
    """Make the sums of a UTC day, and of the sessions active on it, again.

    ValueError for a day whose requests are not kept any more.
    """
    say = statements_of(engine.dialect)
    with engine.transaction(connection):
        engine.begin_writing(connection, ())
        _rebuild(say, connection, _range_of(say, connection, day))


def verify_day(engine: Engine, connection: Connection, day: Day) -> DayCheck:
    """Rebuild, compare, and undo the rebuild: the check and the repair cannot disagree. ValueError as there."""
    say = statements_of(engine.dialect)
    found: list[Sums] = []
    with suppress(_Undo), engine.transaction(connection):
        engine.begin_writing(connection, ())
        range_ = _range_of(say, connection, day)
        found.append(_sums(say, connection, range_))
        _rebuild(say, connection, range_)
        found.append(_sums(say, connection, range_))
        raise _Undo
    before, after = found
    hours, days, sessions = (len(was ^ would_be) for was, would_be in zip(before, after, strict=True))
    return DayCheck(day, hours, days, sessions)


class _Undo(Exception):
    """Leaves a transaction without a trace."""


def _rebuild(say: Statements, connection: Connection, range_: _Range) -> None:
    seqs = {"after": range_.after, "upto": range_.upto}
    times = {"from_ms": range_.from_s * 1000, "to_ms": range_.to_s * 1000}
    say["forget_hours"].run(connection, from_s=range_.from_s, to_s=range_.to_s)
    say["forget_days"].run(connection, from_s=range_.from_s, to_s=range_.to_s)
    say["forget_sessions"].run(connection, **seqs, kept_from_ms=say["kept_from_ms"].number(connection))
    say["roll_up_hours"].run(connection, **seqs, **times)
    say["roll_up_days"].run(connection, **seqs, **times)
    say["rebuild_sessions"].run(connection, **seqs)
    say["name_sessions"].run(connection, **seqs)


def _range_of(say: Statements, connection: Connection, day: Day) -> _Range:
    from_s = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    if from_s * 1000 < say["kept_from_ms"].number(connection):
        raise ValueError(f"requests of {day} are not kept any more: its sums cannot be made again")
    (row,) = say["range_of_day"].rows(connection, from_ms=from_s * 1000, to_ms=(from_s + _DAY_S) * 1000)
    if row["first_seq"] is None:
        return _Range(from_s, after=0, upto=0)
    return _Range(from_s, after=row["first_seq"] - 1, upto=row["last_seq"])


Sums = tuple[frozenset[tuple[object, ...]], ...]


def _sums(say: Statements, connection: Connection, range_: _Range) -> Sums:
    times = {"from_s": range_.from_s, "to_s": range_.to_s}
    return (
        frozenset(_values(row) for row in say["hours_of_day"].rows(connection, **times)),
        frozenset(_values(row) for row in say["days_of_day"].rows(connection, **times)),
        frozenset(
            _values(row) for row in say["sessions_of_range"].rows(connection, after=range_.after, upto=range_.upto)
        ),
    )


def _values(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in row.keys())  # noqa: SIM118 - a row is no mapping
