"""The cost-quality dial: which of several offers is worth its price (contract C30).

It turns a dial value into a budget for the expected cost of this request and picks the best offer within it; it never
drops an offer and knows nothing of sessions or health. The budget runs geometrically from the dearest admissible offer
(dial 0) to the cheapest (dial 1), so equal steps of the dial divide the cost by equal factors.

Why the expected cost never rises with the dial: the budget never rises, and the best of a smaller set is either the
same offer or one that fits where the old one no longer did, which is cheaper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

# A free offer (a local model) would pull every budget to zero at the first touch of the dial.
_LARGEST_RATIO: Final = 10_000.0


class Offer(Protocol):
    """What the dial sees of an endpoint.

    ``cost`` is expected, in whole pico-USD; None when it is not known: such an offer comes behind all others.
    """

    @property
    def worth(self) -> float:
        """Its quality for the request, about 0..1."""
        ...

    @property
    def cost(self) -> int | None:
        """What the request will probably cost there."""
        ...


Some = TypeVar("Some", bound=Offer)


def budget(cheapest: float, dearest: float, dial: float) -> float:
    """The most that an answer may be expected to cost at ``dial``, in the unit of the costs (>= 0)."""
    if dial >= 1.0 or dearest <= cheapest:
        return cheapest
    floor = max(cheapest, dearest / _LARGEST_RATIO)
    # Powers of numbers >= 0 are floats; the type checker cannot know that.
    return max(cheapest, float(dearest ** (1.0 - dial) * floor**dial))


def by_dial(offers: Sequence[Some], dial: float) -> list[Some]:
    """Order offers, best first: those within the budget by worth, then the others by cost, then the unpriced.

    Equal worth goes by cost, equal cost by the given order.
    """
    costs = [offer.cost for offer in offers if offer.cost is not None]
    most = budget(min(costs), max(costs), dial) if costs else 0.0

    def key(offer: Some) -> tuple[int, float, float]:
        cost = offer.cost
        if cost is None:
            return (2, -offer.worth, 0.0)
        return (0, -offer.worth, cost) if cost <= most else (1, cost, -offer.worth)

    return sorted(offers, key=key)
