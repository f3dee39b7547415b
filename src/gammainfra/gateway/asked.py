"""One question, with everything that was decided about it before anybody was asked. It outlives the socket.

The body is kept until the tail has left, because a second provider may have to be asked and an SDK may ask the same
again. The hub is built at most once, and only when some provider speaks another dialect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gammainfra.domain import limits
from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.failure import Failure, Fix
from gammainfra.domain.options import Options
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import Caller
from gammainfra.domain.session import SessionView
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.gateway.idempotency import Mark
from gammainfra.providers.provider import Provider
from gammainfra.routing import run
from gammainfra.wire.dialect import ClientDialect


@dataclass(slots=True)
class Asked:
    """``at`` is epoch seconds of arrival, ``began`` the same moment in monotonic seconds."""

    id: str
    raw: bytes
    dialect: ClientDialect
    sketch: Sketch
    options: Options
    caller: Caller
    client: str
    session: SessionView
    plan: Plan
    at: float
    began: float
    read_s: float = 0.0  # of that, how long the body took to arrive
    betas: str = ""  # the client's `anthropic-beta` header
    mark: Mark | None = None  # of its Idempotency-Key
    _hub: ChatRequest | None = None

    def write(
        self, provider: Provider, endpoint: Endpoint, repair: Failure | None, most_tokens: int | None = None
    ) -> Written:
        """The request as ``endpoint`` wants it; ``repair`` is the failure that this writing must avoid.

        ``most_tokens`` is what each answer may be long when less is paid for than was asked.
        """
        target = replace(provider.target(endpoint, stream=self.sketch.stream), betas=self.betas)
        target = _repaired(target, repair)
        if most_tokens is not None:
            target = replace(target, clamp_max_tokens=most_tokens)
        if target.dialect == self.sketch.dialect:
            copied = provider.dialect.copy_request(self.raw, self.sketch, target)
            if copied is not None:
                return copied
        if self._hub is None:
            self._hub = self.dialect.read_request(self.raw)
        return provider.dialect.write_request(self._hub, target)

    def forget_hub(self) -> None:
        """Nobody will be asked any more: only the body is kept, for the same question again."""
        self._hub = None

    def terms(self, head_after_s: float, bills_on: Callable[[str], bool]) -> run.Terms:
        """What the Run must know of it. A short latency deadline is answered by status, never by an early head.

        ``bills_on`` says of a provider whether it bills to the end what is hung up on.
        """
        plan = self.plan
        deadline_s = None if plan.deadline is None else plan.deadline - self.began
        if deadline_s is not None and deadline_s <= limits.HEAD_AFTER_CAP_S:
            head_after_s = max(head_after_s, deadline_s + 1.0)  # never at the same moment
        return run.Terms(
            tuple(
                run.Option(
                    one.not_before,
                    one.endpoint.model.capabilities.context_tokens,
                    one.hedge_after_s,
                    bills_on(one.endpoint.provider),
                )
                for one in plan.candidates
            ),
            stream=self.sketch.stream,
            tools=self.sketch.n_tools > 0,
            deadline=plan.deadline,
            head_after_s=head_after_s,
        )


def _repaired(target: Target, repair: Failure | None) -> Target:
    if repair is None:
        return target
    if repair.fix is Fix.DROP_THINKING:
        return replace(target, drop_thinking=True)
    return replace(target, drop=target.drop | {repair.parameter or ""})
