"""Whether this process lives, is ready for traffic, and how it does (C13). None of it needs an API key."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import msgspec

from gammainfra.domain.failure import Refused
from gammainfra.gateway.services import Services
from gammainfra.web.incoming import Incoming

_JSON = ((b"content-type", b"application/json"),)
_METRICS = ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),)


class Health:
    """``GET /healthz``, ``/readyz``, ``/metrics``. ``metrics_token`` "" leaves the metrics to the local machine."""

    def __init__(
        self,
        on: Services,
        *,
        store_ready: Callable[[], bool],
        show_metrics: Callable[[], bytes],
        metrics_token: str,
    ) -> None:
        self._on = on
        self._store_ready = store_ready
        self._show_metrics = show_metrics
        self._metrics_token = metrics_token

    async def live(self, request: Incoming) -> None:
        """The process answers."""
        await request.answer(200, _JSON, b'{"status":"ok"}')

    async def ready(self, request: Incoming) -> None:
        """200 when a request could be served, else 503 with what is missing."""
        missing = []
        if self._on.admission.draining:
            missing.append("the server is shutting down")
        if not self._store_ready():
            missing.append("the store cannot be written")
        if not self._on.roster.catalog.names.providers:
            missing.append("no provider is configured")
        status = "not ready" if missing else "ready"
        body = msgspec.json.encode({"status": status, "missing": missing})
        await request.answer(503 if missing else 200, _JSON, body)

    async def metrics(self, request: Incoming) -> None:
        """Prometheus' text format; with a token set, only to who knows it."""
        given = request.credential or ""
        if self._metrics_token and not hmac.compare_digest(given.encode(), self._metrics_token.encode()):
            message = "The metrics need their token: send 'Authorization: Bearer <metrics.token>'."
            raise Refused(401, "invalid_metrics_token", message, retry=False)
        await request.answer(200, _METRICS, self._show_metrics())
