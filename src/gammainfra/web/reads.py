"""Where questions about what is stored wait their turn: in threads, few at a time, never in the loop's way.

It decides how many may wait. Threads are the loop's own few, which look up names of providers too: so no more read at a
time than there are connections to read from, and no question holds a thread while it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused

Answer = TypeVar("Answer")


class Reads:
    """Runs questions in threads. Used by the loop's thread only."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(limits.STORE_READERS)
        self._asked = 0

    async def read(self, question: Callable[[], Answer]) -> Answer:
        """The answer, and what the question raises; Refused 503 when too many wait."""
        if self._asked >= limits.READS_WAITING:
            message = "Too many questions about stored requests wait already: ask again in a second."
            raise Refused(503, "overloaded", message, retry=True, retry_after_s=1.0)
        self._asked += 1
        try:
            async with self._free:
                return await asyncio.to_thread(question)
        finally:
            self._asked -= 1
