"""The key that asks (C10): ``GET /v1/key`` says which one it is and what was spent with it, in OpenRouter's shape.

Never the secret, and no other key. Nothing is limited here, so limits read null.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from gammainfra.domain.record import ApiKey
from gammainfra.gateway.services import Services
from gammainfra.store.reader import Dimension, Reader
from gammainfra.web.answers import answer_json, money, show_time
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import read_parameters
from gammainfra.web.reads import Reads

PATH: Final = "/v1/key"
_BY_KEY: Final[tuple[Dimension, ...]] = ("key",)


class Key:
    """The route."""

    def __init__(self, on: Services, reader: Reader, reads: Reads) -> None:
        self._on = on
        self._reader = reader
        self._reads = reads

    async def answer(self, request: Incoming) -> None:
        """``{"data": {...}}``; ``usage`` is USD of all time, ``usage_daily`` of this UTC day, and so on."""
        key = self._on.accounts.authenticate(request.credential).key
        read_parameters(request, ())
        today = datetime.fromtimestamp(self._on.clock.wall(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        spans = {"usage": 0.0, "usage_daily": today.timestamp(), "usage_monthly": today.replace(day=1).timestamp()}
        spent = await self._reads.read(lambda: {name: self._spent_nano(key, since) for name, since in spans.items()})
        shown = {
            "id": key.id,
            "label": key.name,
            "name": key.name,
            "last4": key.last4,
            "created_at": show_time(key.created_at),
            **{name: money(nano) for name, nano in spent.items()},
            "limit": None,
            "limit_remaining": None,
            "is_free_tier": False,
        }
        await answer_json(request, {"data": shown})

    def _spent_nano(self, key: ApiKey, since: float) -> int:
        found = self._reader.usage(key.account_id, since, math.inf, _BY_KEY)
        return sum(row.cost_nano + row.fee_nano for row in found if row.key_id == key.id)
