"""One client's socket, as the gateway sees it: what was asked and how, and the way to read the body.

The web layer makes it. It lives as long as the connection; nothing that outlives the connection is kept in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gammainfra.gateway.admission import Permit
from gammainfra.wire.dialect import ClientDialect

ReadBody = Callable[[Permit], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Call:
    """``headers`` has lower-case names; ``credential`` is the key as sent, None without one.

    ``body`` reads the whole body within the permit: Refused 413 when it is too large, 400 when it does not come.
    """

    dialect: ClientDialect
    headers: Mapping[str, str]
    credential: str | None
    content_length: int | None
    body: ReadBody
