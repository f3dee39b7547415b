"""What is stored of a request, exactly (contract C91): no prompt, answer, argument or foreign header value is in it."""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.domain.attempt import Attempt, Ending
from gammainfra.domain.money import Charge
from gammainfra.domain.plan import Plan
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One Turn, settled. ``at`` is epoch seconds of its arrival; ``charge`` None when no price is known.

    ``id`` is the generation id. ``absorbed_nano`` is what failing and losing attempts cost the one who pays the
    provider. ``call_ids`` are (shown, native) pairs of the answer's tool calls. ``error_code`` "" when served.
    """

    id: str
    at: float
    account_id: str
    key_id: str
    client: str
    session_id: str
    session_step: int
    session_by: str
    dialect: str
    asked: str
    provider: str
    model: str
    region: str
    stream: bool
    n_tools: int
    usage: Usage
    charge: Charge | None
    absorbed_nano: int
    fee_nano: int
    latency_ms: float
    ttft_ms: float | None
    overhead_ms: float
    plan: Plan
    attempts: tuple[Attempt, ...]
    ending: Ending
    status: int
    finish_reason: str
    error_code: str
    dial: float | None
    preference: str
    dropped_params: tuple[str, ...]
    dropped_context: tuple[str, ...]
    call_ids: tuple[tuple[str, str], ...]
    idempotency_hash: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What may be spent with a key, in nano-USD: on a UTC day, in a UTC month, in one task. None: no limit."""

    day_nano: int | None = None
    month_nano: int | None = None
    session_nano: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the gateway knows it: never the secret. ``last4`` is what a person recognises it by.

    ``hedging`` False: its requests are never asked of two endpoints at once, whatever the operator allows. ``rates``
    None: those of the installation. ``trial``: its requests are the first that a full server sheds.
    """

    id: str
    account_id: str
    name: str
    last4: str
    created_at: float
    revoked_at: float | None = None
    scopes: frozenset[str] = frozenset({"inference"})
    allowed_models: tuple[str, ...] = ()
    limits: KeyLimits = KeyLimits()
    hedging: bool = True
    rates: RateLimits | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is kept: ``digest`` is HMAC-SHA256 of the secret under the pepper named ``pepper``.

    ``issued`` False: the operator's own string, without the checksum of issued keys.
    """

    key: ApiKey
    digest: bytes
    pepper: str
    issued: bool = True


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an authenticated key with the defaults that its owner set."""

    key: ApiKey
    salt: bytes = b""

    @property
    def account_id(self) -> str:
        """The account that owns the key."""
        return self.key.account_id
