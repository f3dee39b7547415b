"""The key that asks (C10): ``GET /v1/key`` says which one it is and what was spent with it, in OpenRouter's shape.

Never the secret, and no other key. Budgets are counted only where somebody pays; elsewhere what is left of one is null.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from gammainfra.billing.budgets import key_caps
from gammainfra.domain.record import ApiKey
from gammainfra.gateway.services import Services
from gammainfra.store.reader import Dimension, Reader
from gammainfra.web.answers import answer_json, money, show_time
from gammainfra.web.credit import show_balances
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import read_parameters
from gammainfra.web.reads import Reads

PATH: Final = "/v1/key"
_RESETS: Final = {"key_day": "daily", "key_month": "monthly"}
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
            **await self._budgets(key),
            "is_free_tier": key.trial,
            **show_terms(key),
        }
        if self._on.charged:
            shown |= show_balances(await self._reads.read(lambda: self._reader.credit(key.account_id)))
        await answer_json(request, {"data": shown})

    async def _budgets(self, key: ApiKey) -> dict[str, object]:
        """Every budget by its span, and the one with the least left as OpenRouter names it."""
        caps = key_caps(key.id, key.limits, self._on.clock.wall())
        meters = await self._reads.read(lambda: self._reader.meters([cap.meter for cap in caps]))
        left = [
            (None if cap.most_nano is None or not self._on.charged else cap.most_nano - kept.used_nano - kept.held_nano)
            for cap, kept in zip(caps, meters, strict=True)
        ]
        limited = [(nano, n) for n, nano in enumerate(left) if nano is not None]
        least_nano, tightest = min(limited, default=(None, None))
        return {
            "limit": None if tightest is None else money(caps[tightest].most_nano),
            "limit_remaining": None if least_nano is None else money(max(least_nano, 0)),
            "limit_reset": None if tightest is None else _RESETS[caps[tightest].kind],
            "budgets": {
                _RESETS[cap.kind]: {
                    "limit": money(cap.most_nano),
                    "used": money(kept.used_nano) if self._on.charged else None,
                    "held": money(kept.held_nano) if self._on.charged else None,
                    "remaining": money(None if nano is None else max(nano, 0)),
                }
                for cap, kept, nano in zip(caps, meters, left, strict=True)
            },
        }

    def _spent_nano(self, key: ApiKey, since: float) -> int:
        found = self._reader.usage(key.account_id, since, math.inf, _BY_KEY)
        return sum(row.cost_nano + row.fee_nano for row in found if row.key_id == key.id)


def show_terms(key: ApiKey) -> dict[str, object]:
    """What the key may do, in the names that set it. No rates: those of the installation."""
    rates = key.rates
    return {
        "day_usd": money(key.limits.day_nano),
        "month_usd": money(key.limits.month_nano),
        "session_usd": money(key.limits.session_nano),
        "requests_per_minute": None if rates is None else rates.requests_per_minute,
        "tokens_per_minute": None if rates is None else rates.tokens_per_minute,
        "concurrency": None if rates is None else rates.concurrency,
        "hedging": key.hedging,
        "trial": key.trial,
        "allowed_models": list(key.allowed_models),
        "scopes": sorted(key.scopes),
    }
