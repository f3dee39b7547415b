"""What a key, a task and the trial may spend in a span of time, as caps that are held with the money.

Because a budget is held like money, requests that run side by side cannot pass it together. Days and months are UTC. A
request counts to the day it was asked on. It decides no price.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from gammainfra.domain.ledger import Cap, CapKind
from gammainfra.domain.record import KeyLimits

ALERTS_PERCENT: Final = (50, 80, 95, 100)
_SESSION_KEPT: Final = timedelta(days=32)
_LATE: Final = timedelta(days=1)  # a request of the last minute still settles


def key_caps(key_id: str, limits: KeyLimits, at: float) -> tuple[Cap, ...]:
    """The key's own budgets. They are counted without a limit too, so that one set at noon knows the morning."""
    today = _day(at)
    month = today.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    return (
        _cap("key_day", f"key:{key_id}:{today:%Y-%m-%d}", limits.day_nano, today + timedelta(days=1) + _LATE),
        _cap("key_month", f"key:{key_id}:{month:%Y-%m}", limits.month_nano, next_month + _LATE),
    )


def session_cap(account_id: str, session_id: str, most_nano: int | None, spent_nano: int, at: float) -> tuple[Cap, ...]:
    """The task's budget (C35), if it has one. ``spent_nano`` is what it had cost before anybody counted."""
    if most_nano is None:
        return ()
    until = (_day(at) + _SESSION_KEPT).timestamp()
    return (Cap("session", f"session:{account_id}:{session_id}", most_nano, until, spent_nano),)


def trial_cap(most_nano: int | None, at: float) -> Cap:
    """What all trials together may spend on this day."""
    today = _day(at)
    until = today + timedelta(days=1) + _LATE
    return Cap("trial_day", f"trial:{today:%Y-%m-%d}", most_nano, until.timestamp())


def alerts(before_nano: int, after_nano: int, most_nano: int | None) -> tuple[int, ...]:
    """The percentages of a budget that were passed between two sums; each is said once."""
    if not most_nano:
        return ()
    return tuple(at for at in ALERTS_PERCENT if before_nano * 100 < most_nano * at <= after_nano * 100)


def tightest(header_nano: int | None, key_nano: int | None) -> int | None:
    """The lower of two caps on one task."""
    given = [nano for nano in (header_nano, key_nano) if nano is not None]
    return min(given, default=None)


def _cap(kind: CapKind, meter: str, most_nano: int | None, until: datetime) -> Cap:
    return Cap(kind, meter, most_nano, until.timestamp())


def _day(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
