"""What a provider says is left of a key's limits, read from the headers of any of its answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headroom:
    """``left`` is the scarcest limit's share that is left, 0..1. ``empty_s``: for so many seconds one of them is 0."""

    left: float = 1.0
    empty_s: float = 0.0
