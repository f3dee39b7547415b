"""Keeps API keys: the store's side of ``domain.ports.KeyStore``. Digests only; a secret never comes here.

It decides how a key is laid out in columns; who may have one, and what it opens, is decided by accounts. Reads and
writes go through the one writing connection and wait for it: they belong to start-up and to commands, not to requests.
"""

from __future__ import annotations

import json

from gammainfra.domain import limits
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, KeyLimits, StoredKey
from gammainfra.store.engine import Connection, Engine, Row, Value
from gammainfra.store.statements import statements_of
from gammainfra.store.writer import Writer


class Keys:
    """Implements ``domain.ports.KeyStore`` on a Writer.

    Calls raise the engine's errors, StoreUnusable or TimeoutError.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._say = statements_of(writer.engine.dialect)

    def all_keys(self) -> tuple[StoredKey, ...]:
        """Every key that was ever made, oldest first."""

        def read(connection: Connection) -> tuple[StoredKey, ...]:
            return tuple(map(_stored_key, self._say["all_keys"].rows(connection)))

        return self._writer.submit(read).result(limits.STORE_BUSY_S * 2)

    def insert_key(self, stored: StoredKey) -> None:
        """Keep a new key; durable on return."""

        def insert(connection: Connection) -> None:
            with self._writer.engine.transaction(connection):
                self._say["insert_key"].run(connection, **_columns(stored))

        self._writer.submit(insert).result(limits.STORE_BUSY_S * 2)

    def update_key(self, key: ApiKey) -> bool:
        """Keep a key's name and terms as they are now; False when it is not there or revoked."""

        def update(connection: Connection) -> bool:
            with self._writer.engine.transaction(connection):
                return bool(self._say["update_key"].run(connection, id=key.id, **_terms(key)))

        return self._writer.submit(update).result(limits.STORE_BUSY_S * 2)

    def revoke_key(self, key_id: str, at: float) -> bool:
        """Mark a key revoked; False when there is none that is not revoked already."""

        def revoke(connection: Connection) -> bool:
            with self._writer.engine.transaction(connection):
                return bool(self._say["revoke_key"].run(connection, id=key_id, revoked_ms=round(at * 1000)))

        return self._writer.submit(revoke).result(limits.STORE_BUSY_S * 2)


def accounts_with_keys(engine: Engine, connection: Connection) -> frozenset[str]:
    """Every account that a key was made for. Raises the engine's errors."""
    rows = statements_of(engine.dialect)["all_keys"].rows(connection)
    return frozenset(str(row["account_id"]) for row in rows)


def _columns(stored: StoredKey) -> dict[str, Value]:
    key = stored.key
    return {
        "id": key.id,
        "account_id": key.account_id,
        "last4": key.last4,
        "digest": stored.digest,
        "pepper": stored.pepper,
        "issued": int(stored.issued),
        "created_ms": round(key.created_at * 1000),
        "revoked_ms": None if key.revoked_at is None else round(key.revoked_at * 1000),
        **_terms(key),
    }


def _terms(key: ApiKey) -> dict[str, Value]:
    """What may change in the life of a key."""
    rates = key.rates
    return {
        "name": key.name,
        "scopes": json.dumps(sorted(key.scopes)),
        "allowed_models": json.dumps(key.allowed_models),
        "day_nano": key.limits.day_nano,
        "month_nano": key.limits.month_nano,
        "session_nano": key.limits.session_nano,
        "requests_per_minute": None if rates is None else rates.requests_per_minute,
        "tokens_per_minute": None if rates is None else rates.tokens_per_minute,
        "concurrency": None if rates is None else rates.concurrency,
        "hedging": int(key.hedging),
        "trial": int(key.trial),
    }


def _stored_key(row: Row) -> StoredKey:
    key = ApiKey(
        id=row["id"],
        account_id=row["account_id"],
        name=row["name"],
        last4=row["last4"],
        created_at=row["created_ms"] / 1000,
        revoked_at=None if row["revoked_ms"] is None else row["revoked_ms"] / 1000,
        scopes=frozenset(json.loads(row["scopes"])),
        allowed_models=tuple(json.loads(row["allowed_models"])),
        limits=KeyLimits(row["day_nano"], row["month_nano"], row["session_nano"]),
        hedging=bool(row["hedging"]),
        rates=_rates(row),
        trial=bool(row["trial"]),
    )
    return StoredKey(key, row["digest"], row["pepper"], issued=bool(row["issued"]))


def _rates(row: Row) -> RateLimits | None:
    rates = (row["requests_per_minute"], row["tokens_per_minute"], row["concurrency"])
    return None if None in rates else RateLimits(*rates)
