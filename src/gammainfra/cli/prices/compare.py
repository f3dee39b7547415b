"""Where two sources disagree about an endpoint: by token class, by tier and by the hour of the week.

It compares prices in force, hour by hour over a week, so two ways of writing the same price agree. A service tier that
one side does not know is no disagreement; a long-context tier is one row when only one side has it. It never says who
is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from gammainfra.catalog.price import price_at
from gammainfra.domain.endpoint import Endpoint, Price

ALWAYS: Final = "always"

_LONG: Final = "long_above"
_HOUR_S: Final = 3600
_WEEK_HOURS: Final = 7 * 24
_DAYS: Final = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")  # 1970-01-01 was a Thursday
_CLASSES: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h")

Rates = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One class of tokens of one endpoint, in pico-USD per token; None where a side has no such price.

    ``what`` is the class, after ``long.`` or the tier's name; ``when`` is ``always`` or hours of the week (UTC).
    """

    endpoint: str
    what: str
    ours: int | None
    theirs: int | None
    when: str

    @property
    def is_bound(self) -> bool:
        """Whether the two numbers are the tokens above which a prompt is long, and no prices."""
        return self.what.endswith(_LONG)


def differences(ours: Endpoint, theirs: Endpoint, from_s: int) -> tuple[Difference, ...]:
    """Every disagreement in the week that begins at the full hour at or before ``from_s`` (epoch seconds)."""
    start_s = from_s - from_s % _HOUR_S
    found: dict[tuple[str, int | None, int | None], list[int]] = {}
    for hour in range(_WEEK_HOURS):
        at = start_s + hour * _HOUR_S
        mine, other = _rates(price_at(ours, at)), _rates(price_at(theirs, at))
        for what in _names(mine, other):
            if mine.get(what) != other.get(what):
                found.setdefault((what, mine.get(what), other.get(what)), []).append(at)
    rows = [Difference(ours.name, *difference, _when(hours)) for difference, hours in found.items()]
    for name in ours.tiers.keys() & theirs.tiers.keys():
        mine, other = _rates(ours.tiers[name]), _rates(theirs.tiers[name])
        rows += [
            Difference(ours.name, f"{name}.{what}", mine.get(what), other.get(what), ALWAYS)
            for what in _names(mine, other)
            if mine.get(what) != other.get(what)
        ]
    return tuple(rows)


def _names(mine: Rates, other: Rates) -> list[str]:
    names = list(dict.fromkeys((*mine, *other)))
    if (_LONG in mine) is (_LONG in other):
        return names
    return [name for name in names if not name.startswith("long.")]


def _rates(price: Price | None) -> Rates:
    if price is None:
        return {}
    rates: Rates = {name: getattr(price, f"{name}_pico") for name in _CLASSES}
    if price.long is not None:
        rates[_LONG] = price.long_above
        rates |= {f"long.{name}": getattr(price.long, f"{name}_pico") for name in _CLASSES}
    return rates


def _when(hours: Sequence[int]) -> str:
    if len(hours) == _WEEK_HOURS:
        return ALWAYS
    days: dict[str, list[str]] = {}
    stamps = sorted(hours)
    for day, group in groupby(stamps, key=lambda at: at // (24 * _HOUR_S)):
        spans = ",".join(_spans([at // _HOUR_S % 24 for at in group]))
        days.setdefault(spans, []).append(_DAYS[day % 7])
    return "; ".join(f"{' '.join(dict.fromkeys(names))} {spans}" for spans, names in days.items())


def _spans(hours: Sequence[int]) -> list[str]:
    """``[1, 2, 3, 6]`` as ``01-04`` and ``06-07``: runs of hours share their distance from their place in the list."""
    runs = groupby(enumerate(hours), key=lambda pair: pair[1] - pair[0])
    edges = [[hour for _, hour in run] for _, run in runs]
    return [f"{run[0]:02d}-{run[-1] + 1:02d}" for run in edges]
