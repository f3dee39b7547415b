"""Where requests hand in their orders: they wait together, and are answered when one transaction made them durable.

It decides how many orders share a transaction and what becomes of one that cannot be written; the books decide what an
order does. One thread posts, whichever engine keeps the books; here is only the way there and back. An order is
carried out whoever still waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.ledger import Order, Outcome, Post
from gammainfra.domain.ports import Books, LedgerDown

_log: Final = logging.getLogger(__name__)
_Waiting = tuple[Order, asyncio.Future[Outcome]]
Run = Callable[[Callable[[], None], Callable[[], None]], None]


class Desk:
    """Implements ``domain.ports.Ledger``. ``run(job, give_up)`` runs jobs one after the other in one thread,

    or says that it will not.
    """

    def __init__(self, books: Books, run: Run, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._books = books
        self._run = run
        self._sleep = sleep
        self._waiting: deque[_Waiting] = deque()
        self._called = False  # the thread will look
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def waiting(self) -> int:
        """How many orders are queued."""
        return len(self._waiting)

    def put(self, order: Order) -> asyncio.Future[Outcome]:
        """Queue an order. Raises LedgerDown when too many wait."""
        if len(self._waiting) >= limits.ORDER_QUEUE:
            raise LedgerDown("too many orders wait for the books")
        self._loop = loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((order, future))
        if not self._called:
            self._called = True
            self._run(self._post_waiting, self._give_up)
        return future

    # ---- the posting thread -----------------------------------------------------------------------------------------
    def _post_waiting(self) -> None:
        self._called = False  # whoever comes now calls again: this round may have missed it
        while batch := self._take():
            self._answer(batch, self._post([order for order, _ in batch]))

    def _take(self) -> list[_Waiting]:
        n = min(len(self._waiting), limits.ORDER_BATCH)
        return [self._waiting.popleft() for _ in range(n)]

    def _post(self, orders: Sequence[Order]) -> Sequence[Outcome | LedgerDown]:
        """Try the batch; what only reserves is not tried again, because somebody waits for it."""
        try:
            return self._books.post(orders)
        except LedgerDown as down:
            _log.warning("posting %d orders failed: %s", len(orders), down)
            return [self._insist(order) if isinstance(order, Post) else down for order in orders]

    def _insist(self, order: Order) -> Outcome | LedgerDown:
        down = LedgerDown("the books cannot be written")
        for number in range(limits.ORDER_TRIES):
            try:
                return self._books.post((order,))[0]
            except LedgerDown as again:
                down = again
                self._sleep(limits.RECORD_RETRY_S * 2**number)
        _log.error("an order was not posted: %s: %s", order, down)
        return down

    def _answer(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome | LedgerDown]) -> None:
        def tell() -> None:
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, LedgerDown):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)

    def _give_up(self) -> None:
        batch = self._take()
        self._called = False
        self._answer(batch, [LedgerDown("the store is closed")] * len(batch))
