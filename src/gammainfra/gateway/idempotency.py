"""The same ``Idempotency-Key`` again (C38): who may ask, who is told that the answer was given, for 24 hours.

It decides from what this process remembers, and from the store for what it does not: keys of an earlier process, or
too many since. Only a request that has the header ever waits for the store. A running answer is joined and a fresh one
said again by gateway.turns; here is what follows when that is not possible. A key whose answer failed is free again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.ports import Clock
from gammainfra.domain.record import Caller

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """A key and a body, as digests under the account's secret: neither can be found out from what is stored."""

    account_id: str
    key: str
    body: str

    @property
    def text(self) -> str:
        """As it is stored."""
        return f"{self.key}.{self.body}"


@dataclass(frozen=True, slots=True)
class Given:
    """What a key was used for. ``at`` is epoch seconds; ``served`` False while the answer is made."""

    body: str
    generation_id: str
    at: float
    served: bool


Stored = Callable[[str, str, float], Awaitable[Given | None]]  # account, key's digest, not before (epoch seconds)


def mark_of(caller: Caller, key: str | None, raw: bytes) -> Mark | None:
    """The digests of a request's key and body; None without a key."""
    if key is None:
        return None
    said = f"idempotency {caller.key.id} {key}".encode()
    return Mark(caller.account_id, _digest(caller.salt, said), _digest(caller.salt, raw))


def _digest(salt: bytes, said: bytes) -> str:
    return hmac.new(salt, said, hashlib.sha256).hexdigest()[:32]


class Idempotency:
    """What keys were used for: at most limits.IDEMPOTENCY_KEYS of them in memory; a restart forgets the running ones.

    ``stored`` finds an answer that was written down. ``must_know``: without the store's word nobody is answered.
    """

    def __init__(self, stored: Stored, clock: Clock, *, must_know: bool = False) -> None:
        self._stored = stored
        self._clock = clock
        self._must_know = must_know
        self._given: OrderedDict[str, Given] = OrderedDict()

    async def recall(self, mark: Mark) -> None:
        """Learn from the store what the key was used for, unless that is known. Refused 503 when it must be."""
        if mark.key in self._given:
            return
        try:
            async with asyncio.timeout(limits.STORE_ANSWER_S):
                found = await self._stored(mark.account_id, mark.key, self._clock.wall() - limits.IDEMPOTENCY_S)
        except (TimeoutError, OSError, Refused) as error:
            if self._must_know:
                message = "The store is too slow to say whether this Idempotency-Key was answered already: try again."
                raise Refused(503, "store_slow", message, retry=True, retry_after_s=1.0) from error
            _log.warning("an Idempotency-Key could not be looked up: %s", type(error).__name__)
            return
        if found is not None and mark.key not in self._given:
            self._keep(mark.key, found)

    def check(self, mark: Mark) -> None:
        """Refused 409 when the key was used for another body, or for an answer that cannot be given again."""
        given = self._given.get(mark.key)
        if given is None or given.at <= self._clock.wall() - limits.IDEMPOTENCY_S:
            return
        known = {"generation_id": given.generation_id}
        if given.body != mark.body:
            message = "This Idempotency-Key was used for another request in the last 24 hours: take a new one."
            raise Refused(409, "idempotency_key_reused", message, retry=False, metadata=known)
        if given.served:
            message = (
                "The request with this Idempotency-Key was answered, and is not answered and billed twice. "
                f"GET /v1/generation?id={given.generation_id} says what it cost; take a new key to ask again."
            )
            raise Refused(409, "already_served", message, retry=False, metadata=known)
        message = "The request with this Idempotency-Key is being answered, and its answer is too long to join."
        raise Refused(409, "answered_elsewhere", message, retry=False, metadata=known)

    def began(self, mark: Mark, generation_id: str) -> None:
        """An answer is being made."""
        self._keep(mark.key, Given(mark.body, generation_id, self._clock.wall(), served=False))

    def ended(self, mark: Mark, generation_id: str, *, served: bool) -> None:
        """It is over. What was not served frees the key."""
        given = self._given.get(mark.key)
        if given is not None and given.generation_id != generation_id:
            return
        if served:
            self._keep(mark.key, Given(mark.body, generation_id, self._clock.wall(), served=True))
        else:
            self._given.pop(mark.key, None)

    def _keep(self, key: str, given: Given) -> None:
        self._given[key] = given
        self._given.move_to_end(key)
        while len(self._given) > limits.IDEMPOTENCY_KEYS:
            self._given.popitem(last=False)
