"""Which provider is broken when: seeded, by the clock, and never all of them at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gammainfra.simulate import Dispatch, Fault

# Every failure that an agent must not notice; what a whole (unstreamed) answer cannot show is left out by the server.
FAULTS = (
    Fault.RATE_LIMIT,
    Fault.RATE_LIMIT_RETRY_AFTER,
    Fault.SERVER_ERROR,
    Fault.UNAVAILABLE,
    Fault.OVERLOADED,
    Fault.HTML_502,
    Fault.AUTH_401,
    Fault.BILLING_402,
    Fault.WRONG_CONTENT_TYPE,
    Fault.EARLY_ERROR,
    Fault.EMPTY,
    Fault.REASONING_ONLY,
    Fault.RESET,
    Fault.CUT_BEFORE_CONTENT,
    Fault.CUT_AFTER_TEXT,
    Fault.CUT_IN_ARGUMENTS,
    Fault.BAD_JSON,
    Fault.NO_FINISH,
    Fault.NO_CALL_ID,
    Fault.REPEATED_CALL_ID,
    Fault.LATE_ERROR,
    Fault.LATE_CUT,
    Fault.STALL_BEFORE,
    Fault.STALL_AFTER_TEXT,
)


@dataclass(frozen=True, slots=True)
class Weather:
    """A schedule for the servers of a world. Time is cut into spells; in each, one server, drawn anew, is well.

    Each other server is well, flaky (half of its answers fail, in any way) or down (all fail, in one way).
    """

    seed: int
    servers: Sequence[str]
    clock: Callable[[], float]
    spell_s: float = 45.0

    def __call__(self, dispatch: Dispatch, /) -> Fault | None:
        spell = int(self.clock() // self.spell_s)
        if random.Random(f"{self.seed}:{spell}").choice(self.servers) == dispatch.server:
            return None
        dice = random.Random(f"{self.seed}:{spell}:{dispatch.server}")
        mood = dice.choice(("well", "flaky", "flaky", "down"))
        if mood == "down":
            return dice.choice(FAULTS)
        of_this = random.Random(f"{self.seed}:{dispatch.server}:{dispatch.number}")
        return of_this.choice(FAULTS) if mood == "flaky" and of_this.random() < 0.5 else None
