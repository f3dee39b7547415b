"""How long a provider asks to wait, from its headers or its words; the clock used is the provider's own.

Sources: RFC 9110 section 10.2.3 (``Retry-After``), OpenAI's ``retry-after-ms``, "try again in 1m2.5s" in messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

_IN_WORDS: Final = re.compile(r"try again in (?:(\d{1,3})m)?(\d{1,6}(?:\.\d{1,9})?)(ms|s)\b")


def retry_after_s(headers: Mapping[str, str], message: str = "") -> float | None:
    """Seconds to wait (>= 0), None when the provider does not say. ``headers`` has lower-case names."""
    exact = _seconds(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    wait = headers.get("retry-after")
    if wait is not None:
        seconds = _seconds(wait)
        return seconds if seconds is not None else _until(wait, headers.get("date"))
    found = _IN_WORDS.search(message)
    if found is None:
        return None
    minutes, number, unit = found.groups(default="0")
    return int(minutes) * 60 + float(number) / (1000 if unit == "ms" else 1)


def _seconds(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(date: str, now: str | None) -> float | None:
    """The distance between a date and the answer's own ``Date``."""
    if now is None:
        return None
    try:
        distance = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except (ValueError, TypeError):
        return None
    return max(0.0, distance.total_seconds())
