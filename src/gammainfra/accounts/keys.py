"""Who may call: API keys, checked in memory on every request.

It decides whether a credential is good, and makes and revokes keys; it never touches the database while a request
waits. A key's checksum is looked at first, so a mistyped one costs no hash; then its HMAC is looked up, so what is
compared is never the secret (C81). The table in memory is what counts: it is loaded at start and changes with every
key made or revoked here; keys made by another process appear with ``reload``.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gammainfra.accounts.pepper import Pepper
from gammainfra.accounts.terms import NO_TERMS, Terms, with_terms
from gammainfra.domain import ids, limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.ports import Clock, KeyStore, Random
from gammainfra.domain.record import ApiKey, Caller, StoredKey

LOCAL_ACCOUNT: Final = "local"  # the one account of an installation without billing
OWN_KEY_PREFIX: Final = "sk-"
OWN_KEY_MIN_CHARS: Final = 16

_HOW: Final = "send 'Authorization: Bearer <key>' or 'x-api-key: <key>'"
_WHERE: Final = "use the key that 'gammainfra serve' printed at its first start, or make one: gammainfra keys create"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row of the table in memory."""

    digest: bytes
    caller: Caller
    issued: bool


class ApiKeys:
    """Implements ``domain.ports.Accounts``. ``peppers`` are newest first; only ``authenticate`` never waits."""

    def __init__(self, store: KeyStore, peppers: Sequence[Pepper], *, clock: Clock, random: Random) -> None:
        self._store = store
        self._peppers = tuple(peppers)
        self._clock = clock
        self._random = random
        self._table: dict[bytes, _Entry] = {}
        self._own = False
        self.unusable: tuple[ApiKey, ...] = ()
        self.reload()

    def authenticate(self, credential: str | None) -> Caller:
        """The caller of a key; Refused 401 that says what to do, and never repeats what was sent."""
        if not credential:
            raise _refused(f"No API key was sent: {_HOW}.")
        entry = self._find(credential) if self._worth_hashing(credential) else None
        if entry is None:
            raise _refused(f"This API key is not known here: {_WHERE}.")
        if entry.caller.key.revoked_at is not None:
            raise _refused(f"This API key was revoked: {_WHERE}.")
        return entry.caller

    def issue(self, name: str, account_id: str = LOCAL_ACCOUNT, terms: Terms = NO_TERMS) -> tuple[str, ApiKey]:
        """Make a key; its secret is returned here and can never be read again. Raises TermWrong."""
        secret = ids.api_key(self._random.bytes(32))
        return secret, self._keep(secret, name, account_id, terms, issued=True)

    def update(self, key_id: str, terms: Terms, account_id: str | None = None) -> ApiKey | None:
        """Change what a key may do, from the next request on; None when the account (None: any) has no such key

        that is not revoked. Raises TermWrong.
        """
        for key in self.list():
            if key.id == key_id and account_id in {None, key.account_id}:
                changed = with_terms(key, terms)
                if self._store.update_key(changed):
                    self.reload()
                    return changed
        return None

    def install(self, secret: str, name: str = "bootstrap", account_id: str = LOCAL_ACCOUNT) -> ApiKey:
        """Make a key of the operator's own string (``GAMMAINFRA_BOOTSTRAP_KEY``); doing it again changes nothing.

        ValueError when it is not ``sk-`` and at least 16 printable ASCII characters in all, or was revoked.
        """
        if not is_own_key(secret):
            raise ValueError(
                f"a key of one's own is {OWN_KEY_PREFIX!r} and more, {OWN_KEY_MIN_CHARS} to "
                f"{limits.CREDENTIAL_CHARS} printable ASCII characters in all, without spaces"
            )
        entry = self._find(secret)
        if entry is None:
            return self._keep(secret, name, account_id, NO_TERMS, issued=ids.is_well_formed_key(secret))
        if entry.caller.key.revoked_at is not None:
            raise ValueError("this key was revoked: choose another one")
        return entry.caller.key

    def revoke(self, key_id: str) -> bool:
        """End a key, for the next request on; False when there is none that is not revoked already."""
        at = self._clock.wall()
        if not self._store.revoke_key(key_id, at):
            return False
        self.reload()
        return True

    def list(self) -> tuple[ApiKey, ...]:
        """Every key of every account, revoked ones included, ``unusable`` ones not, in the order they were made."""
        return tuple(entry.caller.key for entry in self._table.values())

    def reload(self) -> None:
        """Read the table anew: keys that another process (``gammainfra keys``) made or revoked take effect.

        ``unusable`` then names the keys made under a pepper that is not in the file any more.
        """
        stored = self._store.all_keys()
        known = {pepper.name for pepper in self._peppers}
        table = {one.digest: self._entry(one) for one in stored if one.pepper in known}
        self.unusable = tuple(one.key for one in stored if one.pepper not in known)
        self._own = any(not entry.issued for entry in table.values())
        self._table = table

    def _worth_hashing(self, credential: str) -> bool:
        return ids.is_well_formed_key(credential) or (self._own and is_own_key(credential))

    def _find(self, credential: str) -> _Entry | None:
        for pepper in self._peppers:
            digest = pepper.digest(credential)
            entry = self._table.get(digest)
            if entry is not None and hmac.compare_digest(entry.digest, digest):
                return entry
        return None

    def _keep(self, secret: str, name: str, account_id: str, terms: Terms, *, issued: bool) -> ApiKey:
        bare = ApiKey(
            id="key-" + ids.base62(int.from_bytes(self._random.bytes(12), "big"), 16),
            account_id=account_id,
            name=name,
            last4=secret[-4:],
            created_at=self._clock.wall(),
        )
        key = with_terms(bare, terms)
        newest = self._peppers[0]
        stored = StoredKey(key, newest.digest(secret), newest.name, issued)
        self._store.insert_key(stored)
        self._table = {**self._table, stored.digest: self._entry(stored)}
        self._own = self._own or not issued
        return key

    def _entry(self, stored: StoredKey) -> _Entry:
        # Session ids are derived with this salt (C34). The oldest pepper makes it, so that a new one renames no task.
        salt = self._peppers[-1].digest("session salt " + stored.key.account_id)
        return _Entry(stored.digest, Caller(stored.key, salt), stored.issued)


def is_account(text: str) -> bool:
    """Whether ``text`` may name an account: the books write ``u:<account>:<pot>``."""
    return ids.is_visible_ascii(text, limits.ACCOUNT_CHARS) and ":" not in text


def is_own_key(text: str) -> bool:
    """Whether ``text`` has the shape of a key an operator may choose."""
    return (
        text.startswith(OWN_KEY_PREFIX)
        and OWN_KEY_MIN_CHARS <= len(text) <= limits.CREDENTIAL_CHARS
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def _refused(message: str) -> Refused:
    return Refused(401, "invalid_api_key", message, retry=False)
