from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.accounts.keys import ApiKeys
from gammainfra.accounts.pepper import Pepper
from gammainfra.domain import ids
from gammainfra.domain.failure import Refused
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, KeyLimits, StoredKey

PEPPER = Pepper(1, b"p" * 32)
OWN = "sk-my-own-key-for-home"


class MemoryKeys:
    """Counts its calls, because a request must make none."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredKey] = {}
        self.calls = 0

    def all_keys(self) -> tuple[StoredKey, ...]:
        self.calls += 1
        return tuple(self.rows.values())

    def insert_key(self, stored: StoredKey) -> None:
        self.calls += 1
        self.rows[stored.key.id] = stored

    def update_key(self, key: ApiKey) -> bool:
        self.calls += 1
        stored = self.rows.get(key.id)
        if stored is None or stored.key.revoked_at is not None:
            return False
        self.rows[key.id] = replace(stored, key=key)
        return True

    def revoke_key(self, key_id: str, at: float) -> bool:
        self.calls += 1
        stored = self.rows.get(key_id)
        if stored is None or stored.key.revoked_at is not None:
            return False
        self.rows[key_id] = replace(stored, key=replace(stored.key, revoked_at=at))
        return True


class FixedClock:
    def now(self) -> float:
        return 5.0

    def wall(self) -> float:
        return 1_790_000_000.0


class CountedRandom:
    numbers = itertools.count(7)  # never twice the same, as from a real source

    def bytes(self, n: int) -> bytes:
        return next(self.numbers).to_bytes(4, "big") * (n // 4)

    def uniform(self) -> float:
        return 0.5


def keys_on(store: MemoryKeys, *peppers: Pepper) -> ApiKeys:
    return ApiKeys(store, peppers or (PEPPER,), clock=FixedClock(), random=CountedRandom())


def refusal_of(keys: ApiKeys, credential: str | None) -> Refused:
    with pytest.raises(Refused) as caught:
        keys.authenticate(credential)
    assert (caught.value.status, caught.value.code, caught.value.retry) == (401, "invalid_api_key", False)
    return caught.value


def test_an_issued_key_opens_and_only_its_digest_is_kept() -> None:
    store = MemoryKeys()
    keys = keys_on(store)
    secret, key = keys.issue("laptop")

    assert ids.is_well_formed_key(secret)
    assert keys.authenticate(secret).key == key
    assert (key.name, key.account_id, key.last4, key.created_at) == ("laptop", "local", secret[-4:], 1_790_000_000.0)
    assert store.rows[key.id].digest == PEPPER.digest(secret)
    assert secret not in repr(store.rows)


def test_authentication_never_asks_the_store() -> None:
    store = MemoryKeys()
    keys = keys_on(store)
    secret, _ = keys.issue("laptop")
    calls = store.calls

    keys.authenticate(secret)
    refusal_of(keys, ids.api_key(b"x" * 32))
    assert store.calls == calls


STORE = MemoryKeys()
KEYS = keys_on(STORE)
ISSUED, _ = KEYS.issue("laptop")
KEYS.install(OWN)
CALLS = STORE.calls


@given(
    st.one_of(
        st.none(),
        st.text(),
        st.text().map("sk-".__add__),
        st.text().map("sk-gammainfra-".__add__),
        st.binary().map(lambda raw: raw.decode("latin-1")),
    )
)
def test_arbitrary_credentials_are_refused_touch_no_store_and_are_not_repeated(credential: str | None) -> None:
    refused = refusal_of(KEYS, credential)

    assert STORE.calls == CALLS
    assert not credential or len(credential) < 16 or credential not in refused.message


@given(st.integers(0, len(ISSUED) - 1), st.characters())
def test_one_changed_character_is_refused(at: int, character: str) -> None:
    changed = ISSUED[:at] + character + ISSUED[at + 1 :]

    if changed != ISSUED:
        refusal_of(KEYS, changed)
    assert KEYS.authenticate(ISSUED).key.name == "laptop"


def test_a_missing_key_is_told_which_header_to_send() -> None:
    for nothing in (None, ""):
        assert "Authorization: Bearer" in refusal_of(keys_on(MemoryKeys()), nothing).message


def test_a_wrong_key_is_told_how_to_get_a_right_one() -> None:
    message = refusal_of(keys_on(MemoryKeys()), "sk-something-wrong").message

    assert "gammainfra keys create" in message
    assert "something" not in message


def test_a_revoked_key_is_refused_from_the_next_request_on() -> None:
    keys = keys_on(MemoryKeys())
    secret, key = keys.issue("laptop")

    assert keys.revoke(key.id)
    assert not keys.revoke(key.id)
    assert not keys.revoke("key-unknown")
    assert "revoked" in refusal_of(keys, secret).message
    assert [one.revoked_at for one in keys.list()] == [1_790_000_000.0]


def test_a_key_of_ones_own_is_installed_once() -> None:
    store = MemoryKeys()
    keys = keys_on(store)
    first = keys.install(OWN)

    assert keys.install(OWN) == first
    assert keys_on(store).install(OWN) == first
    assert keys_on(store).authenticate(OWN).key == first
    assert len(store.rows) == 1


def test_a_key_issued_elsewhere_can_be_installed() -> None:
    keys = keys_on(MemoryKeys())
    secret = ids.api_key(b"z" * 32)

    installed = keys.install(secret)
    assert keys.authenticate(secret).key == installed


def test_a_revoked_key_of_ones_own_stays_revoked() -> None:
    keys = keys_on(MemoryKeys())
    keys.revoke(keys.install(OWN).id)

    with pytest.raises(ValueError, match="revoked"):
        keys.install(OWN)


@pytest.mark.parametrize(
    "secret", ["", "sk-short", "my-own-key-for-home", "sk-with a space in it", "sk-ümlaut-ümlaut-ü", "sk-" + "x" * 300]
)
def test_a_key_that_is_easy_to_guess_or_to_garble_is_not_installed(secret: str) -> None:
    with pytest.raises(ValueError, match="16 to 256 printable ASCII"):
        keys_on(MemoryKeys()).install(secret)


def test_a_key_made_by_another_process_appears_with_reload() -> None:
    store = MemoryKeys()
    serving = keys_on(store)
    secret, key = keys_on(store).issue("from the command line")

    refusal_of(serving, secret)
    serving.reload()
    assert serving.authenticate(secret).key == key
    assert serving.list() == (key,)


def test_keys_survive_a_new_pepper_and_so_does_the_name_of_a_task() -> None:
    store = MemoryKeys()
    secret, key = keys_on(store).issue("old")
    rotated = keys_on(store, Pepper(2, b"q" * 32), PEPPER)
    newer, _ = rotated.issue("new")

    assert rotated.authenticate(secret).key == key
    assert rotated.authenticate(newer).salt == keys_on(store).authenticate(secret).salt
    assert keys_on(store).unusable == tuple(one.key for one in store.rows.values() if one.key.name == "new")


def test_keys_under_a_lost_pepper_are_named_as_unusable() -> None:
    store = MemoryKeys()
    secret, key = keys_on(store).issue("laptop")
    other = keys_on(store, Pepper(1, b"other" + b"." * 27))

    assert other.unusable == (key,)
    assert other.list() == ()
    refusal_of(other, secret)


def test_each_account_has_a_salt_of_its_own() -> None:
    keys = keys_on(MemoryKeys())
    (one, _), (same, _), (other, _) = keys.issue("a", "x"), keys.issue("b", "x"), keys.issue("c", "y")

    assert keys.authenticate(one).salt == keys.authenticate(same).salt
    assert keys.authenticate(one).salt != keys.authenticate(other).salt


def test_a_changed_key_is_changed_for_the_next_request() -> None:
    keys = keys_on(MemoryKeys(), PEPPER)
    secret, key = keys.issue("laptop", terms={"day_usd": "1.50", "concurrency": 3})
    assert (key.limits.day_nano, key.rates) == (1_500_000_000, RateLimits(concurrency=3))
    changed = keys.update(key.id, {"day_usd": None, "session_usd": Decimal("1E+1"), "hedging": False, "name": "desk"})
    assert keys.authenticate(secret).key == changed
    assert changed == replace(key, name="desk", hedging=False, limits=KeyLimits(session_nano=10 * 10**9))


def test_only_a_key_of_the_account_that_is_not_revoked_can_be_changed() -> None:
    keys = keys_on(MemoryKeys(), PEPPER)
    _, key = keys.issue("laptop")
    assert keys.update(key.id, {"trial": True}, "another") is None
    assert keys.update("key-none", {"trial": True}) is None
    keys.revoke(key.id)
    assert keys.update(key.id, {"trial": True}) is None
