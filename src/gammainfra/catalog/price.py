"""What usage costs: exact integers, pico-USD per token in, nano-USD out, each line rounded once.

It decides which price holds at a given time and which tier a prompt falls into. It never looks a price up, never
adds a fee and never guesses a missing price: whoever holds an endpoint without one has no cost to show (C26).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gammainfra.domain.endpoint import Capabilities, Endpoint, Price, PriceWindow
from gammainfra.domain.money import PICO_PER_NANO, Charge, round_to_nano
from gammainfra.domain.usage import Usage

DEFAULT_OUTPUT_TOKENS: Final = 4096  # assumed when the caller names no limit: never the model's maximum

_DAY_S: Final = 86_400
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday: days since then + 3 is 0 on a Monday


def charge(usage: Usage, price: Price) -> Charge:
    """Price ``usage``: every class at its own price, reasoning as output, long prompts at the long-context price."""
    tier = _tier(price, usage.prompt_tokens)
    written_pico = (
        usage.cache_write_tokens * tier.cache_write_pico + usage.cache_write_1h_tokens * tier.cache_write_1h_pico
    )
    return Charge(
        input_nano=round_to_nano(usage.input_tokens * tier.input_pico),
        cache_read_nano=round_to_nano(usage.cache_read_tokens * tier.cache_read_pico),
        cache_write_nano=round_to_nano(written_pico),
        output_nano=round_to_nano(usage.completion_tokens * tier.output_pico),
    )


def output_bound(max_tokens: int | None, capabilities: Capabilities) -> int:
    """The output tokens to reckon with: what the caller allowed, else a default, within the model's own limit."""
    return min(DEFAULT_OUTPUT_TOKENS if max_tokens is None else max_tokens, capabilities.max_output_tokens)


def upper_bound(price: Price, *, input_tokens: int, output_tokens: int, hour_cache: bool = False) -> int:
    """The most that a request can cost, in nano-USD, rounded up: nothing cached, everything perhaps written to it.

    ``output_tokens`` counts all answers together (``n``); ``hour_cache``: the caller marked for the one-hour cache.
    """
    tiers = [price]
    if price.long is not None and _tier(price, input_tokens) is price.long:
        tiers.append(price.long)
    pico = max(
        input_tokens * _dearest_input(tier, hour_cache=hour_cache) + output_tokens * tier.output_pico for tier in tiers
    )
    return -(-pico // PICO_PER_NANO)


def expected(
    price: Price, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0, writes_cache: bool = False
) -> int:
    """What a request will probably cost, in nano-USD, for comparing candidates.

    Of the prompt's ``input_tokens``, ``cached_tokens`` are read from the cache; the rest is new, and is written to it
    when ``writes_cache`` (cache marks on a provider that charges for writing).
    """
    read = min(cached_tokens, input_tokens)
    new = input_tokens - read
    usage = Usage(
        input_tokens=0 if writes_cache else new,
        cache_write_tokens=new if writes_cache else 0,
        cache_read_tokens=read,
        output_tokens=output_tokens,
    )
    return charge(usage, price).total_nano


def price_at(endpoint: Endpoint, wall_s: float) -> Price | None:
    """The price in force at ``wall_s`` (epoch seconds): the last window that holds then, else the usual one."""
    for window in reversed(endpoint.windows):
        if _holds(window, int(wall_s)):
            return window.price
    return endpoint.price


def priced_at(endpoint: Endpoint, wall_s: float) -> Endpoint:
    """The endpoint with the price in force at ``wall_s``: a settle uses the price of the moment of dispatch."""
    if not endpoint.windows:
        return endpoint
    return replace(endpoint, price=price_at(endpoint, wall_s))


def _tier(price: Price, prompt_tokens: int) -> Price:
    if price.long is not None and price.long_above is not None and prompt_tokens > price.long_above:
        return price.long
    return price


def _dearest_input(tier: Price, *, hour_cache: bool) -> int:
    dearest = max(tier.input_pico, tier.cache_write_pico)
    return max(dearest, tier.cache_write_1h_pico) if hour_cache else dearest


def _holds(window: PriceWindow, wall_s: int) -> bool:
    days, second = divmod(wall_s, _DAY_S)
    weekday = (days + _EPOCH_WEEKDAY) % 7 + 1
    minute = second // 60
    return (
        wall_s >= window.since_s
        and weekday in window.weekdays
        and any(start <= minute < end for start, end in window.minutes)
    )
