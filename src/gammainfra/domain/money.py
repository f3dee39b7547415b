"""Amounts of money as integers: what is printed, parsed and rounded. Never a float, never a price table.

Prices are pico-USD per unit, amounts are nano-USD. A request is summed exactly in pico-USD and rounded once, half to
even, to nano-USD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NANO_PER_USD: Final = 1_000_000_000
PICO_PER_NANO: Final = 1_000
PICO_PER_USD: Final = NANO_PER_USD * PICO_PER_NANO

_DECIMAL: Final = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?\Z", re.ASCII)


def round_to_nano(pico_usd: int) -> int:
    """Round an exact sum in pico-USD (>= 0) to nano-USD, half to even."""
    nano, rest = divmod(pico_usd, PICO_PER_NANO)
    half = PICO_PER_NANO // 2
    if rest > half or (rest == half and nano % 2 == 1):
        return nano + 1
    return nano


def show_usd(nano_usd: int) -> str:
    """Print nano-USD as an exact decimal with nine places, e.g. ``0.038250000``; negative amounts carry a minus."""
    sign = "-" if nano_usd < 0 else ""
    whole, rest = divmod(abs(nano_usd), NANO_PER_USD)
    return f"{sign}{whole}.{rest:09d}"


def read_usd(text: str) -> int:
    """Read a plain decimal such as ``0.25`` as nano-USD; ValueError for all else (signs, exponents, > 9 places)."""
    match = _DECIMAL.match(text)
    if match is None:
        message = f"{text!r} is not an amount in USD: write a plain decimal such as 0.25"
        raise ValueError(message)
    whole, places = match.groups(default="")
    return int(whole) * NANO_PER_USD + int(places.ljust(9, "0"))


@dataclass(frozen=True, slots=True)
class Charge:
    """What one answer cost, in nano-USD; ``total`` is the sum of the lines, each rounded once.

    ``None`` in place of a Charge means that the price is not known: a cost is then absent, never 0 (contract C26).
    """

    input_nano: int = 0
    cache_read_nano: int = 0
    cache_write_nano: int = 0
    output_nano: int = 0

    @property
    def total_nano(self) -> int:
        """All lines together: pass-through provider cost, no fee inside (C40)."""
        return self.input_nano + self.cache_read_nano + self.cache_write_nano + self.output_nano

    @property
    def input_side_nano(self) -> int:
        """Everything that was paid for input, cached or not (``X-GammaInfra-Input-Cost-USD``)."""
        return self.input_nano + self.cache_read_nano + self.cache_write_nano
