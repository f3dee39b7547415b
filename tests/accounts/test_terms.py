from __future__ import annotations

from decimal import Decimal

import pytest

from gammainfra.accounts.terms import Term, TermWrong, with_terms
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, KeyLimits

KEY = ApiKey("key-1", "local", "laptop", "wxyz", 1_790_000_000.0)


def test_every_term_has_its_place() -> None:
    made = with_terms(
        KEY,
        {
            "day_usd": "1",
            "month_usd": Decimal("20.5"),
            "session_usd": 2,
            "requests_per_minute": 60,
            "tokens_per_minute": 0,
            "allowed_models": ("openai/*",),
            "trial": True,
            "name": " my  desk ",
        },
    )
    assert made.limits == KeyLimits(10**9, 20_500_000_000, 2 * 10**9)
    assert made.rates == RateLimits(requests_per_minute=60)
    assert made.allowed_models == ("openai/*",)
    assert (made.trial, made.hedging, made.name) == (True, True, "my desk")
    assert with_terms(made, {"requests_per_minute": None}).rates is None
    assert with_terms(KEY, {}) == KEY


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("day_usd", "-1", "write a plain decimal such as 0.25"),
        ("month_usd", Decimal("1E-10"), "write a plain decimal"),
        ("session_usd", Decimal("NaN"), "write a plain decimal"),
        ("session_usd", True, "write a plain decimal"),
        ("concurrency", -1, "a whole number from 0"),
        ("tokens_per_minute", "many", "a whole number from 0"),
        ("requests_per_minute", 10**10, "to 1000000000"),
        ("allowed_models", ("gpt",), "names such as openai/gpt-5"),
        ("allowed_models", ("a/b",) * 257, "up to 256 names"),
        ("name", "", "1 to 64 printable characters"),
        ("name", "x" * 65, "1 to 64 printable characters"),
        ("colour", "red", "there is no term colour"),
    ],
)
def test_a_term_that_cannot_be_is_named(name: str, value: Term, words: str) -> None:
    with pytest.raises(TermWrong, match=words) as caught:
        with_terms(KEY, {name: value})
    assert caught.value.name == name
