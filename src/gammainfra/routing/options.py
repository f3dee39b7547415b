"""The ``X-GammaInfra-*`` request headers as Options: a strict grammar, so that a typing error is told, never ignored.

It decides what each header may say (contract C22, C30..C39) and refuses everything else with a 400 that names the
header, the value and the allowed form. It never looks at the body and never decides what follows from a value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.ids import is_visible_ascii
from gammainfra.domain.money import read_usd
from gammainfra.domain.options import AllowFallbacks, Options, Preference, read_retry_count

PREFIX: Final = "X-GammaInfra-"
KNOWN_HEADERS: Final = tuple(
    PREFIX + name
    for name in (
        "Cost-Quality",
        "Preference",
        "Max-Latency-Ms",
        "Max-Cost-USD",
        "Max-Session-USD",
        "Session-Id",
        "Region",
        "Allow-Fallbacks",
        "Explain",
        "Tool-Deltas",
    )
)
_SHOWN_CHARS: Final = 80

_DIAL: Final = re.compile(r"0(?:\.\d{1,6})?|1(?:\.0{1,6})?", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[1-9]\d{0,6}", re.ASCII)
_REGION: Final = re.compile(r"[a-z](?:-?[a-z0-9]){1,31}", re.ASCII)
_PREFERENCES: Final[Mapping[str, Preference]] = {"latency": "latency", "cost": "cost", "quality": "quality"}
_FALLBACKS: Final[Mapping[str, AllowFallbacks]] = {"any": "any", "same-model": "same-model", "none": "none"}

_AMOUNT_FORM: Final = "a plain decimal amount in USD such as 0.25 (at most nine places)"

Value = TypeVar("Value")


def read_options(headers: Mapping[str, str]) -> Options:
    """Read the options of one request; header names in any case, values without surrounding blanks.

    Raises Refused 400 ``invalid_request`` for a malformed value and for an ``X-GammaInfra-`` header nobody knows.
    """
    given = {name.lower(): text for name, text in headers.items()}
    ours = [name for name in given if name.startswith("x-gammainfra-")]
    retry_count = read_retry_count(given.get("x-stainless-retry-count"))
    idempotency_key = _read(
        given, "Idempotency-Key", _visible(limits.IDEMPOTENCY_KEY_CHARS), _visible_form(limits.IDEMPOTENCY_KEY_CHARS)
    )
    if not ours:
        return Options(idempotency_key=idempotency_key, retry_count=retry_count)
    for name in ours:
        if name not in _CANONICAL:
            raise _unknown(name)
    # `live` (C39) is not offered yet: whole calls are all there is, and asking for anything else must be told.
    _one_of(given, "Tool-Deltas", {"whole": "whole"})
    return Options(
        dial=_ours(given, "Cost-Quality", _dial, "a number from 0.0 to 1.0"),
        preference=_one_of(given, "Preference", _PREFERENCES),
        max_latency_ms=_ours(
            given, "Max-Latency-Ms", _milliseconds, f"whole milliseconds from 1 to {limits.MAX_LATENCY_MS}"
        ),
        max_cost_nano=_ours(given, "Max-Cost-USD", read_usd, _AMOUNT_FORM),
        max_session_nano=_ours(given, "Max-Session-USD", read_usd, _AMOUNT_FORM),
        session_id=_ours(
            given, "Session-Id", _visible(limits.SESSION_ID_CHARS), _visible_form(limits.SESSION_ID_CHARS)
        ),
        region=_ours(given, "Region", _region, "us, eu, apac or a cloud region such as eu-west-1"),
        allow_fallbacks=_one_of(given, "Allow-Fallbacks", _FALLBACKS) or "any",
        explain=_one_of(given, "Explain", {"1": True, "0": False}) or False,
        idempotency_key=idempotency_key,
        retry_count=retry_count,
    )


_CANONICAL: Final = {name.lower(): name for name in KNOWN_HEADERS}


def _ours(given: Mapping[str, str], name: str, reader: Callable[[str], Value], form: str) -> Value | None:
    return _read(given, PREFIX + name, reader, form)


def _one_of(given: Mapping[str, str], name: str, words: Mapping[str, Value]) -> Value | None:
    def word(text: str) -> Value:
        if text not in words:
            raise ValueError
        return words[text]

    return _read(given, PREFIX + name, word, " or ".join(words))


def _read(given: Mapping[str, str], header: str, reader: Callable[[str], Value], form: str) -> Value | None:
    """The value of a header, None when it is absent; ``reader`` raises ValueError for what is not of the form."""
    text = given.get(header.lower())
    if text is None:
        return None
    try:
        return reader(text)
    except ValueError:
        message = f"{header}: {_shown(text)} is not allowed. Write {form}."
        raise Refused(400, "invalid_request", message, param=header) from None


def _unknown(name: str) -> Refused:
    near = difflib.get_close_matches(name[:_SHOWN_CHARS], _CANONICAL, n=1)
    remedy = f"Did you mean {_CANONICAL[near[0]]}?" if near else f"Known are {', '.join(KNOWN_HEADERS)}."
    shown = _shown(name)
    return Refused(400, "invalid_request", f"There is no request header {shown}. {remedy}", param=shown.strip("'"))


def _shown(text: str) -> str:
    """A header's text as it may stand in an error: short, and printable whatever was sent."""
    return ascii(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "...")


def _dial(text: str) -> float:
    return float(_matching(_DIAL, text))


def _milliseconds(text: str) -> int:
    number = int(_matching(_MILLISECONDS, text))
    if number > limits.MAX_LATENCY_MS:
        raise ValueError
    return number


def _region(text: str) -> str:
    return _matching(_REGION, text)


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError
    return text


def _visible(at_most: int) -> Callable[[str], str]:
    def reader(text: str) -> str:
        if not is_visible_ascii(text, at_most):
            raise ValueError
        return text

    return reader


def _visible_form(at_most: int) -> str:
    return f"1 to {at_most} visible ASCII characters without blanks"
