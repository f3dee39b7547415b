"""The retry count that SDKs send."""

from __future__ import annotations

import pytest

from gammainfra.domain.options import Options, read_retry_count


@pytest.mark.parametrize(
    ("text", "count"), [(None, 0), ("0", 0), ("2", 2), ("10", 10), ("100", 0), ("-1", 0), ("x", 0)]
)
def test_an_sdk_counts_its_retries(text: str | None, count: int) -> None:
    assert read_retry_count(text) == count


def test_what_was_waited_is_taken_from_the_latency_budget() -> None:
    assert Options(max_latency_ms=5000).later(2.0).max_latency_ms == 3000
    assert Options(max_latency_ms=5000).later(9.0).max_latency_ms == 1
    assert Options(max_latency_ms=5000).later(0.0) == Options(max_latency_ms=5000)
    assert Options().later(2.0) == Options()
