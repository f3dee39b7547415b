"""The sketch: close to the truth, bounded, and forgetting."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.routing.health.quantiles import Quantiles


def test_an_empty_sketch_knows_nothing() -> None:
    assert Quantiles().quantile(0.5) is None


@given(
    st.lists(st.floats(1.0, 3_000_000.0), min_size=1, max_size=limits.SKETCH_SAMPLES - 1),
    st.sampled_from([0.0, 0.5, 0.95, 1.0]),
)
def test_a_quantile_is_within_five_percent_of_a_value_of_that_rank(values: list[float], share: float) -> None:
    sketch = Quantiles()
    for value in values:
        sketch.add(value)
    truth = sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
    found = sketch.quantile(share)
    assert found is not None
    assert 0.95 * truth <= found <= 1.05 * truth or truth < 1.1


@given(st.lists(st.floats(0.0, 1e12), max_size=1000))
def test_whatever_comes_it_stays_small(values: list[float]) -> None:
    sketch = Quantiles()
    for value in values:
        sketch.add(value)
        assert sketch.n < limits.SKETCH_SAMPLES
    assert len(sketch._counts) <= 161
    assert sketch.n == sum(sketch._counts.values())


def test_what_was_measured_long_ago_fades() -> None:
    sketch = Quantiles()
    for _ in range(1000):
        sketch.add(10_000.0)
    for _ in range(600):
        sketch.add(100.0)
    median = sketch.quantile(0.5)
    assert median is not None
    assert 95 < median < 105
