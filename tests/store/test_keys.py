from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, KeyLimits, StoredKey
from gammainfra.store.engine import Engine, StoreUnusable
from gammainfra.store.keys import Keys, accounts_with_keys
from tests.store.making import writer_on

KEY = ApiKey(
    "key-1",
    "local",
    "laptop",
    "wxyz",
    1_790_000_000.5,
    scopes=frozenset({"inference", "usage"}),
    allowed_models=("a/b",),
)
STORED = StoredKey(KEY, b"d" * 32, "1-abcd", issued=False)


def test_a_key_is_kept_and_comes_back_as_it_was(place: Engine) -> None:
    with writer_on(place) as writer:
        Keys(writer).insert_key(STORED)
    with writer_on(place) as writer:
        assert Keys(writer).all_keys() == (STORED,)


def test_a_key_is_revoked_once(place: Engine) -> None:
    with writer_on(place) as writer:
        keys = Keys(writer)
        keys.insert_key(STORED)

        assert keys.revoke_key("key-1", 1_790_000_001.0)
        assert not keys.revoke_key("key-1", 1_790_000_002.0)
        assert not keys.revoke_key("key-2", 1_790_000_002.0)
        assert [stored.key.revoked_at for stored in keys.all_keys()] == [1_790_000_001.0]


def test_a_revoked_key_may_be_brought_in_as_such(place: Engine) -> None:
    revoked = replace(STORED, key=replace(KEY, revoked_at=1_790_000_009.0))
    with writer_on(place) as writer:
        Keys(writer).insert_key(revoked)

        assert Keys(writer).all_keys() == (revoked,)


def test_the_same_digest_is_kept_once(place: Engine) -> None:
    with writer_on(place) as writer:
        Keys(writer).insert_key(STORED)
        with pytest.raises(place.errors):
            Keys(writer).insert_key(replace(STORED, key=replace(KEY, id="key-2")))


def test_keys_of_a_closed_store_are_refused(place: Engine) -> None:
    with writer_on(place) as writer:
        pass
    with pytest.raises(StoreUnusable):
        Keys(writer).all_keys()


def test_the_terms_of_a_key_are_kept_and_changed(place: Engine) -> None:
    limited = replace(KEY, limits=KeyLimits(1, 2, None), rates=RateLimits(3, 0, 5), hedging=False, trial=True)
    with writer_on(place) as writer:
        keys = Keys(writer)
        keys.insert_key(replace(STORED, key=limited))
        assert keys.all_keys()[0].key == limited

        changed = replace(KEY, name="desk", limits=KeyLimits(session_nano=7))
        assert keys.update_key(changed)
        assert keys.all_keys() == (replace(STORED, key=changed),)
        assert not keys.update_key(replace(changed, id="key-2"))
        assert keys.revoke_key("key-1", 1_790_000_001.0)
        assert not keys.update_key(limited)
        assert accounts_with_keys(place, writer.connection) == {"local"}
