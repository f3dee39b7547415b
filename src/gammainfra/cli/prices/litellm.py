"""Prices as LiteLLM's ``model_prices_and_context_window.json`` has them, as ours are written.

It reads a file that the operator has fetched; nothing here goes to the network. Numbers are read as decimals and
snapped: the file has artefacts of floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from gammainfra.cli.prices.genai import CannotQuote
from gammainfra.domain.endpoint import Endpoint, Price

NAME: Final = "litellm"

_PICO_PER_USD: Final = 1_000_000_000_000
_TIERS: Final = ("flex", "priority")
_ROWS: Final = msgspec.json.Decoder(dict[str, dict[str, Any]], float_hook=Decimal)
_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {"google": ("gemini/",), "vertex": ("vertex_ai/", "")}


@dataclass(frozen=True, slots=True)
class LiteLlmFile:
    """The rows of one file, by the names it uses."""

    rows: Mapping[str, Mapping[str, Any]]
    title: str

    @classmethod
    def read(cls, path: Path) -> LiteLlmFile:
        """Read the file. Raises OSError, and ValueError when it is no JSON object of such rows."""
        rows = _ROWS.decode(path.read_bytes())
        return cls(rows, f"{NAME} ({path.name})")

    def quote(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint as this source prices it; None when it does not know it. Raises CannotQuote."""
        prefixes = _PREFIXES.get(endpoint.provider, (f"{endpoint.provider}/", ""))
        names = (prefix + endpoint.upstream_model for prefix in prefixes)
        row = next((self.rows[name] for name in names if name in self.rows), None)
        if row is None or "input_cost_per_token" not in row:
            return None
        tiers = {name: _price(row, tier=f"_{name}") for name in _TIERS if f"input_cost_per_token_{name}" in row}
        return replace(endpoint, price=_price(row), windows=(), tiers=tiers)


def _price(row: Mapping[str, Any], tier: str = "") -> Price:
    long_key = re.compile(rf"input_cost_per_token_above_(\d+)k_tokens{tier}\Z")
    starts = sorted({int(match[1]) for name in row if (match := long_key.match(name))})
    if len(starts) > 1:
        raise CannotQuote(f"more than one long-context tier: {starts}")
    base = _flat(row, tier)
    if not starts:
        return base
    return replace(base, long_above=starts[0] * 1000, long=_flat(row, f"_above_{starts[0]}k_tokens{tier}", tier))


def _flat(row: Mapping[str, Any], *endings: str) -> Price:
    def pico(name: str) -> int:
        # 0 stands for: no price of its own
        usd = next((row[name + ending] for ending in (*endings, "") if row.get(name + ending)), 0)
        return int((Decimal(usd) * _PICO_PER_USD).to_integral_value())

    plain = pico("input_cost_per_token")
    write = pico("cache_creation_input_token_cost") or plain
    return Price(
        input_pico=plain,
        output_pico=pico("output_cost_per_token"),
        cache_read_pico=pico("cache_read_input_token_cost") or plain,
        cache_write_pico=write,
        cache_write_1h_pico=pico("cache_creation_input_token_cost_above_1hr") or write,
    )
