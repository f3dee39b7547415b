"""The books keep their promises whatever happens, and the histories that say so would notice a broken design."""

from __future__ import annotations

import pytest

from tests.billing.histories import BROKEN, Variant, play


@pytest.mark.parametrize("seeds", [range(n, n + 20) for n in range(0, 100, 20)], ids=lambda seeds: str(seeds.start))
def test_nothing_is_lost_or_taken_twice_or_overdrawn(seeds: range) -> None:
    assert {seed: found for seed in seeds if (found := play(seed))} == {}


@pytest.mark.parametrize("variant", BROKEN)
def test_a_broken_design_is_noticed(variant: Variant) -> None:
    assert any(play(seed, variant=variant) for seed in range(300))
