"""How fast each API key may ask: requests and tokens by the minute, requests at a time. First it delays, then refuses.

The rule is the generic cell rate algorithm (ATM Forum TM 4.1, section 4.4.2) with a minute's worth of burst: a moment
in the future is kept, never a count, so nothing has to be reset. A request that must wait takes its place in the queue
of its key and sleeps until it is due: nobody overtakes, and no key waits for another one. A question's tokens are
booked by its size, the answer's when they are counted. Per process; a restart forgets everything.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.ports import Clock
from gammainfra.domain.record import Caller, RequestRecord

_MINUTE_S: Final = 60.0
_BYTES_PER_TOKEN: Final = 4


@dataclass(slots=True)
class Pace:
    """One limit by the minute. ``due`` is the theoretical arrival time, in monotonic seconds."""

    per_minute: int
    due: float = 0.0

    def wait_s(self, now: float, cost: float) -> float:
        """How long something of this size has to wait; 0 when it fits now. What is larger than a minute's worth waits

        until nothing else is owed, and then goes.
        """
        owed = max(self.due - now, 0.0) + min(cost, self.per_minute) * self.step_s
        return max(owed - _MINUTE_S, 0.0)

    def book(self, now: float, cost: float) -> None:
        """It goes, now or after its wait. A negative cost gives something back."""
        self.due = max(self.due, now) + cost * self.step_s

    def left(self, now: float) -> int:
        """How much would fit now."""
        return max(0, math.floor((_MINUTE_S - max(self.due - now, 0.0)) / self.step_s + 1e-6))

    @property
    def step_s(self) -> float:
        """The time that one costs."""
        return _MINUTE_S / self.per_minute


@dataclass(slots=True)
class _Row:
    """One key: its limits, what is booked, and who waits for a place."""

    limits: RateLimits
    requests: Pace
    tokens: Pace
    running: int = 0
    waiting: int = 0
    places: list[asyncio.Future[None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a request booked; ``headers`` say what is left (OpenAI's names)."""

    row: _Row | None = None
    waited_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


FREE: Final = Ticket()


class RateBoard:
    """``otherwise`` are the limits of keys without their own. At most limits.RATE_KEYS keys are remembered."""

    def __init__(self, clock: Clock, otherwise: RateLimits) -> None:
        self._clock = clock
        self._otherwise = otherwise
        self._rows: OrderedDict[str, _Row] = OrderedDict()

    async def enter(self, caller: Caller, n_bytes: int | None, most_s: float) -> Ticket:
        """Wait for the key's turn, at most ``most_s`` and limits.RATE_WAIT_S; Refused 429 when that is not enough.

        ``n_bytes`` is the size of the question. The ticket has to be given back with ``leave``.
        """
        allowed = caller.key.rates or self._otherwise
        if not allowed:
            return FREE
        row = self._row(caller.key.id, allowed)
        now, most_s = self._clock.now(), min(most_s, limits.RATE_WAIT_S)
        tokens = (n_bytes or 0) / _BYTES_PER_TOKEN
        wait_s = 0.0
        if allowed.requests_per_minute:
            wait_s = row.requests.wait_s(now, 1.0)
        if allowed.tokens_per_minute:
            wait_s = max(wait_s, row.tokens.wait_s(now, tokens))
        if wait_s > most_s or row.waiting >= limits.RATE_WAITING_PER_KEY:
            raise self._refused(row, now, max(wait_s, 1.0))
        row.requests.book(now, 1.0)
        row.tokens.book(now, tokens)
        row.waiting += 1
        went = False
        try:
            if wait_s:
                await asyncio.sleep(wait_s)
            await self._take_place(row, now + most_s)
            went = True
        finally:
            row.waiting -= 1
            if not went:
                row.requests.book(now, -1.0)
                row.tokens.book(now, -tokens)
        gone = self._clock.now()
        return Ticket(row, gone - now, self._headers(row, gone))

    def leave(self, ticket: Ticket) -> None:
        """The request is over: the next one that waits for a place has it."""
        row = ticket.row
        if row is None:
            return
        row.running -= 1
        while row.places:
            place = row.places.pop(0)
            if not place.done():
                row.running += 1  # the place is handed over, so nobody can come between
                place.set_result(None)
                return

    def settled(self, record: RequestRecord) -> None:
        """Book the answer's tokens; the question's were booked by its size."""
        row = self._rows.get(record.key_id)
        if row is not None and row.limits.tokens_per_minute:
            row.tokens.book(self._clock.now(), record.usage.output_tokens)

    async def _take_place(self, row: _Row, until: float) -> None:
        most = row.limits.concurrency
        if not most or row.running < most:
            row.running += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        row.places.append(place)
        left_s = max(until - self._clock.now(), 0.0)
        try:
            async with asyncio.timeout(left_s):
                await place
        except TimeoutError:
            if place.done() and not place.cancelled():
                return  # it came at the last moment
            raise self._refused(row, self._clock.now(), 1.0) from None
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(Ticket(row))  # it came, and nobody is there any more
            raise
        finally:
            row.places = [one for one in row.places if one is not place]

    def _row(self, key_id: str, allowed: RateLimits) -> _Row:
        row = self._rows.get(key_id)
        if row is None or row.limits != allowed:
            requests, tokens = Pace(allowed.requests_per_minute or 1), Pace(allowed.tokens_per_minute or 1)
            row = self._rows[key_id] = _Row(allowed, requests, tokens)
        self._rows.move_to_end(key_id)
        while len(self._rows) > limits.RATE_KEYS:
            self._rows.popitem(last=False)
        return row

    def _refused(self, row: _Row, now: float, wait_s: float) -> Refused:
        message = (
            f"This key's own limits are reached ({row.limits.shown}), and its turn would come in {wait_s:.0f} s. "
            "Ask more slowly, or have its owner raise the limits."
        )
        headers = self._headers(row, now)
        return Refused(429, "rate_limit_exceeded", message, retry=True, retry_after_s=wait_s, headers=headers)

    def _headers(self, row: _Row, now: float) -> dict[str, str]:
        headers = {}
        for name, pace, limit in (
            ("requests", row.requests, row.limits.requests_per_minute),
            ("tokens", row.tokens, row.limits.tokens_per_minute),
        ):
            if limit:
                headers[f"x-ratelimit-limit-{name}"] = str(limit)
                headers[f"x-ratelimit-remaining-{name}"] = str(pace.left(now))
                headers[f"x-ratelimit-reset-{name}"] = f"{max(pace.due - now, 0.0):.3f}s"
        return headers
