"""Reads large questions one at a time: the parser holds the whole process while it works, and streams wait.

It decides only when a body is parsed. Between two large ones everybody else has at least as much time as the last one
took.
"""

from __future__ import annotations

import asyncio

from gammainfra.domain import limits
from gammainfra.domain.ports import Clock
from gammainfra.domain.sketch import Sketch
from gammainfra.wire.dialect import ClientDialect


class LargeBodies:
    """One for the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()

    async def sketch(self, dialect: ClientDialect, raw: bytes) -> Sketch:
        """The dialect's sketch of a body; Refused as the dialect says. A small one is read at once."""
        if len(raw) <= limits.LARGE_BODY_BYTES:
            return dialect.sketch(raw)
        async with self._turn:
            began = self._clock.now()
            try:
                return dialect.sketch(raw)
            finally:
                await asyncio.sleep(self._clock.now() - began)
