"""The model list (C5): what can be asked for, with prices and windows. Needs a key, like everything under ``/v1``."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote

import msgspec

from gammainfra.domain.failure import Refused
from gammainfra.gateway.services import Services
from gammainfra.web.incoming import Incoming

_JSON = ((b"content-type", b"application/json"),)


class Models:
    """``GET /v1/models`` and ``GET /v1/models/{id}``; ``?all=1`` lists models without a configured provider too."""

    def __init__(self, on: Services) -> None:
        self._on = on

    async def every(self, request: Incoming) -> None:
        """Every model, in OpenAI's shape with OpenRouter's fields."""
        self._on.accounts.authenticate(request.credential)
        await request.answer(200, _JSON, msgspec.json.encode(self._listing(request)))

    async def one(self, request: Incoming) -> None:
        """One row of the list; Refused 404 with near names."""
        self._on.accounts.authenticate(request.credential)
        wanted = unquote(request.path.removeprefix("/v1/models/"))
        asked = self._on.roster.catalog.resolve(wanted)
        names = {wanted, *(model.id for model in asked.models[:1])}
        for row in self._rows(request):
            if row["id"] in names:
                await request.answer(200, _JSON, msgspec.json.encode(row))
                return
        if asked.models and not asked.models[0].known:  # served under any name by a configured provider (C26)
            row = self._on.roster.catalog.row(asked.models[0])
            await request.answer(200, _JSON, msgspec.json.encode(row))
            return
        message = f"{wanted} is known, but no provider that serves it is configured: see GET /v1/models?all=1."
        raise Refused(404, "model_not_found", message, retry=False)

    def _listing(self, request: Incoming) -> dict[str, object]:
        everything = parse_qs(request.query).get("all") == ["1"]
        return self._on.roster.catalog.listing(self._on.clock.wall(), everything=everything)

    def _rows(self, request: Incoming) -> list[dict[str, object]]:
        return msgspec.convert(self._listing(request)["data"], list[dict[str, object]])
