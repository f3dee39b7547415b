"""An event loop whose time is an argument: it jumps to the next timer when nothing else can happen, and never waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping

START_S = 1000.0
EPOCH_S = 1_800_000_000.0
_ROUNDING_S = 1e-9


class _Jumping(selectors.SelectSelector):
    """Where a loop waits for its next timer, this moves the time there, up to the horizon."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S
        self.horizon_s = START_S
        self.stop: Callable[[], None] = lambda: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.now_s + timeout > self.horizon_s + _ROUNDING_S:
            self.now_s = self.horizon_s
            self.stop()
        else:
            self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs by ``advance`` only. Nothing in it may use threads or sockets: it does not listen to any."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self._jumping.stop = self.stop
        self.mistakes: list[Mapping[str, object]] = []
        self.set_exception_handler(lambda _, context: self.mistakes.append(context))

    def time(self) -> float:
        return self._jumping.now_s

    def advance(self, seconds: float) -> None:
        """Let everything happen that happens within ``seconds``; with 0 whatever can happen now."""
        self._jumping.horizon_s = self._jumping.now_s + seconds
        self.run_forever()

    def timers(self) -> list[asyncio.TimerHandle]:
        """The timers that are still to come."""
        return [timer for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]


class LoopClock:
    """Implements domain.ports.Clock with the loop's time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return EPOCH_S + self._loop.time()
