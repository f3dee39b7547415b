"""What a failed attempt says about whom: the class it counts to, and what has to rest for it.

A refusal for too many requests is about the key, a full host about the endpoint, a rejected key about the key and all
its models, everything broken about the endpoint. A request that is wrong says nothing about anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from gammainfra.domain.failure import Cause, Fault

ErrorClass = Literal["rate_limit", "overloaded", "server_error", "timeout", "broken", "rejected"]
Rests = Literal["key_cools", "endpoint_cools", "key_rejected", "endpoint_rejected", "breaker", "nobody"]

_CLASSES: Final[dict[Cause, tuple[ErrorClass, Rests]]] = {
    Cause.RATE_LIMIT: ("rate_limit", "key_cools"),
    Cause.OVERLOADED: ("overloaded", "endpoint_cools"),
    Cause.UNAVAILABLE: ("overloaded", "endpoint_cools"),
    Cause.CREDENTIALS_REJECTED: ("rejected", "key_rejected"),
    Cause.BILLING: ("rejected", "key_rejected"),
    Cause.MODEL_NOT_FOUND: ("rejected", "endpoint_rejected"),
    Cause.SERVER_ERROR: ("server_error", "breaker"),
    Cause.IN_BAND_ERROR: ("server_error", "breaker"),
    Cause.CONNECT_ERROR: ("broken", "breaker"),
    Cause.CONNECT_TIMEOUT: ("timeout", "breaker"),
    Cause.FIRST_TOKEN_TIMEOUT: ("timeout", "breaker"),
    Cause.STALL: ("timeout", "breaker"),
    Cause.TOTAL_TIMEOUT: ("timeout", "breaker"),
    Cause.REQUEST_TIMEOUT: ("timeout", "breaker"),
    Cause.CONFLICT: ("server_error", "nobody"),
    Cause.NOT_AN_ANSWER: ("broken", "breaker"),
    Cause.EMPTY_ANSWER: ("broken", "breaker"),
    Cause.MALFORMED_STREAM: ("broken", "breaker"),
    Cause.CUT: ("broken", "breaker"),
    Cause.BAD_TOOL_CALL: ("broken", "nobody"),
    Cause.ANSWER_TOO_LARGE: ("broken", "nobody"),
}
_WEIGHT: Final = 0.2  # of the newest attempt in the moving averages
_FORGOTTEN: Final = 0.001


def meaning(cause: Cause) -> tuple[ErrorClass, Rests] | None:
    """The class of a failure and what rests for it; None when it was not the provider's fault."""
    return _CLASSES[cause] if cause.fault is Fault.PROVIDER else None


@dataclass(slots=True)
class ErrorRates:
    """Moving averages over attempts: the share of each class, 0..1. At most one entry for each class."""

    shares: dict[ErrorClass, float] = field(default_factory=dict)

    def add(self, error: ErrorClass | None) -> None:
        """One attempt ended: with an error of this class, or None with an answer."""
        shares = {name: share * (1 - _WEIGHT) for name, share in self.shares.items()}
        if error is not None:
            shares[error] = shares.get(error, 0.0) + _WEIGHT
        self.shares = {name: share for name, share in shares.items() if share > _FORGOTTEN}

    @property
    def total(self) -> float:
        """The share of attempts that failed."""
        return sum(self.shares.values())
