"""Models that can be asked for and the endpoints that serve them, with what each can do and costs.

Values only: catalog loads them, routing chooses among them, gateway asks them. Prices are pico-USD per token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gammainfra.domain.sketch import Need

ThinkingKind = Literal["none", "effort", "budget", "adaptive", "always"]


@dataclass(frozen=True, slots=True)
class Price:
    """Pico-USD per token by class. ``long`` applies to the whole request when the prompt exceeds ``long_above``."""

    input_pico: int
    output_pico: int
    cache_read_pico: int
    cache_write_pico: int
    cache_write_1h_pico: int
    long_above: int | None = None
    long: Price | None = None


@dataclass(frozen=True, slots=True)
class PriceWindow:
    """Another price at certain times, all in UTC: from ``since_s`` (epoch seconds) on, on these ISO ``weekdays``,

    within these spans of minutes of the day (start included, end not).
    """

    price: Price
    since_s: int = 0
    weekdays: frozenset[int] = frozenset(range(1, 8))
    minutes: tuple[tuple[int, int], ...] = ((0, 1440),)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model accepts: facts from the catalog, never guesses from names.

    ``thinking``: ``effort`` takes a reasoning effort (OpenAI), ``budget`` a token budget, ``adaptive`` Anthropic's
    adaptive thinking with effort, ``always`` thinks unasked (DeepSeek). ``refuses`` names parameters (OpenAI's names)
    that the model answers with a 400. ``renames`` maps a parameter to the name this model wants. ``prefill``: a last
    assistant message is continued by the model, where others answer it with a 400.
    ``forced_tool_choice`` False: ``required`` and named tool choices are answered with a 400, ``auto`` is not.
    """

    context_tokens: int
    max_output_tokens: int
    does: frozenset[Need] = frozenset({"tools"})
    thinking: ThinkingKind = "none"
    refuses: frozenset[str] = frozenset()
    renames: Mapping[str, str] = field(default_factory=dict)
    prefill: bool = False
    forced_tool_choice: bool = True


@dataclass(frozen=True, slots=True)
class Model:
    """Something a caller can name: ``id`` is ``vendor/name``. ``quality`` maps a label to 0..1, None when unrated.

    ``chain`` is the published fallback chain: ids of other models, best first (C22).
    """

    id: str
    vendor: str
    name: str
    title: str
    capabilities: Capabilities
    quality: Mapping[str, float] = field(default_factory=dict)
    quality_source: str = ""
    chain: tuple[str, ...] = ()
    released: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One provider serving one model. ``price`` None: not known, so the cost is absent, never 0 (C26).

    ``windows`` are prices for certain times; ``catalog.price.priced_at`` puts the one in force into ``price``.
    ``tiers`` are the prices of service tiers other than the usual one (``flex``, ``priority``, ``fast``): a caller can
    choose a tier only where it has a price. ``dialect`` names
    the one that the model is served in where the provider speaks several, "" for its usual one. ``ttft_ms`` and
    ``tokens_per_s`` are the catalog's priors until enough was measured.
    """

    provider: str
    model: Model
    upstream_model: str
    price: Price | None
    region: str = ""
    ttft_ms: int = 1500
    tokens_per_s: int = 60
    zdr: bool = False
    trains_on_data: bool = False
    windows: tuple[PriceWindow, ...] = ()
    tiers: Mapping[str, Price] = field(default_factory=dict)
    dialect: str = ""

    @property
    def name(self) -> str:
        """``provider/model`` by our names: what headers, records and the chain print."""
        return f"{self.provider}/{self.model.name}"


def key_variable(provider: str) -> str:
    """The environment variable that configures a provider, e.g. ``OPENAI_API_KEY``: errors name it (C68)."""
    return provider.upper().replace("-", "_").replace(".", "_") + "_API_KEY"
