"""The Turn: one answer, whatever happens to sockets and providers. It performs what the Run decides.

    fund -> ask -> tell -> settle -> record

It outlives the client's socket and every attempt; it settles once and records once. It decides nothing: the Run does,
from the events that the attempts, the timers and the reader report. With billing off nothing here ever waits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import assert_never

from gammainfra.domain.attempt import Ending
from gammainfra.domain.bill import Closing
from gammainfra.gateway import facts
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.attempt import Attempt
from gammainfra.gateway.funding import funding_of
from gammainfra.gateway.means import Means
from gammainfra.gateway.refusals import GAVE_UP
from gammainfra.gateway.reply import Reply
from gammainfra.gateway.room import Room
from gammainfra.gateway.settle import Settlement, record_of, settle
from gammainfra.gateway.telling import Telling
from gammainfra.gateway.timers import DUE, Timers
from gammainfra.routing import run
from gammainfra.routing.explain import explain


class Turn:
    """One answer in the making, held by the table of all Turns."""

    def __init__(self, asked: Asked, means: Means, room: Room[Turn]) -> None:
        self.asked = asked
        self.telling = Telling(asked, self._reader_left)
        self.ending: Ending | None = None
        self.asleep = False
        self._means = means
        self._room = room
        self._run = run.Run(asked.terms(means.head_after_s, means.bills_on))
        self._attempts: list[Attempt] = []
        self._funding = funding_of(asked, means.billing, self, means.observer.defect)
        self._timers = Timers()
        self._events: deque[run.Event] = deque()
        self._busy = False
        self._slept_s = 0.0
        self._settlement: Settlement | None = None

    def join(self) -> Reply:
        """A reader for this answer, while it is made or as long as it can be said again."""
        reply = self.telling.join()
        if not self.telling.over:
            self.tell(run.AudienceJoined())
        return reply

    def begin(self) -> None:
        """Ask the first provider."""
        self._work(self._run.begin(self._means.clock.now()))

    def tell(self, event: run.Event) -> None:
        """Report what happened. What follows from it is done before the next event is looked at."""
        self._events.append(event)
        if not (self._busy or self.telling.over):
            self._work([])

    def flow(self, attempt: Attempt) -> None:
        """An attempt said more."""
        self.telling.flow(attempt)
        self._funding.grown(attempt)

    async def room(self) -> None:
        """Wait while the reader is too slow; one that stays so has left."""
        if not await self.telling.has_room():
            self.telling.dismiss()

    def _reader_left(self) -> None:
        self.tell(run.AudienceGone(may_linger=self._room.may_linger(self)))

    def _work(self, actions: list[run.Action]) -> None:
        self._busy = True
        try:
            self._perform(actions)
            while self._events:
                self._perform(self._run.on(self._events.popleft(), self._means.clock.now()))
        except Exception as defect:  # noqa: BLE001 - nobody above could end the answer
            self._give_up(defect)
        finally:
            self._busy = False

    def _give_up(self, defect: Exception) -> None:
        """Our own code failed while it told the answer: one error instead of silence, and one record all the same."""
        self._means.observer.defect(self.asked.id, defect)
        self._events.clear()
        self._timers.stop()
        for attempt in self._attempts:
            attempt.cancel("stop")
        try:
            if not self.telling.over:
                self.telling.refuse(GAVE_UP, {})
                settled = replace(self._settle("failed", None), refused=GAVE_UP)
                self._funding.settle(settled, self._write_down)
        finally:
            self._room.ended(self)

    def _perform(self, actions: list[run.Action]) -> None:
        for action in actions:
            match action:
                case run.Fund():
                    self._fund(action)
                case run.Start(leg, stitched):
                    self.telling.ask(stitched=stitched)
                    self._attempts[leg - 1].start()
                case run.Cancel(leg, by):
                    self._attempts[leg - 1].cancel(by)
                case run.Drain():
                    self._drain()
                case run.SendHead():
                    self.telling.send_head(facts.at_head(self.asked, self._attempts, self._attempt(self._run.winner)))
                case run.Replay():
                    self.telling.open()
                case run.Release(leg):
                    self.telling.release(self._attempts[leg - 1])
                case run.Sleep(until):
                    self.telling.ask(stitched=self._run.stitched)
                    self._sleep(until)
                case run.SetTimer(kind, at):
                    self._timers.set(kind, at - self._means.clock.now(), partial(self._due, kind))
                case run.Settle(ending, winner):
                    self._funding.settle(self._settle(ending, self._attempt(winner)), self._settled)
                case run.End():
                    if self._settlement is not None:  # always: Settle comes before End
                        self._end(self._settlement)
                case _:
                    assert_never(action)

    def _attempt(self, leg: int | None) -> Attempt | None:
        return None if leg is None else self._attempts[leg - 1]

    def _fund(self, order: run.Fund) -> None:
        endpoint = self.asked.plan.candidates[order.candidate].endpoint
        again = any(one.endpoint is endpoint for one in self._attempts)
        self._attempts.append(Attempt(order, endpoint, self.asked, self._means, self, again=again))
        self._funding.fund(self._attempts[-1])

    def _due(self, kind: run.TimerKind) -> None:
        """A timer is over. A second leg also needs room in the budget."""
        if kind != "hedge" or (self._run.hedge is not None and self._means.hedges.take()):
            self.tell(DUE[kind])

    def _drain(self) -> None:
        self.ending = "abandoned"  # nobody may join it any more
        if not self._room.may_drain(self):
            self.tell(run.DrainOver())

    def _sleep(self, until: float) -> None:
        if not self._room.may_sleep():
            self.tell(run.SleepRefused())
            return
        delay_s = until - self._means.clock.now()
        self.asleep, self._slept_s = True, self._slept_s + max(delay_s, 0.0)
        self._timers.set("wake", delay_s, self._wake)

    def _wake(self) -> None:
        self.asleep = False
        self.tell(run.Wake())

    def _settle(self, ending: Ending, winner: Attempt | None) -> Settlement:
        self.ending = ending
        now = self._means.clock.now()
        return settle(self.asked, self._attempts, winner, ending, now=now, slept_s=self._slept_s)

    def _settled(self, settlement: Settlement) -> None:
        self._settlement = settlement
        self.tell(run.Settled())

    def _end(self, settled: Settlement) -> None:
        self._timers.stop()
        if settled.refused is not None or settled.winner is None:
            self.telling.refuse(settled.refused or GAVE_UP, facts.routed(self.asked, self._attempts, None))
        else:
            plan = explain(self.asked.plan) if self.asked.options.explain else None
            task = self._means.sessions.view(self.asked.caller.account_id, self.asked.session.name)
            self.telling.end(settled.winner, Closing(settled.bill, facts.at_end(settled, task.cost_nano), plan))
        self._write_down(settled)

    def _write_down(self, settled: Settlement) -> None:
        record = record_of(settled, self.telling.call_ids)
        self._means.records.add(record)
        self._means.sessions.settled(record)
        self._means.rates.settled(record)
        self._means.observer.turn_ended(record)
        self._attempts.clear()  # what was said stays in the journal only
        self._settlement = None
        self.asked.forget_hub()
        self._room.ended(self)
