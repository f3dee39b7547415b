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
from gammainfra.domain.failure import Cause, Failure, Fault, Refused
from gammainfra.domain.stream import StreamEvent
from gammainfra.domain.target import Written
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.means import Means
from gammainfra.routing import run
from gammainfra.upstream.exchange import Admitted, ExchangeFailed, Reading
from gammainfra.wire.answer import Speech

_OK = range(200, 300)


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
    """Attempt ``number`` of a Turn, at ``endpoint``. Made when it is funded, running from ``start`` on."""

    def __init__(
        self,
        number: int,
        endpoint: Endpoint,
        asked: Asked,
        means: Means,
        turn: Listener,
        *,
        repair: Failure | None = None,
    ) -> None:
        self.number = number
        self.endpoint = endpoint
        self.host = means.hosts[endpoint.provider]
        self.speech = Speech(asked.sketch.n)
        self.written: Written | None = None
        self.outcome: Outcome | None = None
        self.status: int | None = None
        self.upstream_request_id: str | None = None
        self.key_id = ""
        self.started_at: float | None = None
        self.first_token_at: float | None = None
        self.ended_at: float | None = None
        self.task: asyncio.Task[None] | None = None
        self._repair = repair
        self._asked = asked
        self._means = means
        self._turn = turn
        self._useful = self._texted = self._finished = self._counted = False
        self._due = 0.0
        self._watch: asyncio.TimerHandle | None = None

    # ---- its life ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Ask the provider."""
        self.started_at = self._means.clock.now()
        self.task = asyncio.get_running_loop().create_task(self._live(), name=f"{self._asked.id}/{self.number}")
        self.task.add_done_callback(self._note_defect)

    def cancel(self, by: CancelledBy) -> None:
        """Close the upstream now. An attempt that has given its answer stays served."""
        if self.outcome is None and not self._finished:
            self.outcome = Cancelled(by)
        self.ended_at = self.ended_at or self._means.clock.now()
        if self.task is not None:
            self.task.cancel()

    def serve(self) -> None:
        """It is the one whose answer the reader gets."""
        self.outcome = Served()
        self.ended_at = self.ended_at or self._means.clock.now()
        ttft_ms = None if self.first_token_at is None else (self.first_token_at - (self.started_at or 0.0)) * 1000
        self._means.health.served(self.endpoint.name, self.key_id, ttft_ms=ttft_ms)

    def absorb(self) -> None:
        """A later attempt recovered its failure."""
        if isinstance(self.outcome, LegFailed):
            self.outcome = Absorbed(self.outcome.failure)

    async def _live(self) -> None:
        try:
            await self._exchange()
        except ExchangeFailed as error:
            self._fail(Failure(error.cause, str(error)))
        except Refused as refused:
            self._fail(Failure(Cause.INVALID_REQUEST, refused.message, parameter=refused.param))
        finally:
            if self._watch is not None:
                self._watch.cancel()

    def _note_defect(self, task: asyncio.Task[None]) -> None:
        """A mistake in our own code ended the task: the Turn outlives it."""
        defect = None if task.cancelled() else task.exception()
        if defect is not None:
            self._means.observer.defect(self._asked.id, defect)
            self._fail(Failure(Cause.INTERNAL, "the gateway failed while it asked this provider"))

    async def _exchange(self) -> None:
        now = self._means.clock.now()
        provider = self.host.provider
        self.written = self._asked.write(provider, self.endpoint, self._repair)
        self.speech.names = {sent: shown for shown, sent in self.written.tool_names}
        self.key_id = self._means.health.free_key(self.endpoint.name, self.host.key_ids, now)
        key = self.host.key(self.key_id)
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if self._asked.sketch.stream else "application/json",
            "accept-encoding": "identity",
            "user-agent": "gammainfra",
            **provider.headers,
            **provider.auth(key.secret.reveal()),
            **self.written.headers,
        }
        self._wait_until(now + self._patience_s(now))
        async with self._means.upstream.exchange(
            Admitted(provider.name, self.host.url, headers, self.written.body)
        ) as reading:
            self.written = replace(self.written, body=b"")  # it has left, and it is as large as the question
            self.status = reading.status
            self.upstream_request_id = reading.headers.get("x-request-id") or reading.headers.get("request-id")
            if reading.status in _OK:
                await self._listen(reading)
            else:
                body = await _read_some(reading, limits.ERROR_BODY_BYTES)
                self._fail(provider.read_error(reading.status, reading.headers, body))

    async def _listen(self, reading: Reading) -> None:
        streamed = _is_event_stream(reading.headers)
        decoder = self.host.provider.dialect.decoder(streamed=streamed)
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
        for event in events:
            speech.take(event)
        if self._finished:
            self._count()
            return
        now = self._means.clock.now()
        failure = None if speech.is_late else speech.failure
        flaw = speech.flaw() if failure is None and speech.finished else None
        if failure is not None:
            self._fail(failure)
        elif flaw is not None:
            self._fail(flaw, salvage=True)
        elif speech.useful or speech.finished:
            self._say(now)

    def _say(self, now: float) -> None:
        """What was heard may be told. Words that came together with their failure never are."""
        if self.speech.useful:
            self._tell_useful(now)
            self._turn.flow(self)
        if self.speech.finished:
            self._finish(now)
        else:
            self._wait_until(now + limits.GAP_S)

    def _tell_useful(self, now: float) -> None:
        if self.first_token_at is None:
            self.first_token_at = now
        text = self.speech.has_text
        if not self._useful or (text and not self._texted):
            self._useful, self._texted = True, text
            self._turn.tell(run.Useful(self.number, text=text))

    def _finish(self, now: float) -> None:
        self._finished = True
        self._wait_until(now + limits.USAGE_GRACE_S)
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
        if failure.cause.fault is Fault.PROVIDER:
            self._means.health.failed(self.endpoint.name, self.key_id, self.host.key_ids, failure, now)
        salvage = salvage or self.speech.has_complete_calls()
        self._turn.tell(run.LegFailed(self.number, failure, salvage=salvage))

    def _count_as_is(self) -> None:
        """The connection ended after the finish: the answer stands, its token counts are what is known."""
        if not self._counted:
            self._counted = True
            self._turn.tell(run.UsageFinal(self.number))

    # ---- its patience -----------------------------------------------------------------------------------------------
    def _patience_s(self, now: float) -> float:
        """How long the first token may take; a whole answer may take as long as it is long."""
        asked = self._asked
        if not asked.sketch.stream:
            tokens = asked.sketch.max_tokens or limits.WHOLE_ANSWER_TOKENS
            patience_s = min(limits.TOTAL_S, limits.FIRST_TOKEN_MAX_S + 3 * tokens / self.endpoint.tokens_per_s)
        elif self.endpoint.model.capabilities.thinking == "effort":
            patience_s = limits.FIRST_TOKEN_MAX_S  # it thinks in silence
        else:
            measured_ms = self._means.health.snapshot().of(self.endpoint.name).ttft_ms or 0.0
            grown = 1 + asked.sketch.n_bytes / (100 * limits.KIB)
            usual_s = max(measured_ms, self.endpoint.ttft_ms) / 1000 * grown
            patience_s = min(max(3 * usual_s, limits.FIRST_TOKEN_MIN_S), limits.FIRST_TOKEN_MAX_S)
        if asked.plan.deadline is None:
            return patience_s
        left_s = max(asked.plan.deadline - now, 0.0)
        more = self.number < len(asked.plan.candidates)
        return min(patience_s, left_s * (0.6 if more else 1.0))

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
            failure = Failure(Cause.STALL, f"nothing came for {limits.GAP_S:g} s")
        else:
            failure = Failure(Cause.FIRST_TOKEN_TIMEOUT, "no first token in time")
        self._fail(failure)
        if self.task is not None:
            self.task.cancel()


def _is_event_stream(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith("text/event-stream")


async def _read_some(reading: Reading, most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (chunk := await reading.read()):
        pieces.append(chunk[:most])
        most -= len(chunk)
    return b"".join(pieces)
