"""The routes that read what is stored, in one table: every one is bound to the caller's own account."""

from __future__ import annotations

from collections.abc import Callable

from gammainfra.gateway.services import Services
from gammainfra.store.reader import Reader
from gammainfra.web import credit, generation, key, request_log, sessions, usage
from gammainfra.web.api import Handler
from gammainfra.web.reads import Reads


def routes(on: Services, reader: Reader, flush: Callable[[float], None]) -> dict[tuple[str, str], Handler]:
    """What ``web.api.Api`` takes. ``flush`` as in ``Generation``."""
    reads = Reads()
    tasks = sessions.Sessions(on, reader, reads)
    charged = {("GET", credit.PATH): credit.Credits(on, reader, reads).answer} if on.charged else {}
    return {
        **charged,
        ("GET", generation.PATH): generation.Generation(on, reader, reads, flush).answer,
        ("GET", request_log.PATH): request_log.RequestLog(on, reader, reads).answer,
        ("GET", sessions.PATH): tasks.every,
        ("GET", sessions.PATH + "/*"): tasks.one,
        ("GET", usage.PATH): usage.Usage(on, reader, reads).answer,
        ("GET", key.PATH): key.Key(on, reader, reads).answer,
    }
