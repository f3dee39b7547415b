"""How a Turn is paid for: money held before a provider is asked, more while it answers, one settle at the end.

It decides how much is held for whom and waits for the books, never longer than named; whose money it is and what is
posted, ``billing`` decides. Hanging up changes nothing here: the Turn settles, whoever listens. ``Free`` is the same
where nothing is charged: it never waits and starts no task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Protocol

from gammainfra.billing import ceiling, posting
from gammainfra.billing.budgets import key_caps, session_cap, tightest
from gammainfra.billing.purse import credit_purse
from gammainfra.billing.who_pays import case_of, payer_of
from gammainfra.domain import limits
from gammainfra.domain.attempt import Cancelled, LegFailed
from gammainfra.domain.bill import Bill
from gammainfra.domain.failure import Failure
from gammainfra.domain.ledger import Order, Outcome, Post, Posted, Reserve, Reserved, Short
from gammainfra.domain.money import Charge
from gammainfra.domain.plan import Dropped
from gammainfra.domain.ports import LedgerDown
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.attempt import Attempt, Listener
from gammainfra.gateway.billing import Billing
from gammainfra.gateway.settle import Settlement, charge_of, usage_of
from gammainfra.gateway.unfunded import SLOW, no_credit, unaffordable
from gammainfra.routing import run

_CHARS_PER_TOKEN = 3  # few, so that an answer is longer by this count than by the provider's
_EXTEND_AT_PERCENT = 80
Done = Callable[[Settlement], None]


class Funding(Protocol):
    """What a Turn knows of money."""

    def fund(self, attempt: Attempt) -> None:
        """Hold money for it; the Turn is told Funded or Unfunded, at once or later."""
        ...

    def grown(self, attempt: Attempt) -> None:
        """Its answer has grown."""
        ...

    def settle(self, settlement: Settlement, done: Done) -> None:
        """Write the bill; ``done`` is called with the bill as it is, at once or later."""
        ...


class Free:
    """Nothing is charged."""

    def __init__(self, turn: Listener) -> None:
        self._turn = turn

    def fund(self, attempt: Attempt) -> None:
        """At once."""
        self._turn.tell(run.Funded(attempt.number))

    def grown(self, attempt: Attempt) -> None:
        """It may."""

    def settle(self, settlement: Settlement, done: Done) -> None:
        """At once."""
        done(settlement)


class Credit:
    """One Turn, paid from its caller's credit."""

    def __init__(
        self, asked: Asked, billing: Billing, turn: Listener, defect: Callable[[str, BaseException], None]
    ) -> None:
        self._asked = asked
        self._billing = billing
        self._turn = turn
        self._defect = defect
        self._held_nano = 0
        self._ordered = False  # a hold may be in the books, whether we heard of it or not
        self._slow = False
        self._needs: dict[int, ceiling.Ceiling] = {}  # by attempt
        self._legs: dict[int, Attempt] = {}
        self._tokens: dict[int, int] = {}  # of output, that are paid for
        self._extending = False
        self._ended: Short | None = None  # credit is over while the answer is not
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- before -----------------------------------------------------------------------------------------------------
    def fund(self, attempt: Attempt) -> None:
        """Hold what this candidate may cost, beside what others under way may."""
        need = self._needs[attempt.number] = self._need(attempt)
        beside_nano = sum(
            self._needs[one.number].want_nano
            for one in self._legs.values()
            if one.started_at is not None and one.ended_at is None
        )
        self._legs[attempt.number] = attempt
        if self._slow:
            self._refuse(attempt, SLOW)
        elif self._held_nano >= beside_nano + need.want_nano and self._ordered:
            self._allow(attempt, need.want_nano)
        else:
            self._begin(self._hold(attempt, need, beside_nano), "hold")

    def _need(self, attempt: Attempt) -> ceiling.Ceiling:
        asked, model = self._asked, attempt.endpoint.model
        price = attempt.endpoint.price
        if price is None:
            return ceiling.Ceiling(0, 0, 0, 0)  # the plan drops endpoints without a price: there is nothing to hold
        sketch = asked.sketch
        unseen = not sketch.stream or model.capabilities.thinking == "effort"  # grows where nobody can watch it
        usual = model.capabilities.max_output_tokens if unseen else None
        usual = usual or self._billing.lengths.usual(asked.caller.key.id, model.id)
        return ceiling.ceiling(
            price,
            input_tokens=sketch.input_tokens_bound,
            tokens=ceiling.answer_tokens(sketch.max_tokens, model.capabilities.max_output_tokens, usual),
            answers=sketch.n,
            hour_cache=sketch.cache_marks > 0,
        )

    async def _hold(self, attempt: Attempt, need: ceiling.Ceiling, beside_nano: int) -> None:
        order = self._order(beside_nano + need.want_nano, beside_nano + need.least_nano, overdraft=False)
        outcome = await self._carried_out(order)
        match outcome:
            case Reserved(cost_nano):
                self._held_nano = max(self._held_nano, cost_nano)
                self._allow(attempt, cost_nano - beside_nano)
            case Short():
                self._refuse(attempt, no_credit(outcome))
            case _:
                self._slow = True
                self._refuse(attempt, SLOW)

    def _order(self, want_nano: int, least_nano: int, *, overdraft: bool) -> Reserve:
        asked, key, at = self._asked, self._asked.caller.key, self._asked.at
        session = asked.session
        most_nano = tightest(asked.options.max_session_nano, key.limits.session_nano)
        caps = session_cap(key.account_id, session.name.id, most_nano, session.cost_nano, at)
        return Reserve(
            request_id=asked.id,
            purse=credit_purse(key.account_id, self._billing.trial, at, overdraft=overdraft),
            caps=key_caps(key.id, key.limits, at) + caps,
            want_nano=want_nano,
            least_nano=least_nano,
            at=at,
            expires_at=at + limits.HOLD_S,
            node=self._billing.node,
        )

    def _allow(self, attempt: Attempt, nano: int) -> None:
        need, price = self._needs[attempt.number], attempt.endpoint.price
        tokens = need.tokens if price is None else ceiling.tokens_for(price, nano, need)
        self._tokens[attempt.number] = tokens
        if tokens < need.tokens:
            attempt.most_tokens = tokens // self._asked.sketch.n
        self._turn.tell(run.Funded(attempt.number))

    def _refuse(self, attempt: Attempt, failure: Failure) -> None:
        attempt.outcome = LegFailed(failure)
        plan = self._asked.plan
        dropped = Dropped(attempt.endpoint.name, failure.cause.value)
        self._asked.plan = replace(plan, dropped=(*plan.dropped, dropped))
        self._turn.tell(run.Unfunded(attempt.number, failure))

    # ---- while it answers -------------------------------------------------------------------------------------------
    def grown(self, attempt: Attempt) -> None:
        """Hold more before what is held is used up; when there is no more, the answer ends there."""
        said = attempt.speech.n_chars // _CHARS_PER_TOKEN
        tokens = self._tokens.get(attempt.number, 0)
        if said * 100 < tokens * _EXTEND_AT_PERCENT:
            return
        if self._ended is not None:
            if said >= tokens:
                asyncio.get_running_loop().call_soon(attempt.stop_short)
        elif not self._extending and attempt.endpoint.price is not None:
            self._extending = True
            step_nano = ceiling.more_nano(attempt.endpoint.price, limits.EXTENSION_TOKENS)
            self._begin(self._extend(attempt, step_nano), "extend")

    async def _extend(self, attempt: Attempt, step_nano: int) -> None:
        order = self._order(self._held_nano + step_nano, self._held_nano + 1, overdraft=True)
        outcome = await self._carried_out(order)
        self._extending = False
        if isinstance(outcome, Reserved):
            more_nano = outcome.cost_nano - self._held_nano
            self._held_nano = outcome.cost_nano
            self._tokens[attempt.number] += max(limits.EXTENSION_TOKENS * more_nano // step_nano, 1)
        elif isinstance(outcome, Short):
            self._ended = outcome
            self.grown(attempt)

    # ---- after ------------------------------------------------------------------------------------------------------
    def settle(self, settlement: Settlement, done: Done) -> None:
        """Post who pays what. Without any hold there is nothing to post."""
        parts = self._parts(settlement)
        bill = self._bill(settlement, parts)
        if settlement.winner is not None and settlement.ending == "served" and not bill.usage.estimated:
            model_id = settlement.winner.endpoint.model.id
            self._billing.lengths.note(self._asked.caller.key.id, model_id, bill.usage.completion_tokens)
        if not self._ordered:
            done(replace(settlement, bill=bill))
            return
        used = [usage_of(one, self._asked).estimated for one in settlement.attempts]
        at = self._asked.at + settlement.at - self._asked.began
        order = posting.settle(self._asked.id, parts, self._billing.fees, at=at, estimated=any(used))
        self._begin(self._post(order, replace(settlement, bill=bill), done), "settle")

    async def _post(self, order: Post, settlement: Settlement, done: Done) -> None:
        """Wait for the books a moment: longer, and the answer ends while the settle goes on."""
        bill = settlement.bill
        posting_it = asyncio.ensure_future(self._billing.ledger.put(order))
        try:
            outcome = await asyncio.wait_for(asyncio.shield(posting_it), limits.SETTLE_WAIT_S)
        except TimeoutError:
            done(replace(settlement, bill=replace(bill, settled=False)))
        except LedgerDown as down:
            done(replace(settlement, bill=replace(bill, settled=False)))
            self._defect(self._asked.id, down)
            return
        else:
            balances = outcome.balances if isinstance(outcome, Posted) else ()
            left_nano = sum(balance.posted_nano for balance in balances) if balances else None
            done(replace(settlement, bill=replace(bill, balance_nano=left_nano)))
            return
        try:
            await posting_it
        except LedgerDown as down:
            self._defect(self._asked.id, down)

    def _parts(self, settlement: Settlement) -> list[posting.Part]:
        asked, parts = self._asked, []
        key = asked.caller.key
        purse = credit_purse(key.account_id, self._billing.trial, asked.at, overdraft=True)
        for one in settlement.attempts:
            if one.started_at is None:
                continue
            winner = one is settlement.winner
            charge = charge_of(one, usage_of(one, asked))
            empty = winner and not (one.speech.has_text or one.speech.calls)
            outcome = one.outcome or Cancelled("client")
            case = case_of(outcome, winner=winner, ending=settlement.ending, empty=empty)
            cost_nano = 0 if charge is None else charge.total_nano
            parts.append(posting.Part(one.endpoint.provider, cost_nano, "credit", case, purse))
        return parts

    def _bill(self, settlement: Settlement, parts: Sequence[posting.Part]) -> Bill:
        """What its caller is shown: what its caller pays."""
        started = [one for one in settlement.attempts if one.started_at is not None]
        charge: Charge | None = Charge()
        for one, part in zip(started, parts, strict=True):
            if payer_of(part.mode, part.case) == "caller":
                charge = _sum(charge, charge_of(one, usage_of(one, self._asked)))
        notice = "" if self._ended is None else unaffordable(self._ended).message
        return replace(settlement.bill, charge=charge, absorbed_nano=0, notice=notice)

    # ---- waiting ----------------------------------------------------------------------------------------------------
    async def _carried_out(self, order: Order) -> Outcome | None:
        """The outcome of an order; None when the books are too slow. It may be carried out all the same."""
        self._ordered = True
        try:
            return await asyncio.wait_for(asyncio.shield(self._billing.ledger.put(order)), limits.HOLD_WAIT_S)
        except (TimeoutError, LedgerDown):
            return None

    def _begin(self, work: Coroutine[None, None, None], what: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"{self._asked.id}/{what}")
        self._tasks.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._defect(self._asked.id, error)


def funding_of(
    asked: Asked, billing: Billing | None, turn: Listener, defect: Callable[[str, BaseException], None]
) -> Funding:
    """How this Turn is paid for."""
    return Free(turn) if billing is None else Credit(asked, billing, turn, defect)


def _sum(one: Charge | None, other: Charge | None) -> Charge | None:
    if one is None or other is None:
        return None
    return Charge(
        one.input_nano + other.input_nano,
        one.cache_read_nano + other.cache_read_nano,
        one.cache_write_nano + other.cache_write_nano,
        one.output_nano + other.output_nano,
    )
