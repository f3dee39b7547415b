"""The catalog as the gateway uses it: one frozen value, built at start from files, settings and configured providers.

It decides which endpoints exist for a model and how models are listed (C5). It never ranks them and holds no state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gammainfra.catalog.load import AUTO, FAST, Tables
from gammainfra.catalog.price import priced_at
from gammainfra.catalog.resolve import Asked, Names, build_names
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, Price
from gammainfra.domain.money import PICO_PER_USD

_TOKENIZERS: Final = {
    "anthropic": "Claude",
    "deepseek": "DeepSeek",
    "google": "Gemini",
    "mistral": "Mistral",
    "openai": "GPT",
    "xai": "Grok",
}
_PARAMETERS: Final = (
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
)
_PLACES: Final = 12  # pico-USD
# How OpenRouter's list says that it does not know: a number would be a guess presented as a fact.
_UNKNOWN_LIMITS: Final[dict[str, object]] = {
    "context_length": None,
    "top_provider": {"context_length": None, "max_completion_tokens": None, "is_moderated": False},
}


@dataclass(frozen=True, slots=True)
class Catalog:
    """``endpoints`` holds those of configured providers only; ``everything`` those of all providers known to us."""

    models: Mapping[str, Model]
    endpoints: Mapping[str, tuple[Endpoint, ...]]
    everything: Mapping[str, tuple[Endpoint, ...]]
    names: Names

    def resolve(self, name: str) -> Asked:
        """What a name stands for; Refused 404 ``model_not_found``."""
        return self.names.resolve(name)

    def resolve_chain(self, names: Sequence[str]) -> Asked:
        """What the caller's own chain stands for; Refused 404 ``model_not_found`` or 400 when it is empty."""
        return self.names.resolve_chain(names)

    def endpoints_for(self, model: Model, wall_s: float) -> tuple[Endpoint, ...]:
        """The configured endpoints of a model, with the prices in force at ``wall_s`` (epoch seconds).

        A model that the catalog does not know has one: its provider, asked by the same name, without a price (C26).
        """
        if not model.known:
            return (Endpoint(model.vendor, model, upstream_model=model.name, price=None),)
        return tuple(priced_at(endpoint, wall_s) for endpoint in self.endpoints.get(model.id, ()))

    def offered(self) -> tuple[Model, ...]:
        """The known models that a configured provider serves, in the catalog's order."""
        return tuple(model for model_id, model in self.models.items() if self.endpoints.get(model_id))

    def listing(self, wall_s: float, *, everything: bool = False) -> dict[str, object]:
        """The body of ``GET /v1/models`` (C5): OpenAI's list with OpenRouter's fields, as plain JSON values.

        ``everything`` adds the models without a configured endpoint (``?all=1``).
        """
        served = self.everything if everything else self.endpoints
        prices = {
            model_id: priced_at(endpoints[0], wall_s).price for model_id, endpoints in served.items() if endpoints
        }
        rows = [_choice(AUTO, "Auto: routed by task", self.offered()), _choice(FAST, "Fast", self.offered())]
        rows += [_choice(own.alias, own.alias, own.models) for own in self.names.own.values()]
        for alias, _ in self.names.aliases.values():
            asked = self.resolve(alias)
            if asked.kind == "pin":
                rows.append(_row(asked.models[0], prices.get(asked.models[0].id)) | {"id": alias})
            else:
                rows.append(_choice(alias, alias, asked.models or self.offered()))
        rows += [_row(self.models[model_id], price) for model_id, price in prices.items()]
        rows += [self.row(model) for model in self.names.served]
        return {"object": "list", "data": rows}

    def row(self, model: Model) -> dict[str, object]:
        """How a model that the catalog does not know is listed: without limits and price, as none are known."""
        return _row(model, None)


def build(
    tables: Tables,
    providers: Collection[str],
    aliases: Mapping[str, str] | None = None,
    chains: Mapping[str, Sequence[str]] | None = None,
    *,
    served: Mapping[str, Sequence[str]] | None = None,
    known: Collection[str] | None = None,
) -> Catalog:
    """Build the catalog for the configured ``providers`` (by name) and the settings' ``aliases``, own ``chains``, and

    models that the settings say a provider serves. ``known`` are the providers that a key alone would configure, all of
    the catalog's when None: what none of them serves is not offered as if a key were all it lacks.

    Raises CatalogError when an alias or a chain points to nothing.
    """
    configured = frozenset(providers)
    endpoints = {
        model_id: tuple(one for one in several if one.provider in configured)
        for model_id, several in tables.endpoints.items()
    }
    within = tables.endpoints
    if known is not None:
        reach = configured | frozenset(known)
        within = {key: tuple(one for one in several if one.provider in reach) for key, several in within.items()}
    return Catalog(tables.models, endpoints, within, build_names(tables, configured, aliases, chains, served))


def show_price(pico_per_token: int) -> str:
    """Print pico-USD per token as the exact USD decimal that OpenRouter's clients read, e.g. ``0.00000125``."""
    whole, rest = divmod(pico_per_token, PICO_PER_USD)
    return f"{whole}.{rest:0{_PLACES}d}".rstrip("0").rstrip(".")


def _row(model: Model, price: Price | None) -> dict[str, object]:
    created = int(datetime.fromisoformat(model.released).replace(tzinfo=UTC).timestamp()) if model.released else 0
    pricing = {} if price is None else _pricing(price)
    row = _entry(model.id, model.title, [model], created=created, owner=model.vendor, pricing=pricing)
    return row if model.known else row | _UNKNOWN_LIMITS


def _choice(name: str, title: str, models: Iterable[Model]) -> dict[str, object]:
    """A name that stands for several models: it can do what any of them can, and has no price of its own."""
    return _entry(name, title, list(models), created=0, owner="gammainfra", pricing={})


def _entry(
    name: str, title: str, models: list[Model], *, created: int, owner: str, pricing: dict[str, str]
) -> dict[str, object]:
    able = [model.capabilities for model in models]
    context = max((one.context_tokens for one in able), default=0)
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": owner,
        "name": title,
        "context_length": context,
        "architecture": _architecture(able, _TOKENIZERS.get(owner, "Other")),
        "pricing": pricing,
        "supported_parameters": sorted({parameter for one in able for parameter in _parameters(one)}),
        "top_provider": {
            "context_length": context,
            "max_completion_tokens": max((one.max_output_tokens for one in able), default=0),
            "is_moderated": False,
        },
    }


def _architecture(able: list[Capabilities], tokenizer: str) -> dict[str, object]:
    does = {need for one in able for need in one.does}
    kinds = (("image", "images"), ("file", "documents"), ("audio", "audio"))
    inputs = ["text", *(name for name, need in kinds if need in does)]
    return {
        "modality": f"{'+'.join(inputs)}->text",
        "input_modalities": inputs,
        "output_modalities": ["text"],
        "tokenizer": tokenizer,
    }


def _pricing(price: Price) -> dict[str, str]:
    return {
        "prompt": show_price(price.input_pico),
        "completion": show_price(price.output_pico),
        "input_cache_read": show_price(price.cache_read_pico),
        "input_cache_write": show_price(price.cache_write_pico),
    }


def _parameters(capabilities: Capabilities) -> list[str]:
    parameters = [name for name in _PARAMETERS if name not in capabilities.refuses]
    does = capabilities.does
    if "tools" in does:
        parameters += ["tools", "tool_choice", "parallel_tool_calls"]
    if does & {"json_object", "json_schema"}:
        parameters.append("response_format")
    if "json_schema" in does:
        parameters.append("structured_outputs")
    if "thinking" in does:
        parameters += ["reasoning", "include_reasoning", "reasoning_effort"]
    return [name for name in parameters if name not in capabilities.refuses]
