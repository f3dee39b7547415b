"""What the gateway needs from the world, as protocols: adapters implement them, tests replace them.

A port is narrow and synchronous where the answer is in memory; whatever may wait is a coroutine.
"""

from __future__ import annotations

from typing import Protocol

from gammainfra.domain.record import Caller, RequestRecord, StoredKey


class Clock(Protocol):
    """Time, injected: nothing below the edge reads a clock."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def wall(self) -> float:
        """Epoch seconds (UTC)."""
        ...


class Random(Protocol):
    """Randomness, injected."""

    def bytes(self, n: int) -> bytes:
        """``n`` unpredictable bytes."""
        ...

    def uniform(self) -> float:
        """A float in [0, 1)."""
        ...


class Accounts(Protocol):
    """Who may call."""

    def authenticate(self, credential: str | None) -> Caller:
        """The caller of a credential; Refused 401 ``invalid_api_key`` when it is missing, malformed or unknown."""
        ...


class Records(Protocol):
    """Where finished Turns go: one bounded queue, written in batches by one writer."""

    def add(self, record: RequestRecord) -> bool:
        """Queue a record; False when the queue is full and it was counted as lost. Never waits."""
        ...


class KeyStore(Protocol):
    """Where API keys are kept. Every call may wait for the disk: none of them is made while a request is served."""

    def all_keys(self) -> tuple[StoredKey, ...]:
        """Every key that was ever made, revoked ones included, oldest first."""
        ...

    def insert_key(self, stored: StoredKey) -> None:
        """Keep a new key; durable on return."""
        ...

    def revoke_key(self, key_id: str, at: float) -> bool:
        """Mark a key revoked at epoch seconds ``at``; False when there is none that is not revoked already."""
        ...
