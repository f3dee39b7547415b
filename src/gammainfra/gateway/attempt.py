"""One exchange with one provider: writes the request, reads the answer, and tells the Turn what it means.

An Attempt is a task of its own, so two may run at once, and it feeds the Turn directly: there is no queue in between.
It watches its own silence. Whatever a provider sends, and whatever mistake is in our own code, becomes a Failure here:
the Turn is told and goes on to the next provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from gammainfra.domain import limits
from gammainfra.domain.attempt import Absorbed, Cancelled, CancelledBy, LegFailed, Outcome, Served
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.failure import Cause, Failure, Refused
from gammainfra.domain.stream import Finished, StreamEvent
from gammainfra.domain.target import Written
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.means import Means
from gammainfra.gateway.state.leases import Lease
from gammainfra.providers.provider import Unsent
from gammainfra.routing import run
from gammainfra.routing.health.patience import gap_s, patience, shape_of
from gammainfra.upstream.exchange import Admitted, ExchangeFailed, Reading
from gammainfra.wire.answer import Speech

_OK = range(200, 300)
_MEASURABLE_S = 0.2
_CHARS_PER_TOKEN = 4
_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


class Listener(Protocol):
    """The Turn, as its attempts know it."""

    def tell(self, event: run.Event) -> None:
        """Something happened."""
        ...

    def flow(self, attempt: Attempt) -> None:
        """More may stream."""
        ...

    async def room(self) -> None:
        """Wait while the reader is too slow."""
        ...


class Attempt:
    """An attempt that the Run ordered, at ``endpoint``. Made when it is funded, running from ``start`` on."""

    def __init__(
        self,
        order: run.Fund,
        endpoint: Endpoint,
        asked: Asked,
        means: Means,
        turn: Listener,
        *,
        again: bool = False,
    ) -> None:
        self.number = order.leg
        self.hedge = order.hedge  # asked beside another one that was silent
        self.endpoint = endpoint
        self.host = means.hosts[endpoint.provider]
        self._provider, self._url = self.host.speaking(endpoint)
        self.speech = Speech(asked.sketch.n)
        self.written: Written | None = None
        self.outcome: Outcome | None = None
        self.status: int | None = None
        self.upstream_request_id: str | None = None
        self.key_id = ""
        self.most_tokens: int | None = None  # of each answer, when not all that was asked for is paid
        self.started_at: float | None = None
        self.first_token_at: float | None = None
        self.ended_at: float | None = None
        self.task: asyncio.Task[None] | None = None
        self._repair = order.repair
        self._again = again
        self._lease: Lease | None = None
        self._hurried = False
        self._asked = asked
        self._means = means
        self._turn = turn
        self._useful = self._texted = self._finished = self._counted = False
        self._due = 0.0
        self._pauses = 0
        self._watch: asyncio.TimerHandle | None = None

    # ---- its life ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Ask the provider. The key is taken before anything else happens: a breaker lets one through, not two."""
        self.started_at = now = self._means.clock.now()
        lease = self._lease = self._means.health.lease(
            self.endpoint.name, self.host.key_ids, now,
            before=self._asked.session.key_id, scope=self.host.provider.limit_scope, again=self._again,
        )  # fmt: skip
        self.key_id = lease.key_id
        self.task = asyncio.get_running_loop().create_task(self._live(lease), name=f"{self._asked.id}/{self.number}")
        self.task.add_done_callback(self._ended)

    def cancel(self, by: CancelledBy) -> None:
        """Close the upstream now. An attempt that has given its answer stays served."""
        if self.outcome is None and not self._finished:
            self.outcome = Cancelled(by)
        self.ended_at = self.ended_at or self._means.clock.now()
        if by == "hedge" and self.first_token_at is None:
            self._note_first_token(self.ended_at)  # it would have needed at least so long
        if self.task is not None:
            self.task.cancel()

    def stop_short(self) -> None:
        """Nothing more is paid for: what was said is the answer, ended as by its length limit."""
        if self.outcome is not None or self._finished:
            return
        for choice in range(self._asked.sketch.n):
            self.speech.take(Finished("length", choice=choice))
        self._finish(self._means.clock.now())
        self._count_as_is()
        self.cancel("stop")

    def serve(self) -> None:
        """It is the one whose answer the reader gets."""
        self.outcome = Served()
        self.ended_at = self.ended_at or self._means.clock.now()

    def absorb(self) -> None:
        """A later attempt recovered its failure."""
        if isinstance(self.outcome, LegFailed):
            self.outcome = Absorbed(self.outcome.failure)

    async def _live(self, lease: Lease) -> None:
        try:
            await self._exchange(lease)
        except ExchangeFailed as error:
            self._fail(Failure(error.cause, str(error)))
        except Refused as refused:
            self._fail(Failure(Cause.INVALID_REQUEST, refused.message, parameter=refused.param))
        finally:
            if self._watch is not None:
                self._watch.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The end of the task, however it came. A mistake in our own code ends it too: the Turn outlives it."""
        if self._lease is not None:
            self._means.health.release(self._lease, self._means.clock.now())
        defect = None if task.cancelled() else task.exception()
        if defect is not None:
            self._means.observer.defect(self._asked.id, defect)
            self._fail(Failure(Cause.INTERNAL, "the gateway failed while it asked this provider"))

    async def _exchange(self, lease: Lease) -> None:
        await self._ask(lease)
        while (paused := self._pause()) is not None and self.outcome is None:
            self._pauses += 1
            self.speech.resume()
            await self._ask(lease, paused)

    def _pause(self) -> Finished | None:
        """The pause after which the provider is asked to go on with the same answer: one Turn, one bill."""
        may = self._provider.continues is not None and self._pauses < limits.PAUSES_PER_ATTEMPT
        return self.speech.paused if may else None

    def _write(self, paused: Finished | None) -> Written:
        written = self._asked.write(self._provider, self.endpoint, self._repair, self.most_tokens)
        continues = self._provider.continues
        if paused is None or continues is None:
            return written
        return replace(written, body=continues(written.body, self.speech.said, paused))

    async def _ask(self, lease: Lease, paused: Finished | None = None) -> None:
        now = self._means.clock.now()
        provider = self._provider
        self.written = self._write(paused)
        self.speech.names = {sent: shown for shown, sent in self.written.tool_names}
        key = self.host.key(self.key_id)
        self._wait_until(now + self._patience_s(lease, now))
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if self._asked.sketch.stream else "application/json",
            "accept-encoding": "identity",
            "user-agent": "gammainfra",
            **provider.headers,
            **self.written.headers,
        }
        url = self._url + self.written.path
        unsent = Unsent(await key.credential(), url, headers, self.written.body, self._means.clock.wall())
        headers |= provider.authenticate(unsent)
        async with self._means.upstream.exchange(Admitted(provider.name, url, headers, self.written.body)) as reading:
            self.written = replace(self.written, body=b"")  # it has left, and it is as large as the question
            self.status = reading.status
            self.upstream_request_id = provider.request_id(reading.headers)
            headroom = provider.headroom(reading.headers, self._means.clock.wall())
            self._means.health.heard(lease, headroom, self._means.clock.now())
            if reading.status in _OK:
                await self._listen(reading)
            else:
                body = await _read_some(reading, limits.ERROR_BODY_BYTES)
                self._fail(provider.read_error(reading.status, reading.headers, body))

    async def _listen(self, reading: Reading) -> None:
        streamed = _is_event_stream(reading.headers)
        decoder = self._provider.dialect.decoder(streamed=streamed)
        while self.outcome is None or self._finished:
            chunk = await reading.read()
            if not chunk:
                self._hear(decoder.eof())
                if self._finished:
                    self._count_as_is()
                return
            self._hear(decoder.feed(chunk))
            await self._turn.room()

    # ---- what it hears ----------------------------------------------------------------------------------------------
    def _hear(self, events: list[StreamEvent]) -> None:
        speech = self.speech
        before = speech.progress
        for event in events:
            speech.take(event)
        if self._finished:
            self._count()
            return
        if self._pause() is not None:
            self._tell_paused()
            return
        now = self._means.clock.now()
        failure = None if speech.is_late else speech.failure
        flaw = speech.flaw() if failure is None and speech.finished else None
        if failure is not None:
            self._fail(failure)
        elif flaw is not None:
            self._fail(flaw, salvage=True)
        elif speech.progress > before:
            self._say(now)  # pings and token counts say nothing: they never put the end of patience off

    def _say(self, now: float) -> None:
        """What was heard may be told. Words that came together with their failure never are."""
        if self.speech.useful:
            self._tell_useful(now)
            self._turn.flow(self)
        if self.speech.finished:
            self._finish(now)
        else:
            self._wait_until(now + self._gap_s())

    def _tell_paused(self) -> None:
        """What was said before a pause may stream; its finish is nobody's."""
        now = self._means.clock.now()
        if self.speech.useful:
            self._tell_useful(now)
            self._turn.flow(self)
        self._wait_until(now + self._gap_s())

    def _tell_useful(self, now: float) -> None:
        if self.first_token_at is None:
            self.first_token_at = now
            self._note_first_token(now)
        text = self.speech.has_text
        if not self._useful or (text and not self._texted):
            self._useful, self._texted = True, text
            self._turn.tell(run.Useful(self.number, text=text))

    def _note_first_token(self, now: float) -> None:
        """Only streams begin before they end."""
        if self._lease is not None and self._asked.sketch.stream:
            ttft_ms = (now - (self.started_at or now)) * 1000
            shape = shape_of(self._asked.sketch, self.endpoint)
            self._means.health.first_token(self._lease, shape, ttft_ms, now)

    def _finish(self, now: float) -> None:
        self._finished = True
        self._wait_until(now + limits.USAGE_GRACE_S)
        if self._lease is not None:
            self._means.health.served(self._lease, self._tokens_per_s(now), now)
            self._means.health.release(self._lease, now)
        self._turn.tell(run.Finished(self.number))
        self._count()

    def _count(self) -> None:
        over = self.speech.usage_final or self.speech.failure is not None
        if over and not self._counted:
            self._counted = True
            self._turn.tell(run.UsageFinal(self.number))

    def _fail(self, failure: Failure, *, salvage: bool = False) -> None:
        if self._finished:
            self._count_as_is()
            return
        if self.outcome is not None:
            return
        now = self._means.clock.now()
        failure = replace(failure, message=self.host.hide_keys(failure.message))
        self.outcome, self.ended_at = LegFailed(failure), now
        same: run.SameEndpoint = "later"
        if self._lease is not None:
            if not (self._hurried and failure.cause is Cause.FIRST_TOKEN_TIMEOUT):  # the caller's haste is no fault
                self._means.health.failed(self._lease, failure, now)
            same = self._means.health.same_endpoint(self._lease, now)
        salvage = salvage or self.speech.has_complete_calls()
        self._turn.tell(run.LegFailed(self.number, failure, salvage=salvage, same=same))

    def _count_as_is(self) -> None:
        """The connection ended after the finish: the answer stands, its token counts are what is known."""
        if not self._counted:
            self._counted = True
            self._turn.tell(run.UsageFinal(self.number))

    # ---- its patience -----------------------------------------------------------------------------------------------
    def _patience_s(self, lease: Lease, now: float) -> float:
        """How long the first token may take, within the caller's deadline."""
        sketch, plan = self._asked.sketch, self._asked.plan
        left_s = None if plan.deadline is None else plan.deadline - now
        measured = self._means.health.times_to_first_token(lease, shape_of(sketch, self.endpoint))
        allowed = patience(sketch, self.endpoint, measured, left_s, more=self.number < len(plan.candidates))
        self._hurried = allowed.hurried
        return allowed.first_token_s

    def _gap_s(self) -> float:
        return gap_s(self._asked.sketch, self.endpoint)

    def _tokens_per_s(self, now: float) -> float | None:
        """How fast the answer was written; None when it came as a whole or too little of it came after its start."""
        if not self._asked.sketch.stream or self.first_token_at is None or now - self.first_token_at < _MEASURABLE_S:
            return None
        return self.speech.n_chars / _CHARS_PER_TOKEN / (now - self.first_token_at)

    def _wait_until(self, due: float) -> None:
        """Be patient until ``due``. The one timer is moved only when it would come too late."""
        too_late = self._watch is None or due < self._due
        self._due = due
        if too_late:
            self._look()

    def _look(self) -> None:
        """See whether the silence is really too long."""
        if self._watch is not None:
            self._watch.cancel()
        now = self._means.clock.now()
        over = (self.started_at or now) + limits.TOTAL_S
        if now < min(self._due, over):
            delay_s = min(self._due, over) - now
            self._watch = asyncio.get_running_loop().call_later(delay_s, self._look)
            return
        if now >= over:
            failure = Failure(Cause.TOTAL_TIMEOUT, f"the answer took longer than {limits.TOTAL_S:g} s")
        elif self._useful:
            failure = Failure(Cause.STALL, f"nothing new came for {self._gap_s():g} s")
        else:
            failure = Failure(Cause.FIRST_TOKEN_TIMEOUT, "no first token in time")
        self._fail(failure)
        if self.task is not None:
            self.task.cancel()


def _is_event_stream(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith(_STREAMS)


async def _read_some(reading: Reading, most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (chunk := await reading.read()):
        pieces.append(chunk[:most])
        most -= len(chunk)
    return b"".join(pieces)
