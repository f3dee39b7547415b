"""The Run: every decision of one Turn after the plan, as a pure machine. Events go in, actions come out.

It decides who is asked next, when the head may leave, what a failure or a hang-up means, and when a Turn is settled
and over. It never does anything itself: no socket, no clock (``now`` is an argument), no money. The Turn performs the
actions and reports back.

    SEEK    nobody speaks; at most two legs are asked
    ANSWER  one leg, the winner, speaks
    CLOSE   the ending is fixed; only usage and the settle are awaited
    ENDED   nothing follows

The law (tests/routing/test_run_closure.py explores every reachable state and holds it): one Settle, one End, Settle
before End; nothing starts after Settle; a leg starts and is cancelled at most once; one Head per reader; never more
than two legs; no leg lives after End; ENDED can be reached from everywhere; without tools nothing is asked again once
text was shown.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal, assert_never

from gammainfra.domain import limits
from gammainfra.domain.attempt import CancelledBy, Ending
from gammainfra.domain.failure import Cause, Failure


class Phase(enum.Enum):
    """Where a Turn stands."""

    SEEK = "seek"
    ANSWER = "answer"
    CLOSE = "close"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate as the Run sees it: when it is free (monotonic seconds) and how large its window is.

    ``hedge_after_s`` is how long it may be silent before the next option is asked beside it; None: never.
    ``bills_on``: who hangs up is charged for the whole answer there, so it is read to its end.
    """

    not_before: float = 0.0
    context_tokens: int = 0
    hedge_after_s: float | None = None
    bills_on: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What the request allows. ``deadline`` is monotonic seconds, None when there is none."""

    options: tuple[Option, ...]
    stream: bool
    tools: bool
    deadline: float | None = None
    head_after_s: float = limits.HEAD_AFTER_S


# ---- events ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Funded:
    """Money for the leg is held (at once when billing is off)."""

    leg: int


@dataclass(frozen=True, slots=True)
class Unfunded:
    """The leg cannot be paid for."""

    leg: int
    why: Failure


@dataclass(frozen=True, slots=True)
class Useful:
    """The leg said something worth a Head; ``text`` when it is answer text, which a reader then has seen."""

    leg: int
    text: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """The leg's answer is complete."""

    leg: int


@dataclass(frozen=True, slots=True)
class UsageFinal:
    """The leg will not report token counts again."""

    leg: int


SameEndpoint = Literal["now", "later", "never"]


@dataclass(frozen=True, slots=True)
class LegFailed:
    """The leg broke. ``salvage``: what it said is complete enough to end the Turn with when nobody is left.

    ``same``: whether its endpoint may be asked once more: now, because another key of ours is free there; later, when
    nobody else is left; or never, because too many requests there were repeats already.
    """

    leg: int
    failure: Failure
    salvage: bool = False
    same: SameEndpoint = "later"


@dataclass(frozen=True, slots=True)
class HedgeDue:
    """The delay of the second leg is over and the hedging budget allows one."""


@dataclass(frozen=True, slots=True)
class FundingLate:
    """The second leg was not funded in time to be worth starting."""


@dataclass(frozen=True, slots=True)
class HeadDue:
    """The client should not wait longer for a status line."""


@dataclass(frozen=True, slots=True)
class DeadlineHit:
    """The caller's latency budget is spent."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A sleep is over."""


@dataclass(frozen=True, slots=True)
class SleepRefused:
    """Too many Turns sleep already."""


@dataclass(frozen=True, slots=True)
class GraceOver:
    """Usage after the finish did not come in time."""


@dataclass(frozen=True, slots=True)
class LingerOver:
    """Nobody came back for the answer in time."""


@dataclass(frozen=True, slots=True)
class DrainOver:
    """What nobody listens to was read for long enough, or too many are read so: the rest is estimated."""


@dataclass(frozen=True, slots=True)
class AudienceGone:
    """The reader hung up. ``may_linger``: there is room to wait for the same question again."""

    may_linger: bool


@dataclass(frozen=True, slots=True)
class AudienceJoined:
    """The same question again: a new reader for this answer."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The bill is written."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The process ends."""


Event = (
    Funded | Unfunded | Useful | Finished | UsageFinal | LegFailed | HedgeDue | FundingLate | HeadDue | DeadlineHit
    | Wake | SleepRefused | GraceOver | LingerOver | DrainOver | AudienceGone | AudienceJoined | Settled | Stop
)  # fmt: skip


# ---- actions --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Fund:
    """Hold money for a new leg that would ask candidate ``candidate``; ``repair`` carries the failure to mend.

    ``hedge``: it is the second leg beside one that is silent.
    """

    leg: int
    candidate: int
    repair: Failure | None = None
    hedge: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Send the leg's request. ``stitched``: text of an earlier leg was shown and stays."""

    leg: int
    stitched: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Close the leg's upstream now."""

    leg: int
    by: CancelledBy


@dataclass(frozen=True, slots=True)
class Drain:
    """Read on for the token counts although nobody listens; answered by DrainOver when there is no room for it."""


@dataclass(frozen=True, slots=True)
class SendHead:
    """Status 200 and headers leave."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Everything said so far goes to the reader that joined."""


@dataclass(frozen=True, slots=True)
class Release:
    """The leg is the winner: what it says reaches the reader."""

    leg: int


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for a cooldown that ends soon; answered by Wake or SleepRefused."""

    until: float


TimerKind = Literal["head", "hedge", "funding", "deadline", "grace", "linger", "drain"]


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send the event of this kind at this time."""

    kind: TimerKind
    at: float


@dataclass(frozen=True, slots=True)
class Settle:
    """Write the bill. ``winner`` is the leg that is paid for, None when nobody is; usage may be an estimate."""

    ending: Ending
    winner: int | None


@dataclass(frozen=True, slots=True)
class End:
    """Write the tail (or the error) and let go."""

    ending: Ending


Action = Fund | Start | Cancel | Drain | SendHead | Replay | Release | Sleep | SetTimer | Settle | End

# Failures after which the same endpoint may be asked once more when nobody else is left: the fault was in the moment.
_PASSING = frozenset(
    {
        Cause.RATE_LIMIT,
        Cause.OVERLOADED,
        Cause.UNAVAILABLE,
        Cause.SERVER_ERROR,
        Cause.NOT_AN_ANSWER,
        Cause.CONNECT_ERROR,
        Cause.EMPTY_ANSWER,
        Cause.MALFORMED_STREAM,
        Cause.CUT,
        Cause.IN_BAND_ERROR,
        Cause.BAD_TOOL_CALL,
    }
)
_PAUSE_S = 1.0  # before the same endpoint is asked again after a refusal without Retry-After
_REFUSALS = frozenset({Cause.RATE_LIMIT, Cause.OVERLOADED, Cause.UNAVAILABLE, Cause.SERVER_ERROR, Cause.CONNECT_ERROR})

# Failures of one key of ours: another one at the same endpoint may do.
_OF_THE_KEY = frozenset({Cause.RATE_LIMIT, Cause.CREDENTIALS_REJECTED, Cause.BILLING})


@dataclass(frozen=True, slots=True)
class Leg:
    """An attempt in flight: being funded, or live."""

    candidate: int
    live: bool = False


@dataclass(slots=True)
class Run:
    """One Turn's decisions. Call ``begin`` once, then ``on`` for everything that happens; perform what comes back."""

    terms: Terms
    phase: Phase = Phase.SEEK
    legs: dict[int, Leg] = field(default_factory=dict)
    winner: int | None = None
    ending: Ending | None = None
    audience: bool = True
    head: bool = False
    shown: bool = False
    said: bool = False  # the journal holds answer text
    stitched: bool = False
    hedged: bool = False
    finished: bool = False
    settling: bool = False
    draining: bool = False
    sleeping_until: float | None = None
    waited_s: float = 0.0
    legs_made: int = 0
    repairs_left: int = limits.REPAIRS_PER_TURN
    salvage: int | None = None
    last_failure: Failure | None = None
    fresh: list[int] = field(default_factory=list)  # candidates nobody asked yet, best first
    again: dict[int, float] = field(default_factory=dict)  # asked once, may be asked once more at that time
    asked_again: set[int] = field(default_factory=set)

    def begin(self, now: float) -> list[Action]:
        """The first actions of a Turn."""
        self.fresh = list(range(len(self.terms.options)))
        out: list[Action] = []
        if self.terms.stream:
            out.append(SetTimer("head", now + self.terms.head_after_s))
        if self.terms.deadline is not None:
            out.append(SetTimer("deadline", self.terms.deadline))
        return out + self._next(now)

    def on(self, event: Event, now: float) -> list[Action]:
        """What follows from ``event``. Events of legs that are not live, and everything once ENDED, change nothing."""
        if self.phase is Phase.ENDED:
            return []
        match event:
            case Funded(leg):
                return self._funded(leg, now)
            case Unfunded(leg, why):
                return self._unfunded(leg, why, now)
            case Useful(leg, text):
                return self._useful(leg, text=text) if self._is_live(leg) else []
            case Finished(leg):
                return self._finished(leg, now) if self._is_live(leg) else []
            case UsageFinal(leg):
                return self._usage_final(leg) if self._is_live(leg) else []
            case LegFailed(leg):
                return self._leg_failed(event, now) if self._is_live(leg) else []
            case HedgeDue():
                return self._hedge(now)
            case FundingLate():
                return self._funding_late()
            case HeadDue():
                return self._send_head() if self.phase is Phase.SEEK else []
            case DeadlineHit():
                return self._deadline_hit()
            case Wake():
                return self._wake(now)
            case SleepRefused():
                return self._give_up() if self._slept() else []
            case GraceOver():
                return self._grace_over()
            case LingerOver():
                return self._hang_up(now) if not self.audience else []
            case DrainOver():
                return self._drain_over("client")
            case AudienceGone(may_linger):
                return self._audience_gone(now, may_linger=may_linger)
            case AudienceJoined():
                return self._audience_joined()
            case Settled():
                return self._settled()
            case Stop():
                return self._drain_over("stop") or self._leave("stopped", "stop")
            case _:  # pragma: no cover
                assert_never(event)

    # ---- asking -----------------------------------------------------------------------------------------------------
    def _next(self, now: float) -> list[Action]:
        """The first candidate that is free; else the nearest that fits the deadline and the waits; else give up."""
        if self.legs_made < limits.ATTEMPTS_PER_TURN:
            free = [n for n in self.fresh if self.terms.options[n].not_before <= now]
            if free:
                self.fresh.remove(free[0])
                return [self._fund(free[0])]
            waiting = [(self.terms.options[n].not_before, n) for n in self.fresh]
            waiting += [(at, n) for n, at in self.again.items()]
            if waiting:
                until, candidate = min(waiting)
                if until <= now:
                    return [self._fund(self._take(candidate))]
                if self._may_sleep(now, until):
                    self.sleeping_until, self.waited_s = until, self.waited_s + until - now
                    return [Sleep(until)]
                if len(self.fresh) == len(self.terms.options):
                    # Nobody was asked yet and every cooldown is long: asking the least bad tells the true error.
                    return [self._fund(self._take(candidate))]
        return self._give_up()

    def _take(self, candidate: int) -> int:
        if candidate in self.fresh:
            self.fresh.remove(candidate)
        else:
            del self.again[candidate]
            self.asked_again.add(candidate)
        return candidate

    def _may_sleep(self, now: float, until: float) -> bool:
        in_time = self.terms.deadline is None or until < self.terms.deadline or self.shown
        return in_time and self.waited_s + until - now <= limits.SLEEP_S

    def _fund(self, candidate: int, repair: Failure | None = None, *, hedge: bool = False) -> Fund:
        self.legs_made += 1
        self.legs[self.legs_made] = Leg(candidate)
        return Fund(self.legs_made, candidate, repair, hedge)

    def _funded(self, leg: int, now: float) -> list[Action]:
        held = self.legs.get(leg)
        if held is None or held.live:
            return []
        self.legs[leg] = Leg(held.candidate, live=True)
        out: list[Action] = [Start(leg, stitched=self.stitched)]
        hedge_after_s = self.terms.options[held.candidate].hedge_after_s
        if hedge_after_s is not None and not self.hedged and not self.stitched:
            out.append(SetTimer("hedge", now + hedge_after_s))
        return out

    def _unfunded(self, leg: int, why: Failure, now: float) -> list[Action]:
        if self._is_live(leg) or self.legs.pop(leg, None) is None:
            return []
        self.last_failure = self.last_failure or why
        return [] if self.legs else self._next(now)

    @property
    def hedge(self) -> int | None:
        """The option that may be asked beside the one that is silent now: the next one, where the plan allows it."""
        if self.phase is not Phase.SEEK or self.hedged or self.stitched or len(self.legs) != 1:
            return None
        (first,) = self.legs.values()
        allowed = first.live and self.terms.options[first.candidate].hedge_after_s is not None
        second = first.candidate + 1
        left = second in self.fresh and self.legs_made < limits.ATTEMPTS_PER_TURN
        return second if allowed and left else None

    def _hedge(self, now: float) -> list[Action]:
        second = self.hedge
        if second is None:
            return []
        self.hedged = True
        self.fresh.remove(second)
        return [self._fund(second, hedge=True), SetTimer("funding", now + limits.HEDGE_FUNDING_S)]

    def _funding_late(self) -> list[Action]:
        """Let go of a second leg that still waits for money. Without the first one it is not the second any more."""
        if any(leg.live for leg in self.legs.values()):
            for n in [n for n, leg in self.legs.items() if not leg.live]:
                self.fresh.insert(0, self.legs.pop(n).candidate)
        return []

    def _slept(self) -> bool:
        slept = self.sleeping_until is not None
        self.sleeping_until = None
        return slept

    def _wake(self, now: float) -> list[Action]:
        return self._next(now) if self._slept() else []

    # ---- answering --------------------------------------------------------------------------------------------------
    def _is_live(self, leg: int) -> bool:
        held = self.legs.get(leg)
        return held is not None and held.live

    def _useful(self, leg: int, *, text: bool) -> list[Action]:
        if self.draining:
            self.winner = self.winner or leg
            return []
        out: list[Action] = []
        if self.phase is Phase.SEEK:
            self.phase, self.winner = Phase.ANSWER, leg
            out += self._cancel_all("hedge", but=leg)
            out += self._send_head()
            out.append(Release(leg))
        if text and self.terms.stream and not self.stitched:
            self.said = True
            self.shown = self.audience
        return out

    def _finished(self, leg: int, now: float) -> list[Action]:
        if self.draining:
            self.winner = self.winner or leg
            return [SetTimer("drain", now + limits.USAGE_GRACE_S)]
        if self.finished:
            return []
        out = self._useful(leg, text=False) if self.phase is Phase.SEEK else []
        self.phase, self.ending, self.finished = Phase.CLOSE, "served", True
        return [*out, SetTimer("grace", now + limits.USAGE_GRACE_S)]

    def _leg_failed(self, event: LegFailed, now: float) -> list[Action]:
        candidate = self.legs.pop(event.leg).candidate
        failure = event.failure
        if self.finished:
            return self._settle()
        if self.draining:
            return [] if self.legs else self._settle()
        self.last_failure = failure
        if event.salvage and self.salvage is None:
            self.salvage = event.leg
        if self.phase is Phase.SEEK and self.legs:
            return []  # the other one may still answer, whatever this one thinks of the request
        if not failure.cause.elsewhere:
            return self._give_up()
        if self.phase is Phase.ANSWER and self.shown and not self.terms.tools:
            return self._give_up()
        self.phase, self.winner = Phase.SEEK, None
        self.stitched = self.stitched or self.shown
        self.said = self.said and self.stitched
        if failure.fix is not None and self.repairs_left and self.legs_made < limits.ATTEMPTS_PER_TURN:
            self.repairs_left -= 1
            return [self._fund(candidate, failure)]
        if event.same == "now" and failure.cause in _OF_THE_KEY and self._spares_one():
            return [self._fund(candidate)]
        self._remember(candidate, event, now)
        return self._next(now)

    def _spares_one(self) -> bool:
        """Whether an attempt can be spent without taking the last one from an endpoint that was not asked yet."""
        return self.legs_made + bool(self.fresh) < limits.ATTEMPTS_PER_TURN

    def _remember(self, candidate: int, event: LegFailed, now: float) -> None:
        """Keep what the failure says about whom to ask later: smaller windows never, the same endpoint once more."""
        failure = event.failure
        if failure.cause is Cause.CONTEXT_OVERFLOW:
            window = self.terms.options[candidate].context_tokens
            self.fresh = [n for n in self.fresh if self.terms.options[n].context_tokens > window]
        elif failure.cause in _PASSING and event.same != "never" and candidate not in self.asked_again:
            pause_s = _PAUSE_S if failure.cause in _REFUSALS else 0.0
            self.again[candidate] = now + (pause_s if failure.retry_after_s is None else failure.retry_after_s)

    # ---- the reader -------------------------------------------------------------------------------------------------
    def _send_head(self) -> list[Action]:
        if self.head or not self.audience or not self.terms.stream:
            return []
        self.head = True
        return [SendHead()]

    def _audience_gone(self, now: float, *, may_linger: bool) -> list[Action]:
        if not self.audience:
            return []
        adoptable = may_linger and (self.terms.tools or not self.shown)
        self.audience = self.head = self.shown = False
        if self.phase is Phase.CLOSE:
            return []
        return [SetTimer("linger", now + limits.LINGER_S)] if adoptable else self._hang_up(now)

    def _audience_joined(self) -> list[Action]:
        if self.audience:
            return []
        self.audience = True
        if (self.phase is Phase.SEEK and not self.stitched) or self.ending not in {None, "served"}:
            return []
        out = self._send_head()
        self.shown = self.said
        return [*out, Replay()] if out else []

    # ---- ending -----------------------------------------------------------------------------------------------------
    def _cancel_all(self, by: CancelledBy, but: int | None = None) -> list[Action]:
        gone = [n for n in self.legs if n != but]
        started = [n for n in gone if self.legs[n].live]
        for n in gone:
            del self.legs[n]
        return [Cancel(n, by) for n in started]

    def _deadline_hit(self) -> list[Action]:
        waiting = self.phase is Phase.SEEK or (self.phase is Phase.ANSWER and not self.terms.stream)
        if not waiting or self.shown or self.stitched:
            return []
        return self._leave("timed_out", "deadline")

    def _leave(self, ending: Ending, by: CancelledBy) -> list[Action]:
        if self.phase is Phase.CLOSE:
            return []
        self.phase, self.ending, self.sleeping_until = Phase.CLOSE, ending, None
        self.winner = None if ending == "timed_out" else self.winner
        return self._cancel_all(by) + self._settle()

    def _hang_up(self, now: float) -> list[Action]:
        """Nobody will read this. What is billed to its end anyway is read to its end, everything else is closed."""
        drained = {n: leg for n, leg in self.legs.items() if leg.live and self.terms.options[leg.candidate].bills_on}
        if self.phase is Phase.CLOSE or not drained:
            return self._leave("abandoned", "client")
        self.phase, self.ending, self.draining = Phase.CLOSE, "abandoned", True
        gone = [Cancel(n, "client") for n, leg in self.legs.items() if leg.live and n not in drained]
        self.legs = drained
        return [*gone, Drain(), SetTimer("drain", now + limits.DRAIN_S)]

    def _usage_final(self, leg: int) -> list[Action]:
        if self.draining:
            del self.legs[leg]
            return [] if self.legs else self._settle()
        return self._settle() if self.finished else []

    def _drain_over(self, by: CancelledBy) -> list[Action]:
        return self._cancel_all(by) + self._settle() if self.draining and not self.settling else []

    def _give_up(self) -> list[Action]:
        """Nobody is left. What a broken leg had completed is still an answer."""
        self.phase = Phase.CLOSE
        self.ending, self.winner = ("failed", None) if self.salvage is None else ("served", self.salvage)
        return self._settle()

    def _grace_over(self) -> list[Action]:
        return self._cancel_all("stop") + self._settle() if self.finished and not self.settling else []

    def _settle(self) -> list[Action]:
        if self.settling or self.ending is None:
            return []
        self.settling = True
        return [Settle(self.ending, self.winner)]

    def _settled(self) -> list[Action]:
        if not self.settling or self.ending is None:
            return []
        self.phase = Phase.ENDED
        self.legs.clear()  # the winner may still read the few bytes after its finish; nobody waits for them
        return [End(self.ending)]
