"""An endpoint's prices as rows of a catalog file: what ``gammainfra prices import`` prints, to be read and kept.

Amounts are exact decimals, in USD per million tokens. It never writes a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from gammainfra.domain.endpoint import Endpoint, Price, PriceWindow

_PICO_PER_MILLION = 1_000_000
_ALL_DAYS = frozenset(range(1, 8))
_ALL_DAY = ((0, 1440),)


def toml(endpoint: Endpoint, source: str) -> str:
    """The endpoint's table, ``[[models."id".endpoints]]`` and what belongs under it."""
    return "\n".join(_lines(endpoint, source)) + "\n"


def tier_rows(endpoint: Endpoint) -> list[str]:
    """The lines of the service tiers alone, each table after an empty line."""
    lines: list[str] = []
    for name, price in endpoint.tiers.items():
        lines += ["", f'[models."{endpoint.model.name}".endpoints.tiers.{name}]', *_costs(price)]
    return lines


def usd_per_million(pico_per_token: int) -> str:
    """``2500000`` as ``2.5``."""
    whole, rest = divmod(pico_per_token, _PICO_PER_MILLION)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _lines(endpoint: Endpoint, source: str) -> Iterator[str]:
    table = f'[[models."{endpoint.model.name}".endpoints'
    yield f"{table}]]"
    yield f'provider = "{endpoint.provider}"'
    if endpoint.upstream_model != endpoint.model.name:
        yield f'upstream_model = "{endpoint.upstream_model}"'
    yield f'price_source = "{source}"'
    if endpoint.price is not None:
        yield from _costs(endpoint.price)
    for window in endpoint.windows:
        yield from ("", f"{table}.windows]]", *_times(window), *_costs(window.price))
    yield from tier_rows(endpoint)


def _times(window: PriceWindow) -> Iterator[str]:
    if window.since_s:
        yield f"since = {datetime.fromtimestamp(window.since_s, UTC).date().isoformat()}"
    if window.weekdays != _ALL_DAYS:
        yield f"weekdays = {sorted(window.weekdays)}"
    if window.minutes != _ALL_DAY:
        spans = (f'"{_clock(start)}-{_clock(end)}"' for start, end in window.minutes)
        yield f"hours_utc = [{', '.join(spans)}]"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _costs(price: Price) -> Iterator[str]:
    yield f"cost = {_cost(price)}"
    if price.long is not None:
        yield f"long_above = {price.long_above:_}"
        yield f"long_cost = {_cost(price.long)}"


def _cost(price: Price) -> str:
    said = {"input": price.input_pico, "output": price.output_pico}
    if price.cache_read_pico != price.input_pico:
        said["cache_read"] = price.cache_read_pico
    if price.cache_write_pico != price.input_pico:
        said["cache_write"] = price.cache_write_pico
    if price.cache_write_1h_pico != price.cache_write_pico:
        said["cache_write_1h"] = price.cache_write_1h_pico
    return "{ " + ", ".join(f'{name} = "{usd_per_million(pico)}"' for name, pico in said.items()) + " }"
