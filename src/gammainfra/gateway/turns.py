"""Every Turn of the process: the running ones, and those that can still be said again.

It decides which Turn a repeated question belongs to and how long an answer is kept for it. Two living requests are
never merged: only the question of a reader that left, or that its SDK says it asks again, finds its Turn. Memory
only; a restart forgets the answers, and the question is asked anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from contextlib import suppress

from gammainfra.domain import limits
from gammainfra.domain.options import Options
from gammainfra.domain.record import Caller
from gammainfra.gateway.admission import Permit
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.means import Means
from gammainfra.gateway.reply import Reply
from gammainfra.gateway.turn import Turn
from gammainfra.routing import run

_Question = tuple[str, int, int]  # key id, length, cheap hash


class Turns:
    """The table. ``means`` is what every Turn works with."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._running: dict[Turn, list[Permit]] = {}
        self._askable: dict[_Question, list[Turn]] = {}
        self._ended: OrderedDict[Turn, float] = OrderedDict()  # monotonic seconds of the end
        self._ended_bytes = 0
        self._all_over = asyncio.Event()
        self._lingering: dict[Turn, str] = {}  # without a reader, and whose they are
        self._lingering_by: Counter[str] = Counter()  # by account
        self._draining: set[Turn] = set()

    # ---- questions --------------------------------------------------------------------------------------------------
    def adopt(self, caller: Caller, raw: bytes, options: Options) -> Turn | None:
        """The Turn that answers this very question already, if its reader is gone or says so itself.

        A reader that is still there is replaced only by the same Idempotency-Key, or by a retry when nobody else asks
        the same: an SDK may notice the end of a connection before this side does.
        """
        self._forget_old()
        asked = self._askable.get(_question(caller, raw), ())
        turns = [one for one in asked if one.asked.raw == raw and _can_be_said_again(one)]
        turns.sort(key=lambda one: one.telling.reader is not None)
        for turn in turns:
            retried = options.retry_count > 0 and (turn.telling.over or len(turns) == 1)
            left = not turn.telling.heard if turn.telling.over else turn.telling.reader is None
            if left or retried or _same_key(turn, options):
                return turn
        return None

    def open(self, asked: Asked, permit: Permit) -> Reply:
        """A new Turn, asking its first provider; what its first reader gets."""
        if asked.plan.may_hedge:
            self._means.hedges.pay_in()
        if asked.mark is not None:
            self._means.idempotency.began(asked.mark, asked.id)
        turn = Turn(asked, self._means, self)
        self._running[turn] = [permit]
        self._askable.setdefault(_question(asked.caller, asked.raw), []).append(turn)
        reply = turn.join()  # before anything happens: it may end at once
        turn.begin()
        return reply

    def keep(self, turn: Turn, permit: Permit) -> None:
        """A further reader's permit: given back with the Turn's own, or at once when it is over."""
        self._forget_lingering(turn)
        if turn in self._running:
            self._running[turn].append(permit)
        else:
            permit.release()

    # ---- what a Turn may do -----------------------------------------------------------------------------------------
    def may_linger(self, turn: Turn) -> bool:
        """Whether there is room for one more Turn without a reader; it then counts until it ends or is joined."""
        account_id = turn.asked.caller.account_id
        full = len(self._lingering) >= limits.LINGERING
        if full or self._lingering_by[account_id] >= limits.LINGERING_PER_ACCOUNT or turn in self._lingering:
            return False
        self._lingering[turn] = account_id
        self._lingering_by[account_id] += 1
        return True

    def _forget_lingering(self, turn: Turn) -> None:
        account_id = self._lingering.pop(turn, None)
        if account_id is not None:
            self._lingering_by[account_id] -= 1
            if not self._lingering_by[account_id]:
                del self._lingering_by[account_id]

    def may_drain(self, turn: Turn) -> bool:
        """Whether there is room for one more Turn that is read on for its bill; it then counts until it ends."""
        if len(self._draining) >= limits.DRAINING:
            return False
        self._draining.add(turn)
        return True

    def may_sleep(self) -> bool:
        """Whether there is room for one more Turn that waits for a cooldown."""
        return sum(turn.asleep for turn in self._running) < limits.SLEEPING

    def ended(self, turn: Turn) -> None:
        """Keep the answer for a while if it can be said again, and give the room back."""
        if turn not in self._running:
            return
        for permit in self._running.pop(turn):
            permit.release()
        self._forget_lingering(turn)
        self._draining.discard(turn)
        mark, served = turn.asked.mark, turn.ending == "served"
        if mark is not None:
            self._means.idempotency.ended(mark, turn.asked.id, served=served)
        size = turn.telling.journal_bytes
        if served and size is not None:
            self._ended[turn] = self._means.clock.now()
            self._ended_bytes += size + len(turn.asked.raw)
            self._forget_old()
        else:
            self._unask(turn)
        if not self._running:
            self._all_over.set()

    # ---- the end ----------------------------------------------------------------------------------------------------
    @property
    def running(self) -> int:
        """How many Turns are under way."""
        return len(self._running)

    async def drain(self, drain_s: float) -> None:
        """Let running Turns end; what is not over after ``drain_s`` is stopped."""
        if self._running:
            self._all_over.clear()
            try:
                await asyncio.wait_for(self._all_over.wait(), drain_s)
            except TimeoutError:
                for turn in list(self._running):
                    turn.tell(run.Stop())
                with suppress(TimeoutError):  # what has its answer may still wait for its token counts
                    await asyncio.wait_for(self._all_over.wait(), 2 * limits.USAGE_GRACE_S)

    def _forget_old(self) -> None:
        oldest = self._means.clock.now() - limits.REPLAY_S
        while self._ended:
            turn, at = next(iter(self._ended.items()))
            if at >= oldest and self._ended_bytes <= limits.REPLAY_BYTES:
                return
            del self._ended[turn]
            self._ended_bytes -= (turn.telling.journal_bytes or 0) + len(turn.asked.raw)
            self._unask(turn)

    def _unask(self, turn: Turn) -> None:
        question = _question(turn.asked.caller, turn.asked.raw)
        asked = self._askable.get(question, [])
        if turn in asked:
            asked.remove(turn)
        if not asked:
            self._askable.pop(question, None)


def _can_be_said_again(turn: Turn) -> bool:
    """Whether it is an answer, or may become one, and all of it is still there."""
    return turn.ending in {None, "served"} and turn.telling.journal_bytes is not None


def _same_key(turn: Turn, options: Options) -> bool:
    key = options.idempotency_key
    return key is not None and key == turn.asked.options.idempotency_key


def _question(caller: Caller, raw: bytes) -> _Question:
    return caller.key.id, len(raw), hash(raw)
