"""Reads rate-limit headers in the spellings of all providers into one Headroom; the clock used is the provider's own.

Sources: OpenAI and Groq (``x-ratelimit-remaining-requests``, resets as ``1s``, ``6m0s``, ``20ms``), Anthropic
(``anthropic-ratelimit-*``, resets in RFC 3339), Mistral (``...-req-minute``, ``ratelimitbysize-*``), OpenRouter
(``x-ratelimit-remaining``, reset in epoch milliseconds), the IETF draft (``ratelimit-remaining``, reset in seconds).
It decides nothing: what is left is what they say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.headroom import Headroom

# (limit, remaining, reset): one row for each quantity that is limited.
_SPELLINGS: Final = (
    *[tuple(f"x-ratelimit-{part}-{what}" for part in ("limit", "remaining", "reset")) for what in
      ("requests", "tokens", "req-minute", "tokens-minute", "requests-day", "tokens-day")],
    *[tuple(f"anthropic-ratelimit-{what}-{part}" for part in ("limit", "remaining", "reset")) for what in
      ("requests", "tokens", "input-tokens", "output-tokens")],
    *[tuple(f"{prefix}-{part}" for part in ("limit", "remaining", "reset")) for prefix in
      ("x-ratelimit", "ratelimit", "ratelimitbysize")],
)  # fmt: skip
_WINDOW_S: Final = 60.0  # of a limit that says nothing of its reset: they count by the minute
_EPOCH_S: Final = 1e9
_EPOCH_MS: Final = 1e11
_DURATION: Final = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)(ms|s))?")


def read_headroom(headers: Mapping[str, str], wall: float) -> Headroom | None:
    """What is left; None when the answer does not say. ``headers`` has lower-case names, ``wall`` is epoch seconds."""
    shares: list[float] = []
    empty_s = 0.0
    for limit, remaining, reset in _SPELLINGS:
        left = _number(headers.get(remaining))
        if left is None:
            continue
        most = _number(headers.get(limit)) or 0.0
        shares.append(min(left / most, 1.0) if most else float(left > 0))
        if left == 0:
            empty_s = max(empty_s, _reset_s(headers.get(reset), _now(headers, wall)))
    return Headroom(min(shares), min(empty_s, limits.COOLDOWN_MAX_S)) if shares else None


def _now(headers: Mapping[str, str], wall: float) -> float:
    sent = _date(headers.get("date", ""))
    return wall if sent is None else sent


def _reset_s(text: str | None, now: float) -> float:
    """Seconds until a limit is full again, from a duration, a number of seconds or a moment."""
    if text is None:
        return _WINDOW_S
    number = _number(text)
    if number is not None:
        moment_s = number / 1000 if number >= _EPOCH_MS else number
        return max(moment_s - now, 0.0) if number >= _EPOCH_S else number
    found = _DURATION.fullmatch(text.strip())
    if found is not None and any(found.groups()):
        days, hours, minutes, number_text, unit = found.groups(default="0")
        seconds = float(number_text) / (1000 if unit == "ms" else 1)
        return int(days) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + seconds
    moment = _date(text)
    return _WINDOW_S if moment is None else max(moment - now, 0.0)


def _number(text: str | None) -> float | None:
    """A finite number >= 0; of Mistral's and the draft's lists (``100, 100;w=60``) the first."""
    try:
        number = float((text or "").split(",")[0].split(";")[0])
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(text: str) -> float | None:
    """Epoch seconds of an RFC 3339 or HTTP date."""
    try:
        moment = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
