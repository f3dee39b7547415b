"""Forgetting: requests, tasks and hours older than the operator keeps them go, a bounded number at a time.

It decides what goes and in which order; it never touches days' sums, keys or anything about money. ``kept_from_ms``
moves first: from then on no day before it is verified or rebuilt, because its requests may be gone.
"""

from __future__ import annotations

from gammainfra.domain import limits
from gammainfra.store.engine import Connection, Engine
from gammainfra.store.statements import statements_of

_DAY_MS = 86_400_000
_STEPS = ("forget_old_requests", "forget_old_sessions", "forget_old_hours")


def forget(engine: Engine, connection: Connection, before_ms: int) -> int:
    """Delete about ``limits.FORGET_ROWS`` rows of whole UTC days before then, at once; how many. 0: nothing is left."""
    before_ms -= before_ms % _DAY_MS
    say = statements_of(engine.dialect)
    with engine.transaction(connection):
        engine.begin_writing(connection, ())
        say["move_kept_from"].run(connection, before_ms=before_ms)
        gone = engine.drop_day(connection, before_ms)
        for step in _STEPS:
            gone += say[step].run(connection, before_ms=before_ms, limit=limits.FORGET_ROWS)
    return gone
