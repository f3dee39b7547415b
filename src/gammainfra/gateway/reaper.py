"""Ends the holds that nobody will settle: of a process that died, and of requests that outlived every bound.

Whoever asked pays nothing for them: our end cut the answer. A settle that comes after all is still posted.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gammainfra.billing.posting import expire
from gammainfra.domain.ledger import Hold
from gammainfra.domain.ports import Ledger, LedgerDown

_log: Final = logging.getLogger(__name__)


async def reap(ledger: Ledger, find: Callable[[], Awaitable[Sequence[Hold]]], now: float) -> int:
    """End what ``find`` finds and return how many that were; the next round tries again what failed."""
    ended = 0
    try:
        for hold in await find():
            await ledger.put(expire(hold, at=now))
            ended += 1
    except LedgerDown as down:
        _log.warning("ending orphaned holds failed: %s", down)
    if ended:
        _log.warning("ended %d holds that nobody had settled", ended)
    return ended
