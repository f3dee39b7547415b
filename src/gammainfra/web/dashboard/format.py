"""How values are written for people: money, tokens, durations, shares, times. It decides digits and words only.

Money is made from integers and never passes through a float. Times are UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gammainfra.domain.money import NANO_PER_USD, show_usd

UNKNOWN: Final = "–"
_THOUSAND: Final = 1000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def money(nano_usd: int | None) -> str:
    """An amount at a glance: cents from ten dollars on, three significant digits below one; "no price" for None."""
    if nano_usd is None:
        return "no price"
    sign, nano = ("−" if nano_usd < 0 else ""), abs(nano_usd)
    if nano == 0:
        return "$0"
    if nano >= 10 * NANO_PER_USD:
        return f"{sign}${_rounded(nano, 2)}"
    if nano >= NANO_PER_USD:
        return f"{sign}${_rounded(nano, 3)}"
    places = 9 - len(str(nano)) + 3
    return f"{sign}${_rounded(nano, min(9, max(4, places)))}"


def cost(nano_usd: int | None) -> str:
    """An amount in a column: always five decimals, so that the digits of a column stand below each other."""
    if nano_usd is None:
        return "no price"
    if 0 < nano_usd < NANO_PER_USD // 200_000:
        return "<$0.00001"
    return f"${_rounded(nano_usd, 5)}"


def exact(nano_usd: int | None) -> str:
    """Every digit there is."""
    return "no price is known" if nano_usd is None else f"{show_usd(nano_usd)} USD"


def per_million(pico_per_token: int) -> str:
    """A price: USD per million tokens. A pico-USD for each token is a micro-USD for a million."""
    whole, rest = divmod(pico_per_token, 10**6)
    places = f"{rest:06d}".rstrip("0")
    return f"${whole:,}.{places.ljust(2, '0')}"


def rate(nano_usd: int, tokens: int) -> str:
    """What was paid for each million of these tokens; "" without tokens."""
    return per_million((nano_usd * 1000 + tokens // 2) // tokens) if tokens else ""


def count(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


def short(number: int) -> str:
    """A number in few characters: 950, 12.3k, 4.56M."""
    if number < _THOUSAND:
        return str(number)
    if number < 999_950:  # noqa: PLR2004 - what rounds to 1,000k is 1.00M
        return f"{number / 1e3:.1f}k" if number < 99_950 else f"{number / 1e3:.0f}k"  # noqa: PLR2004
    if number < 999_950_000:  # noqa: PLR2004
        return f"{number / 1e6:.2f}M"
    return f"{number / 1e9:.2f}B"


def duration(ms: float | None) -> str:
    """A time span: 840 ms, 1.24 s, 12.3 s, 2 min 5 s, 1 h 12 min, 3 d 4 h."""
    if ms is None:
        return UNKNOWN
    if ms < 1:
        return f"{ms:.1f} ms"
    if ms < 999.5:  # noqa: PLR2004
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < _MINUTE_S - 0.05:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"  # noqa: PLR2004
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // 60} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def share(part: float, whole: float) -> str:
    """A part in per cent; the dash when there is no whole."""
    if not whole:
        return UNKNOWN
    percent = 100 * part / whole
    if 0 < percent < 0.1:  # noqa: PLR2004
        return "<0.1%"
    if percent < 10 and percent != int(percent):  # noqa: PLR2004
        return f"{percent:.1f}%"
    return f"{percent:.0f}%"


def change(now: float, before: float) -> str:
    """How much more or less than before: "+12%"; "" when there was nothing before."""
    if not before:
        return ""
    percent = 100 * (now - before) / before
    if abs(percent) < 0.5:  # noqa: PLR2004
        return "±0%"
    shown = f"{abs(percent):,.0f}%" if abs(percent) < 1000 else f"{1 + percent / 100:,.0f}×"  # noqa: PLR2004
    return shown if shown.endswith("×") else ("+" if percent > 0 else "−") + shown


def clock(at: float) -> str:
    """The time of day."""
    return _utc(at).strftime("%H:%M:%S")


def day(at: float) -> str:
    """The date: 23 Nov."""
    when = _utc(at)
    return f"{when.day} {when:%b}"


def moment(at: float, now: float) -> str:
    """The time of day, with the date before it when that is not today's."""
    if _utc(at).date() == _utc(now).date():
        return clock(at)
    return f"{day(at)} {_utc(at):%H:%M}"


def full(at: float) -> str:
    """Date and time to the millisecond, in UTC."""
    return _utc(at).strftime("%Y-%m-%d %H:%M:%S.") + f"{_utc(at).microsecond // 1000:03d} UTC"


def iso(at: float) -> str:
    """For machines."""
    return _utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(at: float, now: float) -> str:
    """How long since: now, 40 s, 5 min, 3 h, 12 d."""
    seconds = max(0, int(now - at))
    if seconds < 5:  # noqa: PLR2004
        return "just now"
    for size, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def plural(number: int, noun: str) -> str:
    """1 step, 3 steps, 2 retries."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{number:,} {noun}s"


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _rounded(nano: int, places: int) -> str:
    """A decimal of so many places, half to even."""
    unit = 10 ** (9 - places)
    whole, rest = divmod(nano, unit)
    if rest * 2 > unit or (rest * 2 == unit and whole % 2):
        whole += 1
    head, tail = divmod(whole, 10**places)
    return f"{head:,}.{tail:0{places}d}" if places else f"{head:,}"
