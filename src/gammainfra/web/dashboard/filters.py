"""What an address asks for: a period, filters, an order. It reads them strictly and writes links that keep them.

Every view's state is its address: what is chosen stands there, so it can be sent, kept and gone back to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast, get_args
from urllib.parse import quote, urlencode

from gammainfra.domain.failure import Cause, Refused
from gammainfra.domain.money import read_usd
from gammainfra.store.dashboard import Sort, Status, Wanted
from gammainfra.store.reader import Grain, RequestFilter
from gammainfra.web.dashboard import format as show
from gammainfra.web.dashboard.desk import Ask

_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
PERIODS: Final[Mapping[str, tuple[str, int, Grain]]] = {
    "24h": ("24 hours", 24, "hour"),
    "7d": ("7 days", 7, "day"),
    "30d": ("30 days", 30, "day"),
    "90d": ("90 days", 90, "day"),
}
STATUSES: Final[Mapping[str, str]] = {
    "served": "served",
    "fallback": "served by fallback",
    "failed": "failed",
    "cancelled": "cancelled",
}
SORTS: Final[Mapping[str, str]] = {
    "recent": "latest activity",
    "cost": "cost",
    "duration": "duration",
    "failures": "failures",
    "steps": "steps",
}
FILTERS: Final = (
    "status", "provider", "model", "asked", "client", "key", "session", "cause", "stream", "min_cost", "min_ms",
)  # fmt: skip
_TEXT_CHARS: Final = 256
_MS_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Period:
    """Whole hours or days in UTC, the current one included. ``starts`` are their beginnings in epoch seconds."""

    name: str
    title: str
    grain: Grain
    starts: Sequence[int]

    @property
    def since(self) -> float:
        """The first moment."""
        return float(self.starts[0])

    @property
    def until(self) -> float:
        """The first moment after it."""
        return self.starts[-1] + self.step_s

    @property
    def step_s(self) -> int:
        """An hour or a day."""
        return _HOUR_S if self.grain == "hour" else _DAY_S

    @property
    def before(self) -> float:
        """Where the period of the same length before it began."""
        return self.since - len(self.starts) * self.step_s

    @property
    def labels(self) -> list[str]:
        """What stands below the bars."""
        if self.grain == "day":
            return [show.day(at) for at in self.starts]
        return [f"{datetime.fromtimestamp(at, UTC):%H}:00" for at in self.starts]


def period_of(ask: Ask, usual: str) -> Period:
    """The period that the address names; Refused 400."""
    name = ask.query.get("period", usual)
    if name not in PERIODS:
        raise _wrong("period", f"one of {', '.join(PERIODS)}")
    title, n_steps, grain = PERIODS[name]
    step_s = _HOUR_S if grain == "hour" else _DAY_S
    last = int(ask.now) // step_s * step_s
    return Period(name, title, grain, range(last - (n_steps - 1) * step_s, last + 1, step_s))


def wanted_of(ask: Ask) -> Wanted:
    """The requests that the address asks for; all of time unless it names a period. Refused 400."""
    query = ask.query
    since = period_of(ask, "7d").since if "period" in query else 0.0
    base = RequestFilter(
        ask.account_id,
        key_id=_text(query, "key"),
        session_id=_text(query, "session"),
        since=since,
        model=_text(query, "model"),
        provider=_text(query, "provider"),
        client=_text(query, "client"),
    )
    stream = _choice(query, "stream", ("yes", "no"))
    return Wanted(
        base,
        asked=_text(query, "asked"),
        status=cast("Status | None", _choice(query, "status", get_args(Status))),
        cause=_choice(query, "cause", tuple(Cause)),
        min_cost_nano=_usd(query),
        min_latency_ms=_ms(query),
        stream=None if stream is None else stream == "yes",
    )


def sort_of(ask: Ask) -> Sort:
    """The order of sessions; Refused 400."""
    return cast("Sort", _choice(ask.query, "sort", get_args(Sort)) or "recent")


def link(path: str, query: Mapping[str, str | None], **changes: str | None) -> str:
    """An address with these parameters; None leaves one out."""
    kept = {name: value for name, value in {**query, **changes}.items() if value}
    return path + ("?" + urlencode(kept) if kept else "")


def session_path(session_id: str) -> str:
    """The page of a session."""
    return "/dashboard/sessions/" + quote(session_id, safe="")


def kept(query: Mapping[str, str], *names: str) -> dict[str, str | None]:
    """Those of the address's parameters that have a value."""
    return {name: query[name] for name in names if query.get(name)}


def _text(query: Mapping[str, str], name: str) -> str | None:
    value = query.get(name, "").strip()
    if not value.isprintable() or len(value) > _TEXT_CHARS:
        raise _wrong(name, f"at most {_TEXT_CHARS} printable characters")
    return value or None


def _choice(query: Mapping[str, str], name: str, allowed: Sequence[str]) -> str | None:
    value = query.get(name) or None
    if value is not None and value not in allowed:
        raise _wrong(name, f"one of {', '.join(allowed)}")
    return value


def _usd(query: Mapping[str, str]) -> int | None:
    text = query.get("min_cost", "").strip().removeprefix("$")
    try:
        return read_usd(text) if text else None
    except ValueError:
        raise _wrong("min_cost", "an amount in USD such as 0.25") from None


def _ms(query: Mapping[str, str]) -> int | None:
    text = query.get("min_ms", "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _MS_DIGITS):
        raise _wrong("min_ms", "a whole number of milliseconds")
    return int(text) if text else None


def _wrong(name: str, allowed: str) -> Refused:
    return Refused(400, "invalid_request", f"{name} is not accepted: it is {allowed}.", name, retry=False)
