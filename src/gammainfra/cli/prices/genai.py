"""Prices as the ``genai-prices`` package has them, in our own terms (MIT, https://github.com/pydantic/genai-prices).

It turns that package's decimals into integers of pico-USD, snapped where they are artefacts of somebody's floats, its
conditional prices into windows and its variants into service tiers. It decides nothing about which source is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from gammainfra.domain.endpoint import Endpoint, Price, PriceWindow

NAME: Final = "genai-prices"

_PROVIDERS: Final[Mapping[str, str]] = {"xai": "x-ai", "bedrock": "aws", "vertex": "google", "moonshot": "moonshotai"}
_TIER_KEYS: Final = frozenset({"service_tier", "speed"})
_PICO_PER_MILLION: Final = 1_000_000  # USD per million tokens, times this, is pico-USD per token
_UNITS: Final = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")
_MIDNIGHT: Final = time(tzinfo=UTC)


class CannotQuote(ValueError):
    """The source prices the model in a way that the book has no row for; the message says which."""


@dataclass(frozen=True, slots=True)
class GenaiPrices:
    """The data of the installed package, seen on one day: prices of the past are left out."""

    providers: Mapping[str, Any]
    version: str
    today: date

    @classmethod
    def installed(cls, today: date) -> GenaiPrices:
        """Read the installed package. Raises ModuleNotFoundError when it is not installed."""
        import genai_prices  # an optional extra, and slow to import
        from genai_prices import data

        return cls({provider.id: provider for provider in data.providers}, genai_prices.__version__, today)

    @property
    def title(self) -> str:
        """The name and the version, for tables."""
        return f"{NAME} {self.version}"

    def quote(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint as this source prices it; None when it does not know it. Raises CannotQuote."""
        known = self.find(endpoint)
        if known is None:
            return None
        _, model = known
        stages = _stages(model.prices)
        in_force = max(index for index, (constraint, _) in enumerate(stages) if _has_begun(constraint, self.today))
        standard = stages[in_force][1]
        windows = tuple(
            _window(constraint, prices)
            for index, (constraint, prices) in enumerate(stages)
            if index > in_force or _is_daily(constraint)
        )
        return replace(endpoint, price=price_of(standard), windows=windows, tiers=self._tiers(model, standard))

    def find(self, endpoint: Endpoint) -> tuple[Any, Any] | None:
        """Their provider and their model of an endpoint."""
        provider = self.providers.get(_PROVIDERS.get(endpoint.provider, endpoint.provider))
        model = None if provider is None else provider.find_model(endpoint.upstream_model)
        return None if model is None else (provider, model)

    def _tiers(self, model: Any, standard: Any) -> dict[str, Price]:  # noqa: ANN401 - untyped data of the package
        tiers: dict[str, Price] = {}
        for variant in model.price_variants or ():
            (key, name), *more = variant.when.items()
            if (
                key not in _TIER_KEYS
                or more
                or not vars(variant.prices)
                or not _has_begun(variant.constraint, self.today)
            ):
                continue
            tiers[name] = price_of(standard, variant.prices)
        return tiers


def price_of(prices: Any, over: Any = None) -> Price:  # noqa: ANN401 - untyped data of the package
    """Their prices as ours, ``over`` on top. A class without a price costs what its nearest relative costs."""
    said: dict[str, Any] = {unit: getattr(over, unit, None) or getattr(prices, unit, None) for unit in _UNITS}
    starts = {tier.start for value in said.values() for tier in getattr(value, "tiers", ())}
    if len(starts) > 1:
        raise CannotQuote(f"more than one long-context tier: {sorted(starts)}")
    if said["input_mtok"] is None:
        raise CannotQuote("no price for input tokens")
    base = _flat({unit: getattr(value, "base", value) for unit, value in said.items()})
    if not starts:
        return base
    long = {unit: value.tiers[0].price if getattr(value, "tiers", ()) else value for unit, value in said.items()}
    return replace(base, long_above=starts.pop(), long=_flat(long))


def snap(usd_per_million: Decimal) -> int:
    """Pico-USD per token, the nearest: ``1.0399999999999998`` per million is somebody's float of 1.04."""
    return int((usd_per_million * _PICO_PER_MILLION).to_integral_value())


def _flat(said: Mapping[str, Decimal | None]) -> Price:
    plain = said["input_mtok"] or Decimal(0)
    write = plain if said["cache_write_mtok"] is None else said["cache_write_mtok"]
    return Price(
        input_pico=snap(plain),
        output_pico=snap(said["output_mtok"] or Decimal(0)),
        cache_read_pico=snap(plain if said["cache_read_mtok"] is None else said["cache_read_mtok"]),
        cache_write_pico=snap(write),
        cache_write_1h_pico=snap(write if said["cache_write_1h_mtok"] is None else said["cache_write_1h_mtok"]),
    )


def _stages(prices: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - untyped data of the package
    if not isinstance(prices, list):
        return [(None, prices)]
    return [(stage.constraint, stage.prices) for stage in prices]


def _has_begun(constraint: Any, today: date) -> bool:  # noqa: ANN401 - untyped data of the package
    return constraint is None or (not _is_daily(constraint) and constraint.start_date <= today)


def _is_daily(constraint: Any) -> bool:  # noqa: ANN401 - untyped data of the package
    return hasattr(constraint, "start_time")


def _window(constraint: Any, prices: Any) -> PriceWindow:  # noqa: ANN401 - untyped data of the package
    if not _is_daily(constraint):
        since = datetime.combine(constraint.start_date, _MIDNIGHT)
        return PriceWindow(price_of(prices), since_s=int(since.timestamp()))
    start, end = (moment.hour * 60 + moment.minute for moment in (constraint.start_time, constraint.end_time))
    spans = ((start, end),) if start < end else ((0, end), (start, 24 * 60))
    return PriceWindow(price_of(prices), minutes=spans)
