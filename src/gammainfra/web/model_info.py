"""The model list in LiteLLM's shape (C6): ``GET /v1/model/info``, from which clients take windows, prices, abilities.

It says what the model list (C5) says, in other words; it decides nothing of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.gateway.services import Services
from gammainfra.web.answers import answer_json
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import read_parameters

PATH: Final = "/v1/model/info"


class _Architecture(msgspec.Struct):
    input_modalities: tuple[str, ...]


class _Limits(msgspec.Struct):
    context_length: int | None
    max_completion_tokens: int | None


class _Pricing(msgspec.Struct):
    """USD per token as decimals; None where a name has no price of its own."""

    prompt: str | None = None
    completion: str | None = None
    input_cache_read: str | None = None
    input_cache_write: str | None = None

    @property
    def caches(self) -> bool:
        """Whether a prompt that was seen before costs less."""
        return self.input_cache_read != self.prompt


class _Listed(msgspec.Struct):
    """What is needed of one row of the model list."""

    id: str
    owned_by: str
    architecture: _Architecture
    pricing: _Pricing
    supported_parameters: frozenset[str]
    top_provider: _Limits


class _Listing(msgspec.Struct):
    rows: tuple[_Listed, ...] = msgspec.field(name="data")


class ModelInfo:
    """The route."""

    def __init__(self, on: Services) -> None:
        self._on = on

    async def answer(self, request: Incoming) -> None:
        """``{"data": [{"model_name", "litellm_params", "model_info"}]}``, the same names as ``GET /v1/models``."""
        self._on.accounts.authenticate(request.credential)
        read_parameters(request, ())
        listing = self._on.roster.catalog.listing(self._on.clock.wall())
        rows = msgspec.convert(listing, _Listing).rows
        await answer_json(request, {"data": [_shown(row, rows) for row in rows]})


def _shown(row: _Listed, rows: Sequence[_Listed]) -> dict[str, Any]:
    most_output = row.top_provider.max_completion_tokens
    return {
        "model_name": row.id,
        "litellm_params": {"model": row.id},
        "model_info": {
            "id": row.id,
            "mode": "chat",
            "litellm_provider": row.owned_by,
            "max_tokens": most_output,  # LiteLLM's meaning: of an answer
            "max_input_tokens": row.top_provider.context_length,
            "max_output_tokens": most_output,
            "supports_vision": "image" in row.architecture.input_modalities,
            "supports_function_calling": "tools" in row.supported_parameters,
            "supports_reasoning": "reasoning" in row.supported_parameters,
            "supports_prompt_caching": _caches(row, rows),
            **_costs(row.pricing),
        },
    }


def _caches(row: _Listed, rows: Sequence[_Listed]) -> bool:
    """A name that stands for several models can do what any of them can, as in the model list."""
    if row.owned_by == "gammainfra":
        return any(one.pricing.caches for one in rows)
    return row.pricing.caches


def _costs(pricing: _Pricing) -> dict[str, Raw]:
    """USD per token as exact numbers; absent where no price is known (C26)."""
    known = {
        "input_cost_per_token": pricing.prompt,
        "output_cost_per_token": pricing.completion,
        "cache_read_input_token_cost": pricing.input_cache_read,
        "cache_creation_input_token_cost": pricing.input_cache_write,
    }
    return {name: Raw(price.encode()) for name, price in known.items() if price is not None}
