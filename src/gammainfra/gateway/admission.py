"""Who may come in now: requests and bytes in flight, for the process and for each key, before a body is read.

It decides to admit, to shed, or (through the rate limits of gateway.state) to delay; it never looks into a request.
Where nobody pays, less of the room is open: those requests are shed first. A Permit is given back exactly once,
by whoever holds it last: serve until a Turn takes it, then the Turn.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.record import Caller
from gammainfra.gateway.state.rate_limits import FREE, RateBoard


class Permit:
    """Room for one request. As a context manager it gives the room back unless ``keep`` was called."""

    __slots__ = ("_admission", "_kept", "key_id", "n_bytes", "released", "share", "ticket")

    def __init__(self, admission: Admission, key_id: str, n_bytes: int, share: float) -> None:
        self._admission = admission
        self._kept = False
        self.key_id = key_id
        self.n_bytes = n_bytes
        self.released = False
        self.share = share  # of the process's room that is open to this request
        self.ticket = FREE

    def keep(self) -> Permit:
        """Somebody else gives it back."""
        self._kept = True
        return self

    def grow(self, n_bytes: int) -> None:
        """Reserve for a body that is longer than announced, or of unknown length; Refused 503 without room."""
        self._admission.check_open()  # a body may take its time: the server may have begun to end
        if n_bytes > self.n_bytes:
            self._admission.reserve(n_bytes - self.n_bytes, self.share)
            self.n_bytes = n_bytes

    def release(self) -> None:
        """Give the room back. Doing it again changes nothing."""
        if not self.released:
            self.released = True
            self._admission.give_back(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept or error is not None:
            self.release()


class Admission:
    """Counts what is in flight against the limits of this process. ``rates`` are the keys' own limits."""

    def __init__(self, rates: RateBoard) -> None:
        self.rates = rates
        self._by_key: dict[str, int] = {}
        self.requests = 0
        self.n_bytes = 0
        self.draining = False

    def admit(self, caller: Caller, content_length: int | None) -> Permit:
        """Room for one request of ``content_length`` bytes (None: not announced).

        Refused 413 above the body limit, 429 when the key has too many in flight, 503 when the process is full.
        """
        if content_length is not None and content_length > limits.REQUEST_BODY_BYTES:
            raise too_large(content_length)
        self.check_open()
        share = limits.TRIAL_SHARE if caller.key.trial else 1.0
        if self.requests >= limits.REQUESTS_IN_FLIGHT * share:
            raise _shed(f"This server has {self.requests} requests in flight.")
        key_id = caller.key.id
        if self._by_key.get(key_id, 0) >= limits.REQUESTS_IN_FLIGHT_PER_KEY:
            message = f"This key has {limits.REQUESTS_IN_FLIGHT_PER_KEY} requests in flight: wait for one to end."
            raise Refused(429, "rate_limit_exceeded", message, retry=True, retry_after_s=1.0)
        n_bytes = content_length or 0
        self.reserve(n_bytes, share)
        self.requests += 1
        self._by_key[key_id] = self._by_key.get(key_id, 0) + 1
        return Permit(self, key_id, n_bytes, share)

    async def pace(self, permit: Permit, caller: Caller, content_length: int | None, most_s: float) -> float:
        """Wait for the key's turn and say for how many seconds; Refused 429 when ``most_s`` is not enough."""
        permit.ticket = await self.rates.enter(caller, content_length, most_s)
        self.check_open()
        return permit.ticket.waited_s

    def check_open(self) -> None:
        """Refused 503 while the server ends."""
        if self.draining:
            raise _shed("This server is shutting down.")

    def reserve(self, n_bytes: int, share: float = 1.0) -> None:
        """Take room for bytes of a body; Refused 503 when there is none."""
        wanted = n_bytes * limits.BODY_BYTES_RESERVED_PER_BYTE
        if self.n_bytes + wanted > limits.BODY_BYTES_IN_FLIGHT * share:
            raise _shed("This server holds too many request bytes.")
        self.n_bytes += wanted

    def give_back(self, permit: Permit) -> None:
        """Called by the permit."""
        self.rates.leave(permit.ticket)
        self.requests -= 1
        self.n_bytes -= permit.n_bytes * limits.BODY_BYTES_RESERVED_PER_BYTE
        left = self._by_key[permit.key_id] - 1
        if left:
            self._by_key[permit.key_id] = left
        else:
            del self._by_key[permit.key_id]


def too_large(n_bytes: int) -> Refused:
    """The refusal of a body above limits.REQUEST_BODY_BYTES."""
    most = limits.REQUEST_BODY_BYTES // limits.MIB
    message = (
        f"The request body has {n_bytes} bytes; at most {most} MiB are accepted. Send less history or fewer files."
    )
    return Refused(413, "request_too_large", message, retry=False)


def _shed(why: str) -> Refused:
    return Refused(503, "overloaded", f"{why} Try again in a moment.", retry=True, retry_after_s=1.0)
