"""Sums over requests: adding new ones, making a day's sums again, and checking that both give the same.

Every function runs on the writing connection. What one request adds is defined once, in the view ``usage_lines``; this
module decides only which requests are added, by ranges of ``seq`` around the watermark. It never rounds: sums are of
integers, so their order does not matter.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from gammainfra.store.database import transaction
from gammainfra.store.statements import SQLITE

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


def add_up(connection: sqlite3.Connection, *, upto: int) -> None:
    """Add everything above the watermark to the sums and move it to ``upto``. Inside the caller's transaction."""
    after = SQLITE["rolled_up_seq"].number(connection)
    if after == upto:
        return
    SQLITE["roll_up_hours"].run(connection, after=after, upto=upto, **_ALL_TIME)
    SQLITE["roll_up_days"].run(connection, after=after, upto=upto, **_ALL_TIME)
    SQLITE["roll_up_sessions"].run(connection, after=after, upto=upto)
    SQLITE["name_sessions"].run(connection, after=after, upto=upto)
    SQLITE["move_watermark"].run(connection, seq=upto)


def rebuild_day(connection: sqlite3.Connection, day: Day) -> None:
    """Make the sums of a UTC day, and of the sessions active on it, again."""
    with transaction(connection):
        _rebuild(connection, _range_of(connection, day))


def verify_day(connection: sqlite3.Connection, day: Day) -> DayCheck:
    """Rebuild, compare, and undo the rebuild: the check and the repair cannot disagree."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        range_ = _range_of(connection, day)
        before = _sums(connection, range_)
        _rebuild(connection, range_)
        after = _sums(connection, range_)
    finally:
        connection.execute("ROLLBACK")
    hours, days, sessions = (len(was ^ would_be) for was, would_be in zip(before, after, strict=True))
    return DayCheck(day, hours, days, sessions)


def _rebuild(connection: sqlite3.Connection, range_: _Range) -> None:
    seqs = {"after": range_.after, "upto": range_.upto}
    times = {"from_ms": range_.from_s * 1000, "to_ms": range_.to_s * 1000}
    SQLITE["forget_hours"].run(connection, from_s=range_.from_s, to_s=range_.to_s)
    SQLITE["forget_days"].run(connection, from_s=range_.from_s, to_s=range_.to_s)
    SQLITE["forget_sessions"].run(connection, **seqs)
    SQLITE["roll_up_hours"].run(connection, **seqs, **times)
    SQLITE["roll_up_days"].run(connection, **seqs, **times)
    SQLITE["rebuild_sessions"].run(connection, **seqs)
    SQLITE["name_sessions"].run(connection, **seqs)


def _range_of(connection: sqlite3.Connection, day: Day) -> _Range:
    from_s = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    (row,) = SQLITE["range_of_day"].rows(connection, from_ms=from_s * 1000, to_ms=(from_s + _DAY_S) * 1000)
    if row["first_seq"] is None:
        return _Range(from_s, after=0, upto=0)
    return _Range(from_s, after=row["first_seq"] - 1, upto=row["last_seq"])


Sums = tuple[frozenset[tuple[object, ...]], ...]


def _sums(connection: sqlite3.Connection, range_: _Range) -> Sums:
    times = {"from_s": range_.from_s, "to_s": range_.to_s}
    return (
        frozenset(tuple(row) for row in SQLITE["hours_of_day"].rows(connection, **times)),
        frozenset(tuple(row) for row in SQLITE["days_of_day"].rows(connection, **times)),
        frozenset(
            tuple(row) for row in SQLITE["sessions_of_range"].rows(connection, after=range_.after, upto=range_.upto)
        ),
    )
