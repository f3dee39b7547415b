"""Turns the name a caller wrote into models (C20..C26): pins, aliases, own names, and other gateways' spellings.

It decides what a name means, once, from tables made at start. It never chooses among endpoints and never looks at
health, price or request; a name it does not know is refused with the nearest ones that exist.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

from gammainfra.catalog.load import AUTO, FAST, CatalogError, Tables
from gammainfra.domain.endpoint import Capabilities, Model
from gammainfra.domain.failure import Refused

AskedKind = Literal["pin", "auto", "fast", "chain"]

# OpenRouter's spelling of a vendor -> ours.
_VENDORS: Final = {"x-ai": "xai", "mistralai": "mistral"}
# OpenRouter's variants of a model: they say how to route, not which model.
_SUFFIXES: Final = frozenset({"free", "nitro", "floor", "online", "thinking", "extended", "beta", "exacto"})
_SNAPSHOT: Final = re.compile(r"-20\d{2}-?[01]\d-?[0-3]\d\Z")
_NAME_CHARS: Final = 200  # no longer name means anything, and messages show no more of one
# Nothing is known of a model that passes through, so nothing is held against it.
_UNKNOWN: Final = Capabilities(
    context_tokens=10_000_000,
    max_output_tokens=10_000_000,
    does=frozenset({"tools", "images", "documents", "audio", "json_schema", "json_object", "thinking"}),
    thinking="effort",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a name stands for.

    ``pin``: the model named, then its published chain (C22). ``chain``: the caller's or the operator's own chain.
    ``auto`` and ``fast``: no models, routing chooses among all. ``alias`` is the name as it matched in ``[aliases]``
    or among the own names, "" without one. ``provider`` is set when the caller pinned another provider than the
    model's vendor (``bedrock/claude-...``): that endpoint first.
    """

    kind: AskedKind
    models: tuple[Model, ...] = ()
    alias: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """All names that mean something here. Keys are written as ``_key`` writes them.

    ``aliases`` holds exact ones as (alias, target), ``patterns`` those with a ``*``, the longest first. ``served`` are
    the models that only the operator's settings name (``[providers.<name>] models``).
    """

    models: Mapping[str, Model]
    pins: Mapping[str, Asked]
    providers: frozenset[str]
    aliases: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    patterns: tuple[tuple[re.Pattern[str], str, str], ...] = ()
    own: Mapping[str, Asked] = field(default_factory=dict)
    served: tuple[Model, ...] = ()

    def resolve(self, name: str) -> Asked:
        """What ``name`` stands for; Refused 404 ``model_not_found`` with near names when it stands for nothing."""
        if len(name) > _NAME_CHARS:
            raise self._not_found(name)
        aliased = self._alias(name)
        if aliased is None:
            return self._resolve_plain(name)
        alias, target = aliased
        return replace(self._resolve_plain(target), alias=alias)

    def resolve_chain(self, names: Sequence[str]) -> Asked:
        """The caller's own chain (C23): every name's first model, in order, or the choice of ``auto`` or ``fast`` when

        that is asked for first. Refused as ``resolve`` refuses; 400 for an empty chain.
        """
        asked = [self.resolve(name) for name in names]
        if not asked:
            raise Refused(400, "invalid_request", "models is empty: name at least one model", "models", retry=False)
        if asked[0].kind in {"auto", "fast"}:
            return asked[0]
        models: list[Model] = []
        for one in asked:
            models.extend(one.models if one.kind == "chain" else one.models[:1])
        return Asked("chain", tuple({model.id: model for model in models}.values()), provider=asked[0].provider)

    def _alias(self, name: str) -> tuple[str, str] | None:
        exact = self.aliases.get(_key(name))
        if exact is not None:
            return exact
        for pattern, alias, target in self.patterns:
            if pattern.match(_key(name)):
                return alias, target
        return None

    def _resolve_plain(self, name: str) -> Asked:
        key = _key(name)
        if key == _key(AUTO):
            return Asked("auto")
        if key == _key(FAST):
            return Asked("fast")
        if key in self.own:
            return self.own[key]
        for spelling in _spellings(key):
            if spelling in self.pins:
                return self.pins[spelling]
        prefix, _, rest = name.partition("/")
        for provider in (prefix, _VENDORS.get(prefix, prefix)):
            if provider in self.providers and rest:
                return Asked("pin", (_pass_through(provider, rest),))
        raise self._not_found(name)

    def _not_found(self, name: str) -> Refused:
        shown = name[:_NAME_CHARS]
        ids = {_key(model_id): model_id for model_id in self.models}
        ids |= {_key(model.name): model.id for model in (*self.models.values(), *self.served)}
        ids |= {_key(model.id): model.id for model in self.served}
        near = dict.fromkeys(ids[key] for key in difflib.get_close_matches(_key(shown), ids, n=5, cutoff=0.6))
        message = f"The model {shown!r} does not exist here."
        if near:
            message += f" Did you mean {' or '.join(list(near)[:3])}?"
        provider, slash, _ = shown.partition("/")
        if slash and provider not in self.providers:
            message += f" No provider named {provider!r} is configured."
        message += " GET /v1/models lists every model that can be asked for."
        return Refused(404, "model_not_found", message, "model", retry=False)


def build_names(
    tables: Tables,
    providers: Collection[str],
    aliases: Mapping[str, str] | None = None,
    chains: Mapping[str, Sequence[str]] | None = None,
    served: Mapping[str, Sequence[str]] | None = None,
) -> Names:
    """Make the tables: ``aliases`` (``*`` matches anything; exact ones and longer ones win) and own ``chains`` are the

    operator's settings and come before every other name. An alias points to a plain name, never to another alias.
    ``served`` maps a provider to models that it serves; one that the catalog knows there is the catalog's.
    CatalogError when an alias or a chain points to nothing.
    """
    pins = _pins(tables)
    extra = [_pass_through(provider, name) for provider, names in (served or {}).items() for name in names]
    unknown = {_key(model.id): model for model in extra if _key(model.id) not in pins}
    pins |= {key: Asked("pin", (model,)) for key, model in unknown.items()}
    names = Names(tables.models, pins, frozenset(providers), served=tuple(unknown.values()))
    own = {}
    for name, members in (chains or {}).items():
        asked = _check(f'models."{name}"', partial(names.resolve_chain, members))
        own[_key(name)] = replace(asked, alias=name)
    names = replace(names, own=own)
    exact: dict[str, tuple[str, str]] = {}
    wild: list[tuple[re.Pattern[str], str, str]] = []
    for alias, target in (aliases or {}).items():
        _check(f'aliases."{alias}"', partial(names.resolve, target))
        if "*" in alias:
            wild.append((_pattern(alias), alias, target))
        else:
            exact[_key(alias)] = (alias, target)
    wild.sort(key=lambda entry: len(entry[1]), reverse=True)
    return replace(names, aliases=exact, patterns=tuple(wild))


def _check(table: str, ask: Callable[[], Asked]) -> Asked:
    try:
        return ask()
    except Refused as refused:
        raise CatalogError(f"settings: [{table}]: {refused.message}") from refused


def _pins(tables: Tables) -> dict[str, Asked]:
    """Every spelling of every model; what comes first wins, so a full id is never taken by a shorter name."""
    pins: dict[str, Asked] = {}
    asked = {
        model.id: Asked("pin", (model, *(tables.models[follower] for follower in model.chain)))
        for model in tables.models.values()
    }
    for model_id, pin in asked.items():
        pins[_key(model_id)] = pin
    for alias, target in tables.aliases.items():
        pins.setdefault(_key(alias), asked.get(target) or Asked("auto" if target == AUTO else "fast"))
    for model_id, endpoints in tables.endpoints.items():
        model = tables.models[model_id]
        pins.setdefault(_key(model.name), asked[model_id])
        for endpoint in endpoints:
            elsewhere = "" if endpoint.provider == model.vendor else endpoint.provider
            pin = replace(asked[model_id], provider=elsewhere)
            pins.setdefault(_key(endpoint.name), pin)
            pins.setdefault(_key(f"{endpoint.provider}/{endpoint.upstream_model}"), pin)
    return pins


def _key(name: str) -> str:
    """How names are compared: case does not count, and ``4.7`` is ``4-7``."""
    return name.strip().lower().replace(".", "-")


def _spellings(key: str) -> list[str]:
    """The ways in which ``key`` may name a model, best first: as it stands, in our spelling, without date."""
    stem, colon, suffix = key.rpartition(":")
    spellings = [key, stem] if colon and suffix in _SUFFIXES else [key]
    vendor, slash, rest = spellings[-1].partition("/")
    if slash and vendor in _VENDORS:
        spellings.append(f"{_VENDORS[vendor]}/{rest}")
    undated = _SNAPSHOT.sub("", spellings[-1])
    if undated != spellings[-1]:
        spellings.append(undated)
    return spellings


def _pattern(alias: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(_key(part)) for part in alias.split("*")) + r"\Z", re.DOTALL)


def _pass_through(provider: str, name: str) -> Model:
    return Model(f"{provider}/{name}", provider, name, title=name, capabilities=_UNKNOWN, known=False)
