"""Reads what the dashboard's pages show, on connections of its own, so that people who look never hold up the API.

It decides how far one page looks: a filter or an order sees at most limits.DASHBOARD_SCANNED rows, and says where it
stopped. It never counts and never aggregates requests: sums come from the roll-ups.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gammainfra.domain import limits
from gammainfra.store import rows
from gammainfra.store.engine import Engine, Value
from gammainfra.store.reader import END_MS, Reader, RequestFilter, epoch_ms, page_of, read_cursor, request_cursor

Status = Literal["served", "fallback", "failed", "cancelled"]
Sort = Literal["recent", "cost", "duration", "failures", "steps"]
_ENDINGS: Final[Mapping[Status | None, tuple[str | None, str | None]]] = {
    None: (None, None),
    "served": ("served", "served"),
    "fallback": ("served", "served"),
    "failed": ("failed", "timed_out"),
    "cancelled": ("abandoned", "stopped"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A RequestFilter and what only people ask for. None is any; ``status`` served includes fallback."""

    base: RequestFilter
    asked: str | None = None
    status: Status | None = None
    cause: str | None = None
    min_cost_nano: int | None = None
    min_latency_ms: int | None = None
    stream: bool | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves out rows that its index finds, so that a page may look at many to show few."""
        base = (self.base.model, self.base.provider, self.base.client)
        own = (self.asked, self.status, self.cause, self.min_cost_nano, self.min_latency_ms, self.stream)
        return any(one is not None for one in (*base, *own))


@dataclass(frozen=True, slots=True)
class Found:
    """A page of requests. ``stopped_at`` (epoch seconds) is set when it looked no further than there."""

    rows: tuple[rows.RequestRow, ...]
    cursor: str | None
    stopped_at: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """One attempt in a list: who, how it ended, and why."""

    provider: str
    endpoint: str
    outcome: rows.AttemptOutcome
    cause: str


@dataclass(frozen=True, slots=True)
class Timing:
    """One of the newest requests. Times are milliseconds; ``served`` False: its times mean nothing."""

    at: float
    latency_ms: float
    ttft_ms: float | None
    overhead_ms: float
    served: bool


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that failed; ``absorbed``: another one recovered it. ``id`` is the generation id of its request."""

    id: str
    at: float
    provider: str
    endpoint: str
    cause: str
    message: str
    status: int | None
    absorbed: bool


class DashboardReader(Reader):
    """A Reader with the questions of the pages."""

    def __init__(self, where: Engine | str | Path) -> None:
        super().__init__(where, limits.DASHBOARD_READERS)

    def find(self, wanted: Wanted, cursor: str | None = None, limit: int = limits.DASHBOARD_ROWS) -> Found:
        """A page of the request log, newest first. Refused 400 for a cursor that is none of ours."""
        cursor_ms, cursor_seq = read_cursor(cursor, int, END_MS)
        base, kind = wanted.base, _kind(wanted.base)
        # The upper bound again, on the index's own column: a late page starts where it is, not at the top.
        span: dict[str, Value] = {
            "account_id": base.account_id,
            "key_id": base.key_id,
            "session_id": base.session_id,
            "from_ms": epoch_ms(base.since),
            "to_ms": min(epoch_ms(base.until), cursor_ms + 1),
            "cursor_ms": cursor_ms,
            "cursor_seq": cursor_seq,
        }
        ending, or_ending = _ENDINGS[wanted.status]
        filters: dict[str, Value] = {
            "model": base.model,
            "asked": wanted.asked,
            "provider": base.provider,
            "client": base.client,
            "ending": ending,
            "or_ending": or_ending,
            "least_absorbed": int(wanted.status == "fallback"),
            "cause": wanted.cause,
            "min_cost_nano": wanted.min_cost_nano or 0,
            "min_latency_us": (wanted.min_latency_ms or 0) * 1000,
            "stream": wanted.stream,
        }
        with self._connection() as connection:
            window = self._say[f"dashboard_window_of_{kind}"]
            edge = window.row(connection, **span, scanned=limits.DASHBOARD_SCANNED) if wanted.narrows else None
            if edge is not None:  # down to the whole of its millisecond, so that the next page begins below it
                span["from_ms"] = max(epoch_ms(base.since), edge["at_ms"])
            requests = self._say[f"dashboard_requests_of_{kind}"]
            found = requests.rows(connection, **span, **filters, limit=limit + 1)
        page = page_of([rows.request_row(row) for row in found], limit, request_cursor)
        if page.cursor is None and edge is not None:
            return Found(page.rows, f"{edge['at_ms']}.0", edge["at_ms"] / 1000)
        return Found(page.rows, page.cursor)

    def marks(self, requests: Sequence[rows.RequestRow]) -> Mapping[int, tuple[Mark, ...]]:
        """The attempts of these requests, by ``seq``."""
        with self._connection() as connection:
            found = self._say["dashboard_attempts"].rows(
                connection,
                seqs=json.dumps([row.seq for row in requests]),
                from_ms=min((epoch_ms(row.at) for row in requests), default=0),
                to_ms=max((epoch_ms(row.at) for row in requests), default=0),
            )
        marks: dict[int, tuple[Mark, ...]] = {}
        for row in found:
            mark = Mark(row["provider"], row["endpoint"], row["outcome"], row["cause"])
            marks[row["seq"]] = (*marks.get(row["seq"], ()), mark)
        return marks

    def latest(self, account_id: str, since: float) -> tuple[Timing, ...]:
        """How long the newest requests took, newest first."""
        with self._connection() as connection:
            found = self._say["dashboard_latest"].rows(
                connection, account_id=account_id, from_ms=epoch_ms(since), limit=limits.DASHBOARD_LATEST
            )
        return tuple(
            Timing(
                row["at_ms"] / 1000,
                row["latency_us"] / 1000,
                None if row["ttft_us"] is None else row["ttft_us"] / 1000,
                row["overhead_us"] / 1000,
                row["ending"] == "served",
            )
            for row in found
        )

    def failures(self, account_id: str, since: float) -> tuple[FailedAttempt, ...]:
        """Attempts that failed lately, newest first."""
        with self._connection() as connection:
            found = self._say["dashboard_failures"].rows(
                connection, account_id=account_id, from_ms=epoch_ms(since), limit=limits.DASHBOARD_LATEST
            )
        return tuple(
            FailedAttempt(
                row["id"],
                row["at_ms"] / 1000,
                row["provider"],
                row["endpoint"],
                row["cause"],
                row["message"],
                row["status"],
                row["outcome"] == "absorbed" or row["ending"] == "served",
            )
            for row in found
        )

    def sessions_by(
        self, account_id: str, sort: Sort, since: float, until: float, limit: int = limits.DASHBOARD_ROWS
    ) -> tuple[rows.SessionRow, ...]:
        """The largest of the newest sessions of a period."""
        with self._connection() as connection:
            found = self._say["dashboard_sessions_sorted"].rows(
                connection,
                account_id=account_id,
                sort=sort,
                from_ms=epoch_ms(since),
                to_ms=epoch_ms(until),
                scanned=limits.DASHBOARD_SCANNED,
                limit=limit,
            )
        return tuple(map(rows.session_row, found))

    def size_bytes(self) -> int:
        """How much of the disk the database takes."""
        with self._connection() as connection:
            return self._say["dashboard_size"].number(connection)

    def last_use(self, key_ids: Sequence[str]) -> Mapping[str, float]:
        """When each key was used last, in epoch seconds; a key that never was is left out."""
        with self._connection() as connection:
            found = {key_id: self._say["dashboard_last_of_key"].row(connection, key_id=key_id) for key_id in key_ids}
        return {key_id: row["at_ms"] / 1000 for key_id, row in found.items() if row is not None}


def _kind(base: RequestFilter) -> str:
    if base.session_id is not None:
        return "session"
    return "account" if base.key_id is None else "key"
