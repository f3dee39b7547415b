"""A provider as this installation configured it: where it is and which keys may be used there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.secret import HIDDEN, Secret
from gammainfra.providers.provider import Provider
from gammainfra.upstream.token_source import TokenSource

_SECRET_CHARS: Final = 6  # a shorter one would be found inside plain words


@dataclass(frozen=True, slots=True)
class HostKey:
    """One key of ours at a provider. ``id`` names it in records and metrics; an empty secret is sent to no one.

    ``tokens`` makes the access tokens that are sent instead of the secret, where that is a service account.
    """

    id: str
    secret: Secret
    tokens: TokenSource | None = None

    async def credential(self) -> str:
        """What is sent. ExchangeFailed when no token can be had."""
        return self.secret.reveal() if self.tokens is None else await self.tokens.token()


@dataclass(frozen=True, slots=True)
class Host:
    """One configured provider. ``keys`` holds at least one; a host that needs none has one with an empty secret.

    ``urls`` are those of its further dialects, by name.
    """

    provider: Provider
    url: str
    keys: tuple[HostKey, ...]
    urls: Mapping[str, str] = field(default_factory=dict)

    def speaking(self, endpoint: Endpoint) -> tuple[Provider, str]:
        """The provider in the dialect in which it serves ``endpoint``, and its URL."""
        return self.provider.speaking(endpoint.dialect), self.urls.get(endpoint.dialect, self.url)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names of the keys, in the order they are preferred."""
        return tuple(key.id for key in self.keys)

    def key(self, key_id: str) -> HostKey:
        """The key of that name."""
        return next(key for key in self.keys if key.id == key_id)

    def hide_keys(self, text: str) -> str:
        """What this host said, without our keys: providers echo them, and only we know what they look like."""
        for key in self.keys:
            secret = key.secret.reveal()
            if len(secret) >= _SECRET_CHARS:
                text = text.replace(secret, HIDDEN)
        return text
