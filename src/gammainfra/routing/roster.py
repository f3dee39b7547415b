"""Every endpoint that can be chosen unasked, with what each request would otherwise compute anew.

Made once for each catalog; holds nothing of any request. It decides which models are good enough for a kind of work to
be chosen for it, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from gammainfra.catalog.snapshot import Catalog
from gammainfra.domain import limits
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.plan import Dropped
from gammainfra.routing.classify import Label

# What a model must be worth at least for a kind of work to be chosen unasked (0..1, the catalog's quality table). An
# agent's step that goes wrong costs further steps, so the bar is higher there than for a chat.
ACCEPTABLE: Final[Mapping[Label, float]] = {"tools": 0.75, "code": 0.7, "reasoning": 0.7, "multimodal": 0.65}
ACCEPTABLE_ELSE: Final = 0.6
OUTRANKED: Final = f"others rank higher, and only {limits.ATTEMPTS_PER_TURN} are tried"


@dataclass(frozen=True, slots=True)
class Entry:
    """One configured endpoint, seen for one label; ``rating`` is its model's quality there (0 when unrated)."""

    endpoint: Endpoint
    name: str
    rating: float


@dataclass(frozen=True, slots=True)
class Field:
    """The endpoints for one label in the catalog's order: those good enough, the others, and why the others are not."""

    good: tuple[Entry, ...]
    poor: tuple[Entry, ...]
    rejected: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    """A catalog, ready for planning. ``outranked`` says of each endpoint, by name, that better ones filled a plan."""

    catalog: Catalog
    fields: Mapping[Label, Field]
    outranked: Mapping[str, Dropped]


def enrol(catalog: Catalog) -> Roster:
    """Make the roster of a catalog: all endpoints of configured providers."""
    endpoints = [endpoint for model in catalog.offered() for endpoint in catalog.endpoints[model.id]]
    labels: tuple[Label, ...] = get_args(Label)
    return Roster(
        catalog,
        fields={label: _field(label, endpoints) for label in labels},
        outranked={endpoint.name: Dropped(endpoint.name, OUTRANKED) for endpoint in endpoints},
    )


def _field(label: Label, endpoints: list[Endpoint]) -> Field:
    bar = ACCEPTABLE.get(label, ACCEPTABLE_ELSE)
    entries = [Entry(one, one.name, one.model.quality.get(label, 0.0)) for one in endpoints]
    poor = tuple(entry for entry in entries if entry.rating < bar)
    return Field(
        good=tuple(entry for entry in entries if entry.rating >= bar),
        poor=poor,
        rejected=tuple(
            Dropped(entry.name, f"its quality for {label} is {entry.rating:.2f}, below {bar:.2f}") for entry in poor
        ),
    )
