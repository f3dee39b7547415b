"""Rate-limit headers in the spellings of all providers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.headroom import Headroom
from gammainfra.providers.rate_limits import read_headroom

WALL = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("headers", "headroom"),
    [
        ({}, None),
        ({"x-ratelimit-remaining-requests": "soon"}, None),
        ({"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "25"}, Headroom(0.25)),
        (
            {
                "x-ratelimit-limit-requests": "100",
                "x-ratelimit-remaining-requests": "90",
                "x-ratelimit-limit-tokens": "1000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            Headroom(0.0, 360.0),
        ),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2m59.56s"}, Headroom(0.0, 179.56)),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, Headroom(0.0, 0.02)),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1d2h"}, Headroom(0.0, 600.0)),
        ({"x-ratelimit-remaining-tokens": "7"}, Headroom(1.0)),
        ({"x-ratelimit-limit-tokens": "5", "x-ratelimit-remaining-tokens": "7"}, Headroom(1.0)),
        (
            {
                "anthropic-ratelimit-input-tokens-limit": "1000",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:30Z",
            },
            Headroom(0.0, 30.0),
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2027-01-15T07:59:00",
            },
            Headroom(0.0, 0.0),
        ),
        ({"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "0"}, Headroom(0.0, 60.0)),
        (
            {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "42"},
            Headroom(0.0, 42.0),
        ),
        (
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000012000"},
            Headroom(0.0, 12.0),
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000012"}, Headroom(0.0, 12.0)),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "8"}, Headroom(0.5)),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "Fri, 15 Jan 2027 08:00:05 GMT"},
            Headroom(0.0, 5.0),
        ),
        (
            {
                "date": "Fri, 15 Jan 2027 08:00:03 GMT",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "Fri, 15 Jan 2027 08:00:05 GMT",
            },
            Headroom(0.0, 2.0),
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "later, perhaps"}, Headroom(0.0, 60.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": ""}, Headroom(0.0, 60.0)),
    ],
)
def test_what_is_left_is_read_in_every_spelling(headers: dict[str, str], headroom: Headroom | None) -> None:
    found = read_headroom(headers, WALL)
    assert (found is None) == (headroom is None)
    if found is not None and headroom is not None:
        assert found.left == pytest.approx(headroom.left)
        assert found.empty_s == pytest.approx(headroom.empty_s)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_provider_writes_there_is_survived(limit: str, remaining: str, reset: str) -> None:
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}
    found = read_headroom(headers, WALL)
    assert found is None or (0 <= found.left <= 1 and 0 <= found.empty_s <= 600)
    empty = read_headroom({**headers, "x-ratelimit-remaining": "0"}, WALL)
    assert empty is not None
    assert 0 <= empty.empty_s <= 600
