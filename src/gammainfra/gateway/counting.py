"""Says how large a request is before it is asked: ``POST /v1/messages/count_tokens`` (C2).

Authenticated and admitted like any other, but no Turn: nothing is answered, billed or recorded. When the first endpoint
of the plan is Anthropic's own, Anthropic counts; in every other case, and when it does not answer, it is an estimate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from gammainfra.domain import limits
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.failure import Refused
from gammainfra.domain.policy import Policy
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Written
from gammainfra.gateway.call import Call
from gammainfra.gateway.host import Host
from gammainfra.gateway.services import Services
from gammainfra.routing.options import read_options
from gammainfra.routing.plan import plan
from gammainfra.upstream.exchange import Admitted, ExchangeFailed, WayOut
from gammainfra.wire.anthropic.count import counting_body, estimate_tokens

_OK: Final = 200


class _Count(msgspec.Struct):
    input_tokens: int


_COUNT: Final = msgspec.json.Decoder(_Count)


@dataclass(frozen=True, slots=True)
class Counting:
    """``hosts`` are the configured providers by name."""

    on: Services
    hosts: Mapping[str, Host]
    upstream: WayOut

    async def count(self, call: Call) -> int:
        """The input tokens of one request. Raises Refused as ``serve`` does."""
        on = self.on
        caller = on.accounts.authenticate(call.credential)
        with on.admission.admit(caller, call.content_length) as permit:
            raw = await call.body(permit)
            sketch = call.dialect.sketch(raw)
            endpoint = self._planned(call, sketch, self.on.policy_of(caller))
            counted = None if endpoint is None else await self._ask(endpoint, raw, sketch, call)
            return estimate_tokens(raw) if counted is None else counted

    def _planned(self, call: Call, sketch: Sketch, policy: Policy) -> Endpoint | None:
        """The endpoint that would be asked first; None when the request is too long for all: that is worth a number."""
        on = self.on
        try:
            chain = plan(
                sketch, read_options(call.headers), policy, on.roster,
                health=on.health.snapshot(), session=None, now=on.clock.now(), wall=on.clock.wall(),
            )  # fmt: skip
        except Refused as refused:
            if refused.code != "context_length_exceeded":
                raise
            return None
        return chain.candidates[0].endpoint

    async def _ask(self, endpoint: Endpoint, raw: bytes, sketch: Sketch, call: Call) -> int | None:
        """Anthropic's own count, None when it is not asked or does not say."""
        host = self.hosts[endpoint.provider]
        provider, url = host.speaking(endpoint)
        if provider.dialect.name != call.dialect.name or not provider.owns_dialect:
            return None
        betas = call.headers.get("anthropic-beta", "")
        target = replace(provider.target(endpoint, stream=False), betas=betas)
        written: Written = provider.dialect.copy_request(raw, sketch, target) or provider.dialect.write_request(
            call.dialect.read_request(raw), target
        )
        key = host.key(self.on.health.free_key(endpoint.name, host.key_ids, self.on.clock.now()))
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            **provider.headers,
            **provider.auth(await key.credential()),
            **written.headers,
        }
        ask = Admitted(provider.name, url + "/count_tokens", headers, counting_body(written.body))
        try:
            async with asyncio.timeout(limits.COUNT_TOKENS_S), self.upstream.exchange(ask) as reading:
                said = bytearray()
                while reading.status == _OK and (piece := await reading.read()):
                    said += piece
                return _COUNT.decode(said).input_tokens
        except (ExchangeFailed, TimeoutError, msgspec.DecodeError):
            return None
