"""What the same tokens would have cost elsewhere, at the catalog's prices of that time.

It decides who is compared; the arithmetic is the catalog's. Other models write other answers: the figure is about the
tokens that were used, and the pages say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gammainfra.catalog import price
from gammainfra.catalog.snapshot import Catalog
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What it would have cost at ``endpoint``; ``more_nano`` is the difference to what it did cost."""

    endpoint: str
    title: str
    cost_nano: int
    more_nano: int


def by_name(catalog: Catalog) -> dict[str, Endpoint]:
    """Every endpoint of a configured provider by ``provider/model``."""
    return {one.name: one for several in catalog.endpoints.values() for one in several}


def elsewhere(usages: Sequence[Usage], endpoints: Iterable[Endpoint], at: float, paid_nano: int) -> list[Elsewhere]:
    """The sums at these endpoints' prices at epoch seconds ``at``, cheapest first; those without a price left out."""
    found = []
    for endpoint in endpoints:
        in_force = price.price_at(endpoint, at)
        if in_force is not None:
            nano = sum(price.charge(usage, in_force).total_nano for usage in usages)
            found.append(Elsewhere(endpoint.name, endpoint.model.title, nano, nano - paid_nano))
    return sorted(found, key=lambda one: (one.cost_nano, one.endpoint))
