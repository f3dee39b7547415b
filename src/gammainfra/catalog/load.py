"""Reads the catalog's TOML: the files of this package, then the operator's, whose tables extend or override them.

It decides what a well-formed table is, and turns prices into integers, exactly. It opens no file but its own package's
(callers pass the text of theirs), never fills in a missing price, and never resolves a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from typing import Final

import msgspec

from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, Price, PriceWindow, ThinkingKind
from gammainfra.domain.money import read_usd
from gammainfra.domain.sketch import Need

LABELS: Final = ("reasoning", "code", "creative", "rewrite", "chat", "extraction", "summarize", "translation")
LANES: Final = ("tools", "multimodal")
AUTO: Final = "gammainfra/auto"
FAST: Final = "gammainfra/fast"

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._:/-]*\Z")
_SPAN: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z")
_TTFT_MS: Final = 1500
_TOKENS_PER_S: Final = 60
_PRICED: Final = ("price_source", "long_above", "long_cost", "windows", "tiers")  # what belongs to a cost
_NANO_PER_M_PER_PICO: Final = 1000  # USD per million tokens in nano-USD, divided by this, is pico-USD per token


class CatalogError(ValueError):
    """A catalog file is wrong. The message names file, table and remedy."""


class CostRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens, as text. A cache class left out costs what plain input costs."""

    input: str
    output: str
    cache_read: str | None = None
    cache_write: str | None = None
    cache_write_1h: str | None = None


class WindowRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another cost from a date on, or on certain weekdays (1 is Monday) and hours, in UTC."""

    cost: CostRow
    since: date | None = None
    weekdays: frozenset[int] = frozenset(range(1, 8))
    hours_utc: tuple[str, ...] = ("00:00-24:00",)


class TierRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another service tier costs."""

    cost: CostRow
    long_above: int | None = None
    long_cost: CostRow | None = None


class EndpointRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One provider serving the model; without ``cost`` it is unpriced. None means that this file does not say."""

    provider: str
    region: str = ""
    upstream_model: str | None = None
    dialect: str | None = None
    ttft_ms: int | None = None
    tokens_per_s: int | None = None
    zdr: bool | None = None
    trains_on_data: bool | None = None
    price_source: str | None = None
    cost: CostRow | None = None
    long_above: int | None = None
    long_cost: CostRow | None = None
    windows: tuple[WindowRow, ...] | None = None
    tiers: dict[str, TierRow] | None = None


class LimitRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens: the whole window, and the longest answer."""

    context: int
    output: int


class ModelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model. None means that this file does not say; a later file overrides what it says and nothing else."""

    title: str | None = None
    released: date | None = None
    limit: LimitRow | None = None
    does: frozenset[Need] | None = None
    thinking: ThinkingKind | None = None
    forced_tool_choice: bool | None = None
    refuses: frozenset[str] | None = None
    renames: dict[str, str] | None = None
    quality: dict[str, float] | None = None
    quality_source: str | None = None
    chain: tuple[str, ...] | None = None
    endpoints: tuple[EndpointRow, ...] | None = None


class FileRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One catalog file; ``vendor`` completes the keys of ``models`` that have no vendor of their own."""

    vendor: str = ""
    models: dict[str, dict[str, object]] = {}
    aliases: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the files say, compiled: models by id, their endpoints, aliases, and where each price is from."""

    models: Mapping[str, Model]
    endpoints: Mapping[str, tuple[Endpoint, ...]]
    aliases: Mapping[str, str]
    price_sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something stands, for error messages."""

    file: str
    table: str

    def wrong(self, what: str) -> CatalogError:
        return CatalogError(f"{self.file}: [{self.table}]: {what}")


def built_in() -> tuple[tuple[str, str], ...]:
    """The package's own catalog files as (name, text), sorted by name."""
    folder = resources.files("gammainfra.catalog") / "models"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    return tuple((f"catalog/models/{entry.name}", entry.read_text(encoding="utf-8")) for entry in files)


def load(extra: Iterable[tuple[str, str]] = ()) -> Tables:
    """Compile the built-in files and then ``extra`` ones, given as (file name, text). Raises CatalogError."""
    return compile_files([*built_in(), *extra])


def compile_files(files: Iterable[tuple[str, str]]) -> Tables:
    """Compile files in order, later ones over earlier ones. Raises CatalogError."""
    rows: dict[str, ModelRow] = {}
    places: dict[str, _Place] = {}
    aliases: dict[str, str] = {}
    alias_places: dict[str, _Place] = {}
    for name, text in files:
        file = _parse(name, text)
        for key, table in file.models.items():
            place = _Place(name, f'models."{key}"')
            model_id = _model_id(key, file.vendor, place)
            row = _read_row(table, place)
            rows[model_id] = _overlay_model(rows[model_id], row) if model_id in rows else row
            places[model_id] = place
        aliases.update(file.aliases)
        alias_places.update(dict.fromkeys(file.aliases, _Place(name, "aliases")))
    models = {model_id: _compile_model(model_id, row, places[model_id]) for model_id, row in rows.items()}
    endpoints = {
        model_id: tuple(_compile_endpoint(one, models[model_id], places[model_id]) for one in row.endpoints or ())
        for model_id, row in rows.items()
    }
    _check_references(models, places, aliases, alias_places)
    sources = {
        f"{one.provider}/{models[model_id].name}": one.price_source or ""
        for model_id, row in rows.items()
        for one in row.endpoints or ()
        if one.cost is not None
    }
    return Tables(models, endpoints, aliases, sources)


def pico_per_token(usd_per_million: str) -> int:
    """Turn USD per million tokens into pico-USD per token; ValueError when it is no decimal or does not fit exactly."""
    pico, rest = divmod(read_usd(usd_per_million), _NANO_PER_M_PER_PICO)
    if rest:
        message = f"{usd_per_million!r} is finer than a millionth of a USD per million tokens: use at most 6 places"
        raise ValueError(message)
    return pico


def _parse(name: str, text: str) -> FileRow:
    try:
        return msgspec.toml.decode(text, type=FileRow)
    except msgspec.DecodeError as wrong:  # a ValidationError is one, too
        raise CatalogError(f'{name}: {wrong}. Allowed at the top: vendor, [models."..."], [aliases]') from wrong


def _read_row(table: dict[str, object], place: _Place) -> ModelRow:
    try:
        return msgspec.convert(table, ModelRow)
    except msgspec.ValidationError as wrong:
        raise place.wrong(f"{wrong}. docs/models-and-prices.md lists the fields of a model") from wrong


def _model_id(key: str, vendor: str, place: _Place) -> str:
    model_id = f"{vendor}/{key}" if vendor else key
    if _ID.match(model_id) is None or model_id.startswith("gammainfra/"):
        raise place.wrong(f"{model_id!r} is not a model id: write vendor/name, or give the file a vendor")
    return model_id


def _overlay_model(base: ModelRow, over: ModelRow) -> ModelRow:
    changes = _said(over)
    if over.quality is not None:
        changes["quality"] = {**(base.quality or {}), **over.quality}
    if over.endpoints is not None:
        endpoints = {(row.provider, row.region): row for row in base.endpoints or ()}
        for row in over.endpoints:
            below = endpoints.get((row.provider, row.region))
            endpoints[row.provider, row.region] = row if below is None else _overlay_endpoint(below, row)
        changes["endpoints"] = tuple(endpoints.values())
    return msgspec.structs.replace(base, **changes)


def _overlay_endpoint(base: EndpointRow, over: EndpointRow) -> EndpointRow:
    changes = _said(over)
    if over.cost is not None:  # a new price replaces the whole old one: its tiers, windows and source go with it
        changes |= {name: getattr(over, name) for name in _PRICED}
    return msgspec.structs.replace(base, **changes)


def _said(row: ModelRow | EndpointRow) -> dict[str, object]:
    return {name: said for name in row.__struct_fields__ if (said := getattr(row, name)) is not None}


def _compile_model(model_id: str, row: ModelRow, place: _Place) -> Model:
    if row.limit is None or row.limit.context <= 0 or row.limit.output <= 0:
        raise place.wrong("says no limit: add limit = { context = 200_000, output = 64_000 }")
    vendor, _, name = model_id.partition("/")
    quality = row.quality or {}
    for label, value in quality.items():
        if label not in LABELS + LANES or not 0.0 <= value <= 1.0:
            raise place.wrong(f"quality.{label} = {value}: labels are {', '.join(LABELS + LANES)}, values 0 to 1")
    if quality and not row.quality_source:
        raise place.wrong("rates quality without a source: add quality_source")
    capabilities = Capabilities(
        context_tokens=row.limit.context,
        max_output_tokens=row.limit.output,
        does=frozenset({"tools"}) if row.does is None else row.does,
        thinking=row.thinking or "none",
        refuses=row.refuses or frozenset(),
        renames=row.renames or {},
        forced_tool_choice=row.forced_tool_choice is not False,
    )
    return Model(
        id=model_id,
        vendor=vendor,
        name=name,
        title=row.title or name,
        capabilities=capabilities,
        quality=quality,
        quality_source=row.quality_source or "",
        chain=row.chain or (),
        released="" if row.released is None else row.released.isoformat(),
    )


def _compile_endpoint(row: EndpointRow, model: Model, place: _Place) -> Endpoint:
    if not row.provider:
        raise place.wrong("has an endpoint without a provider: name one")
    tiers = row.tiers or {}
    priced: tuple[EndpointRow | TierRow, ...] = (row, *tiers.values())
    if any((tier.long_above is None) != (tier.long_cost is None) for tier in priced):
        raise place.wrong("long_above and long_cost belong together: give both or neither")
    if row.cost is None and (row.long_cost is not None or row.windows or tiers):
        raise place.wrong("prices long prompts, times of day or service tiers without a cost: add cost")
    return Endpoint(
        provider=row.provider,
        model=model,
        upstream_model=row.upstream_model or model.name,
        price=None if row.cost is None else _price(row.cost, place, row),
        region=row.region,
        dialect=row.dialect or "",
        ttft_ms=row.ttft_ms or _TTFT_MS,
        tokens_per_s=row.tokens_per_s or _TOKENS_PER_S,
        zdr=row.zdr is True,
        trains_on_data=row.trains_on_data is True,
        windows=tuple(_window(window, place) for window in row.windows or ()),
        tiers={name: _price(tier.cost, place, tier) for name, tier in tiers.items()},
    )


def _price(cost: CostRow, place: _Place, row: EndpointRow | TierRow | None = None) -> Price:
    long = None if row is None or row.long_cost is None else _price(row.long_cost, place)
    write = cost.cache_write or cost.input
    try:
        return Price(
            input_pico=pico_per_token(cost.input),
            output_pico=pico_per_token(cost.output),
            cache_read_pico=pico_per_token(cost.cache_read or cost.input),
            cache_write_pico=pico_per_token(write),
            cache_write_1h_pico=pico_per_token(cost.cache_write_1h or write),
            long_above=None if row is None else row.long_above,
            long=long,
        )
    except ValueError as wrong:
        raise place.wrong(f"{wrong}. Prices are USD per million tokens, as text") from wrong


def _window(row: WindowRow, place: _Place) -> PriceWindow:
    if not row.weekdays or not row.weekdays <= frozenset(range(1, 8)):
        raise place.wrong(f"weekdays = {sorted(row.weekdays)}: 1 is Monday, 7 is Sunday")
    since = datetime(1970, 1, 1, tzinfo=UTC)
    if row.since is not None:
        since = datetime(row.since.year, row.since.month, row.since.day, tzinfo=UTC)
    minutes = tuple(_span(text, place) for text in row.hours_utc)
    return PriceWindow(_price(row.cost, place), int(since.timestamp()), row.weekdays, minutes)


def _span(text: str, place: _Place) -> tuple[int, int]:
    match = _SPAN.match(text)
    if match is not None:
        from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
        start, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
        if start < end <= 24 * 60:
            return start, end
    raise place.wrong(f"hours_utc {text!r}: write a span within one day, such as 01:00-04:00")


def _check_references(
    models: Mapping[str, Model],
    places: Mapping[str, _Place],
    aliases: Mapping[str, str],
    alias_places: Mapping[str, _Place],
) -> None:
    for model in models.values():
        unknown = [other for other in model.chain if other not in models or other == model.id]
        if unknown:
            raise places[model.id].wrong(
                f"chain names {', '.join(unknown)}: only other models of the catalog can follow"
            )
    for alias, target in aliases.items():
        if target not in models and target not in {AUTO, FAST}:
            raise alias_places[alias].wrong(f"{alias!r} points to {target!r}, which is no model of the catalog")
