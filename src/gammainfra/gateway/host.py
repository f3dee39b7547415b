"""A provider as this installation configured it: where it is and which keys may be used there."""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.domain.secret import Secret
from gammainfra.providers.provider import Provider


@dataclass(frozen=True, slots=True)
class HostKey:
    """One key of ours at a provider. ``id`` names it in records and metrics; an empty secret is sent to no one."""

    id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Host:
    """One configured provider. ``keys`` holds at least one; a host that needs none has one with an empty secret."""

    provider: Provider
    url: str
    keys: tuple[HostKey, ...]

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names of the keys, in the order they are preferred."""
        return tuple(key.id for key in self.keys)

    def key(self, key_id: str) -> HostKey:
        """The key of that name."""
        return next(key for key in self.keys if key.id == key_id)
