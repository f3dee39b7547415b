"""Why an attempt failed, in one closed enum, and what follows from it; and how the gateway itself refuses a request.

Dialects and providers classify (status, body, stream) into a Cause; the Run decides by ``Cause`` alone. Each member
has a row in docs/errors.md (a test holds the two together). Refused is the only exception a caller ever sees.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gammainfra.domain.ledger import Short


class Fault(enum.StrEnum):
    """Whose mistake a failure is."""

    PROVIDER = "provider"
    CALLER = "caller"
    GATEWAY = "gateway"


class Fix(enum.StrEnum):
    """How the same endpoint may be asked once more after a failure that a changed request avoids."""

    DROP_PARAMETER = "drop_parameter"
    DROP_THINKING = "drop_thinking"


class Cause(enum.StrEnum):
    """What went wrong at one attempt. The value is what headers, logs and records print."""

    CONNECT_ERROR = "connect_error"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    STALL = "stall"
    TOTAL_TIMEOUT = "total_timeout"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    NOT_AN_ANSWER = "not_an_answer"
    EMPTY_ANSWER = "empty_answer"
    MALFORMED_STREAM = "malformed_stream"
    CUT = "cut"
    IN_BAND_ERROR = "in_band_error"
    BAD_TOOL_CALL = "bad_tool_call"
    ANSWER_TOO_LARGE = "answer_too_large"
    CREDENTIALS_REJECTED = "credentials_rejected"
    BILLING = "billing"
    MODEL_NOT_FOUND = "model_not_found"
    CONTEXT_OVERFLOW = "context_overflow"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    INVALID_SIGNATURE = "invalid_signature"
    INVALID_REQUEST = "invalid_request"
    REQUEST_TOO_LARGE = "request_too_large"
    NO_CREDIT = "no_credit"
    STORE_SLOW = "store_slow"
    INTERNAL = "internal"

    @property
    def fault(self) -> Fault:
        """Whose mistake it is: decides the status a caller sees when nothing could be saved."""
        if self in _CALLERS:
            return Fault.CALLER
        return Fault.GATEWAY if self in {Cause.INTERNAL, Cause.STORE_SLOW} else Fault.PROVIDER

    @property
    def elsewhere(self) -> bool:
        """Whether another endpoint may be asked. Only a request that is wrong everywhere ends the Turn at once."""
        return self not in {Cause.INVALID_REQUEST, Cause.REQUEST_TOO_LARGE}

    @property
    def permanent(self) -> bool:
        """Whether the same endpoint and key will fail again until the operator acts: no retry is announced (C68)."""
        return self in {Cause.CREDENTIALS_REJECTED, Cause.BILLING, Cause.MODEL_NOT_FOUND}


_CALLERS = frozenset(
    {
        Cause.CONTEXT_OVERFLOW,
        Cause.UNSUPPORTED_PARAMETER,
        Cause.INVALID_SIGNATURE,
        Cause.INVALID_REQUEST,
        Cause.REQUEST_TOO_LARGE,
        Cause.NO_CREDIT,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt. ``message`` is sanitised (providers echo keys) and safe to show and to store.

    ``status`` is the upstream's HTTP status, None when there was none. ``retry_after_s`` is the provider's own word.
    ``fix`` with ``parameter`` says how the same endpoint may be asked once more. ``short`` is what a request that was
    never sent could not be paid from.
    """

    cause: Cause
    message: str
    status: int | None = None
    retry_after_s: float | None = None
    fix: Fix | None = None
    parameter: str | None = None
    upstream_request_id: str | None = None
    short: Short | None = None


@dataclass(eq=False)  # an exception is written to when it is raised, so it is not frozen
class Refused(Exception):
    """The gateway's own "no", before or instead of an answer: one JSON error in the caller's dialect (C60..C68).

    ``message`` names cause and remedy. ``retry`` None says nothing; True and False become ``x-should-retry``.
    """

    status: int
    code: str
    message: str
    param: str | None = None
    retry: bool | None = None
    retry_after_s: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # further ones of the answer

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"
