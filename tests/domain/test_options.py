"""The retry count that SDKs send."""

from __future__ import annotations

import pytest

from gammainfra.domain.options import read_retry_count


@pytest.mark.parametrize(
    ("text", "count"), [(None, 0), ("0", 0), ("2", 2), ("10", 10), ("100", 0), ("-1", 0), ("x", 0)]
)
def test_an_sdk_counts_its_retries(text: str | None, count: int) -> None:
    assert read_retry_count(text) == count
