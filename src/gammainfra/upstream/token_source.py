"""Access tokens made from a service account's JSON, renewed before they end: what Vertex AI takes for a key.

It decides when a token is renewed, never where it is used. google-auth signs and asks; it is an optional extra, loaded
when the first service account is configured. The JSON and the tokens never print themselves.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause
from gammainfra.upstream.exchange import ExchangeFailed

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)


class CredentialsUnusable(ValueError):
    """A service account cannot be used; the text says what to do and holds nothing secret."""


class TokenSource(Protocol):
    """Gives a token that is valid now."""

    async def token(self) -> str:
        """The token. ExchangeFailed when none can be had."""
        ...


class Credentials(Protocol):
    """google-auth's credentials, as far as they are used here; ``valid`` is False minutes before a token ends."""

    token: str | None

    @property
    def valid(self) -> bool:
        """Whether the token can be used."""
        ...

    def refresh(self, request: Callable[..., object]) -> None:
        """Get a new token; blocks."""
        ...


def is_service_account(secret: str) -> bool:
    """Whether a secret is the JSON of a service account."""
    return secret.lstrip().startswith("{")


def project_of(secret: str) -> str:
    """The project that a service account's JSON names, "" when it names none."""
    try:
        return str(msgspec.json.decode(secret, type=dict[str, Any]).get("project_id") or "")
    except msgspec.DecodeError:
        return ""


class ServiceAccount:
    """Tokens of one service account. One renewal at a time; those who wait get its token."""

    def __init__(self, credentials: Credentials, *, refused: tuple[type[Exception], ...]) -> None:
        self._credentials = credentials
        self._refused = refused
        self._renewing = asyncio.Lock()

    async def token(self) -> str:
        """The token in force, renewed when it ends soon. ExchangeFailed when the account is refused or unreachable."""
        async with self._renewing:
            if not self._credentials.valid:
                await self._renew()
            return self._credentials.token or ""

    async def _renew(self) -> None:
        try:
            await asyncio.to_thread(self._credentials.refresh, ask_google)
        except OSError as error:
            message = f"no access token could be fetched ({type(error).__name__})"
            raise ExchangeFailed(Cause.CONNECT_ERROR, message) from error
        except self._refused as error:
            message = "Google gave no access token for this service account: it is wrong, disabled or without the right"
            raise ExchangeFailed(Cause.CREDENTIALS_REJECTED, message) from error


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """google.auth.transport.Response."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def ask_google(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: object,
) -> TokenAnswer:
    """google.auth.transport.Request over the standard library: one small POST. OSError when the network fails."""
    asked = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=timeout or limits.TOKEN_S) as answer:  # noqa: S310
            return TokenAnswer(answer.status, dict(answer.headers), answer.read(limits.ERROR_BODY_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return TokenAnswer(error.code, dict(error.headers), error.read(limits.ERROR_BODY_BYTES))


def service_account(secret: str) -> ServiceAccount:
    """The tokens of the account whose JSON ``secret`` is. CredentialsUnusable when it is none, or without the extra."""
    try:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.oauth2 import service_account as google  # noqa: PLC0415
    except ImportError as error:
        message = 'a service account needs google-auth: pip install "gammainfra[vertex]"'
        raise CredentialsUnusable(message) from error
    try:
        info = msgspec.json.decode(secret, type=dict[str, Any])
        made: Callable[..., Credentials] = google.Credentials.from_service_account_info
        credentials = made(info, scopes=_SCOPES)
    except (msgspec.DecodeError, ValueError, GoogleAuthError) as error:
        message = "the key is no service account's JSON: download one under IAM, Service Accounts, Keys"
        raise CredentialsUnusable(message) from error
    return ServiceAccount(credentials, refused=(GoogleAuthError,))
