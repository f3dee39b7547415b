"""Explores every state that a Run can reach, with every event in every state, and holds the law of routing/run.py.

The Monitor knows nothing of the machine's inside: it watches actions only. The tests explore the smallest case and
walk at random through the others; ``make gate-run`` explores all of them.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.routing import run as r

if TYPE_CHECKING:
    from collections.abc import Iterator

INVALID = Failure(Cause.INVALID_REQUEST, "")
FAILURES = (
    Failure(Cause.CUT, ""),
    Failure(Cause.RATE_LIMIT, "", retry_after_s=3.0),
    Failure(Cause.UNSUPPORTED_PARAMETER, "", fix=Fix.DROP_PARAMETER, parameter="temperature"),
    INVALID,
)
FREE, COOLING, HEDGED = r.Option(), r.Option(not_before=5.0), r.Option(hedge_after_s=1.0)
CASES = {
    "stream with tools": r.Terms((FREE, FREE), stream=True, tools=True),
    "stream without tools": r.Terms((FREE, FREE), stream=True, tools=False),
    "whole answer": r.Terms((FREE, FREE), stream=False, tools=True, deadline=30.0),
    "one candidate": r.Terms((FREE,), stream=True, tools=True, deadline=30.0),
    "hedged": r.Terms((HEDGED, FREE), stream=True, tools=True, deadline=30.0),
    "hedged, three candidates": r.Terms((HEDGED, HEDGED, FREE), stream=True, tools=False),
    "billed to the end": r.Terms((r.Option(bills_on=True), FREE), stream=True, tools=False),
    "second one cooling": r.Terms((FREE, COOLING), stream=True, tools=True),
}


@dataclass(frozen=True, slots=True)
class Monitor:
    """What was seen so far, and the first broken law."""

    funded: frozenset[int] = frozenset()
    started: frozenset[int] = frozenset()
    stopped: frozenset[int] = frozenset()  # cancelled by us or failed by themselves
    head: bool = False
    audience: bool = True
    text: bool = False  # the present reader has seen text of the leg that is now gone or speaking
    settles: int = 0
    ends: int = 0
    broken: str = ""

    def told(self, event: r.Event, *, text_reaches_reader: bool) -> Monitor:
        match event:
            case r.AudienceGone():
                return replace(self, audience=False, head=False, text=False)
            case r.AudienceJoined():
                return replace(self, audience=True)
            case r.LegFailed(leg) if leg in self.live:
                return replace(self, stopped=self.stopped | {leg})
            case r.Useful(_, True) if text_reaches_reader:
                return replace(self, text=True)
        return self

    def saw(self, action: r.Action, terms: r.Terms) -> Monitor:
        after, law = self._after(action, terms)
        return after if law or self.broken else replace(after, broken=type(action).__name__)

    def _after(self, action: r.Action, terms: r.Terms) -> tuple[Monitor, bool]:
        over = self.settles + self.ends
        match action:
            case r.Fund(leg):
                return replace(self, funded=self.funded | {leg}), leg not in self.funded and not over and leg <= 4
            case r.Start(leg, stitched):
                law = leg in self.funded - self.started and not over and len(self.live) < 2
                law = law and (not self.text or (stitched and terms.tools))
                return replace(self, started=self.started | {leg}), law
            case r.Cancel(leg):
                return replace(self, stopped=self.stopped | {leg}), leg in self.started and leg not in self.stopped
            case r.Drain():
                return self, bool(self.live) and not self.audience and not over
            case r.SendHead():
                return replace(self, head=True), not self.head and self.audience and terms.stream and not self.ends
            case r.Replay():
                return self, self.head and self.audience and not self.ends
            case r.Release(leg):
                return self, leg in self.live and len(self.live) == 1
            case r.Settle():
                return replace(self, settles=self.settles + 1), self.settles == 0 and self.ends == 0
            case r.End():
                return replace(self, ends=self.ends + 1), self.settles == 1 and self.ends == 0
            case r.Sleep() | r.SetTimer():
                return self, not over

    @property
    def live(self) -> frozenset[int]:
        return self.started - self.stopped


State = tuple[r.Run, Monitor, float]


def events(run: r.Run, now: float) -> Iterator[tuple[r.Event, float]]:
    for leg in range(1, run.legs_made + 1):
        yield r.Funded(leg), now
        yield r.Unfunded(leg, INVALID), now
        yield r.Useful(leg, text=True), now
        yield r.Finished(leg), now
        yield r.UsageFinal(leg), now
        yield r.LegFailed(leg, FAILURES[0]), now
        if leg in run.legs:
            yield r.Useful(leg, text=False), now
            yield r.LegFailed(leg, FAILURES[0], salvage=True), now
            for failure in FAILURES[1:]:
                yield r.LegFailed(leg, failure), now
            yield r.LegFailed(leg, FAILURES[1], same="now"), now
            yield r.LegFailed(leg, FAILURES[0], same="never"), now
    yield r.Wake(), max(now, run.sleeping_until or 0.0)
    for event in (
        r.HedgeDue(),
        r.FundingLate(),
        r.HeadDue(),
        r.DeadlineHit(),
        r.SleepRefused(),
        r.GraceOver(),
        r.LingerOver(),
        r.DrainOver(),
    ):
        yield event, now
    yield r.AudienceGone(may_linger=True), now
    yield r.AudienceGone(may_linger=False), now
    yield r.AudienceJoined(), now
    yield r.Settled(), now
    yield r.Stop(), now


def step(state: State, event: r.Event, now: float) -> State:
    old, monitor, _ = state
    run = copy.copy(old)
    run.legs, run.fresh, run.again, run.asked_again = (
        dict(old.legs), list(old.fresh), dict(old.again), set(old.asked_again)
    )  # fmt: skip
    actions = run.on(event, now)
    shown = bool(run.shown and not old.shown)
    monitor = monitor.told(event, text_reaches_reader=shown)
    if isinstance(event, r.AudienceJoined) and run.shown:
        monitor = replace(monitor, text=True)
    for action in actions:
        monitor = monitor.saw(action, run.terms)
    return run, monitor, now


def key(state: State) -> object:
    run, monitor, now = state
    legs = tuple(sorted((n, leg.candidate, leg.live) for n, leg in run.legs.items()))
    return (
        run.phase, legs, run.winner, run.ending, run.audience, run.head, run.shown, run.said, run.stitched, run.hedged,
        run.finished, run.settling, run.draining,
        run.sleeping_until, run.waited_s, run.legs_made, run.repairs_left, run.salvage,
        tuple(run.fresh), tuple(sorted(run.again.items())), frozenset(run.asked_again), monitor, now,
    )  # fmt: skip


def begin(terms: r.Terms) -> State:
    run = r.Run(terms)
    monitor = Monitor()
    for action in run.begin(0.0):
        monitor = monitor.saw(action, terms)
    return run, monitor, 0.0


def explore(terms: r.Terms, most: int = 2_000_000) -> tuple[int, int, list[str], int]:
    """States, transitions, violations and states from which ENDED cannot be reached."""
    start = begin(terms)
    ids = {key(start): 0}
    states, edges, broken = [start], [], []
    todo = [0]
    transitions = 0
    while todo:
        here = todo.pop()
        for event, now in events(states[here][0], states[here][2]):
            after = step(states[here], event, now)
            transitions += 1
            name = key(after)
            if name not in ids:
                ids[name] = len(states)
                states.append(after)
                todo.append(ids[name])
                if after[1].broken:
                    broken.append(f"{event} -> {after[1].broken}")
            if ids[name] != here:
                edges.append((here, ids[name]))
        assert len(states) < most
    return len(states), transitions, broken, len(states) - len(_reaches_end(states, edges))


def _reaches_end(states: list[State], edges: list[tuple[int, int]]) -> set[int]:
    back: dict[int, list[int]] = {}
    for a, b in edges:
        back.setdefault(b, []).append(a)
    good = {n for n, state in enumerate(states) if state[0].phase is r.Phase.ENDED and state[1].ends == 1}
    todo = list(good)
    while todo:
        for before in back.get(todo.pop(), ()):
            if before not in good:
                good.add(before)
                todo.append(before)
    return good
