"""What the owner of a key allows with it, as it is asked for by a command or over the API: checked once, for both.

It decides which values are good and which field of a key each means; it keeps nothing. A term that is not given stays
as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.money import read_usd
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey

Term = str | int | bool | Decimal | tuple[str, ...] | None
Terms = Mapping[str, Term]
NO_TERMS: Final[Terms] = {}

_LIMITS: Final = {"day_usd": "day_nano", "month_usd": "month_nano", "session_usd": "session_nano"}
_RATES: Final = ("requests_per_minute", "tokens_per_minute", "concurrency")


class TermWrong(ValueError):
    """A term that cannot be set: ``name`` is which, the text the form that is accepted."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def with_terms(key: ApiKey, terms: Terms) -> ApiKey:
    """The key with these terms. Raises TermWrong.

    ``day_usd``, ``month_usd``, ``session_usd``: USD, None for no limit; ``requests_per_minute``,
    ``tokens_per_minute``, ``concurrency``: whole numbers, 0 for no limit, None for the installation's rates in all
    three; ``hedging``, ``trial``: whether; ``allowed_models``: names; ``name``.
    """
    for name, value in terms.items():
        if name in _LIMITS:
            key = replace(key, limits=replace(key.limits, **{_LIMITS[name]: _nano(name, value)}))
        elif name in _RATES:
            key = replace(key, rates=_rates(key.rates, name, value))
        elif name in {"hedging", "trial"}:
            key = replace(key, hedging=bool(value)) if name == "hedging" else replace(key, trial=bool(value))
        elif name == "allowed_models":
            key = replace(key, allowed_models=_models(value))
        elif name == "name":
            key = replace(key, name=_name(value))
        else:
            raise TermWrong(name, f"there is no term {name}")
    return key


def _nano(name: str, value: Term) -> int | None:
    if value is None:
        return None
    try:
        return read_usd(format(value, "f") if isinstance(value, Decimal) else str(value))
    except ValueError:
        raise TermWrong(name, f"{name} is not an amount in USD: write a plain decimal such as 0.25") from None


def _rates(rates: RateLimits | None, name: str, value: Term) -> RateLimits | None:
    if value is None:
        return None
    if not isinstance(value, int) or not 0 <= value <= limits.KEY_RATE:
        raise TermWrong(name, f"{name} is a whole number from 0 (no limit) to {limits.KEY_RATE}")
    return replace(rates or RateLimits(), **{name: value})


def _models(value: Term) -> tuple[str, ...]:
    models = value if isinstance(value, tuple) else ()
    named = all(0 < len(one) <= limits.CREDENTIAL_CHARS and one.isprintable() and "/" in one for one in models)
    if len(models) > limits.KEY_MODELS or not named:
        raise TermWrong(
            "allowed_models", f"allowed_models are up to {limits.KEY_MODELS} names such as openai/gpt-5 or openai/*"
        )
    return models


def _name(value: Term) -> str:
    name = " ".join(str(value).split())
    if not 0 < len(name) <= limits.KEY_NAME_CHARS or not name.isprintable():
        raise TermWrong("name", f"name is 1 to {limits.KEY_NAME_CHARS} printable characters")
    return name
