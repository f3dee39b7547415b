"""Which of our keys at a provider an attempt takes.

The best state first; among equals the key that the task used before, because prompt caches belong to an organisation;
else the one with the fewest requests in flight, then the one with the most left of its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Standing(NamedTuple):
    """A key at one endpoint. ``badness`` as in ``EndpointHealth.badness``; ``left`` 0..1 of its limits (1: unknown)."""

    id: str
    badness: int
    not_before: float
    in_flight: int
    left: float


def choose_key(standings: Sequence[Standing], before: str) -> Standing:
    """The key to ask with; ``before`` is the task's last one, "" without one."""
    return min(standings, key=lambda one: (one.badness, one.not_before, one.id != before, one.in_flight, -one.left))
