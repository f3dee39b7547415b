"""What an open tab is told: how many requests were written since the start, and how many are in flight. Two integers.

It decides how often: at most twice a second, and a sign of life every limits.DASHBOARD_BEAT_S. Nothing is read from the
store for it. A tab's stream ends with its log-in, with the gateway, or after limits.DASHBOARD_STREAM_S.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Final

from gammainfra.domain import limits
from gammainfra.web.dashboard.desk import Desk

TICK_S: Final = 0.5


class Events:
    """Counts the streams. Used by the loop's thread only."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._streams = 0

    @property
    def full(self) -> bool:
        """Whether no further tab can be told."""
        return self._streams >= limits.DASHBOARD_STREAMS

    async def stream(self, is_logged_in: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Server-sent events, the first at once."""
        self._streams += 1
        try:
            clock = self._desk.on.clock
            end = clock.now() + limits.DASHBOARD_STREAM_S
            told, said_at = "", 0.0
            while clock.now() < end and not self._desk.on.admission.draining and is_logged_in():
                counts = json.dumps(
                    {"written": self._desk.writer.written, "in_flight": self._desk.on.admission.requests}
                )
                if counts != told:
                    told, said_at = counts, clock.now()
                    yield f"event: counts\ndata: {counts}\n\n".encode()
                elif clock.now() - said_at >= limits.DASHBOARD_BEAT_S:
                    said_at = clock.now()
                    yield b": alive\n\n"
                await asyncio.sleep(TICK_S)
        finally:
            self._streams -= 1
