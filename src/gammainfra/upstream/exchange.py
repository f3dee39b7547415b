"""One request to a provider and its answer as it arrives: the seam behind which the HTTP client can be replaced.

Leaving the ``async with`` block before the end of the answer closes the connection at once, so that a provider stops
generating (and billing) when nobody listens. Redirects are never followed: a provider key must not travel elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause


class ExchangeFailed(Exception):
    """The wire broke: ``cause`` says how. The text names no address and no key."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that passed authentication, admission and funding: the only thing the way out accepts.

    ``provider`` names the connection pool. Headers hold the provider key; the value never prints itself.
    """

    provider: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Admitted({self.provider}, {len(self.body)} bytes)"


class Reading(Protocol):
    """A provider's answer while it arrives."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case."""
        ...

    async def read(self) -> bytes:
        """The next bytes as they come, b"" at the orderly end; ExchangeFailed(CUT) when the connection breaks."""
        ...


class WayOut(Protocol):
    """What the gateway needs of its way to the providers."""

    def exchange(self, ask: Admitted) -> AbstractAsyncContextManager[Reading]:
        """Send ``ask`` and yield the answer once its head is here. ExchangeFailed when that does not happen."""
        ...

    async def get(self, ask: Admitted) -> tuple[int, bytes]:
        """Fetch a small JSON document: status and body."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Upstream:
    """Pooled connections to providers, one pool each. Open it once per process and ``close`` it at the end."""

    def __init__(self) -> None:
        self._pools: dict[str, aiohttp.ClientSession] = {}

    @asynccontextmanager
    async def exchange(self, ask: Admitted) -> AsyncIterator[Reading]:
        """Send ``ask`` and yield the answer once its head is here. ExchangeFailed when that does not happen."""
        try:
            response = await self._pool(ask.provider).post(
                ask.url, data=ask.body, headers=ask.headers, allow_redirects=False
            )
        except aiohttp.ConnectionTimeoutError as error:
            message = f"no connection within {limits.CONNECT_S:g} s"
            raise ExchangeFailed(Cause.CONNECT_TIMEOUT, message) from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            message = f"cannot connect ({type(error).__name__})"
            raise ExchangeFailed(Cause.CONNECT_ERROR, message) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            message = f"the connection broke before an answer came ({type(error).__name__})"
            raise ExchangeFailed(Cause.CONNECT_ERROR, message) from error
        try:
            yield _Reading(response)
        finally:
            if not response.content.at_eof():
                response.close()
            response.release()

    async def get(self, ask: Admitted) -> tuple[int, bytes]:
        """Fetch a small JSON document (a provider's model list): status and body.

        ExchangeFailed when it does not come, or is larger than ``limits.MODEL_LIST_BYTES``.
        """
        said = bytearray()
        try:
            async with self._pool(ask.provider).get(ask.url, headers=ask.headers, allow_redirects=False) as response:
                while piece := await response.content.readany():
                    said += piece
                    if len(said) > limits.MODEL_LIST_BYTES:
                        response.close()
                        raise ExchangeFailed(Cause.ANSWER_TOO_LARGE, "the document is too large")
                return response.status, bytes(said)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            message = f"cannot connect ({type(error).__name__})"
            raise ExchangeFailed(Cause.CONNECT_ERROR, message) from error

    def _pool(self, provider: str) -> aiohttp.ClientSession:
        pool = self._pools.get(provider)
        if pool is None:
            pool = self._pools[provider] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=limits.UPSTREAM_CONNECTIONS_PER_PROVIDER, ttl_dns_cache=60),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.CONNECT_S, connect=limits.CONNECT_S * 2),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
                read_bufsize=256 * limits.KIB,
                auto_decompress=True,
            )
        return pool

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()


class _Reading:
    """aiohttp's response as a Reading."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    async def read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            message = f"the connection broke inside the answer ({type(error).__name__})"
            raise ExchangeFailed(Cause.CUT, message) from error
