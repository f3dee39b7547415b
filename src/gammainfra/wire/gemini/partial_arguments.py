"""Arguments of a call that arrive value by value (``partialArgs``), put together to one object.

It decides where a piece belongs: the RFC 9535 paths that Vertex AI writes are names and positions only
(``$.files[0].name``). It is not a JSON path engine: a path of another form is left out.
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (streaming function calls)
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import msgspec

_STEP: Final = re.compile(r"""\.([^.\[\]'"]+)|\[(\d{1,6})\]|\[(?:'([^']*)'|"([^"]*)")\]""")
_STEPS: Final = 64


class PartialArgument(msgspec.Struct, frozen=True, rename="camel"):
    """One value, or a piece of a text that is continued at the same path."""

    json_path: str = ""
    string_value: str | None = None
    number_value: float | None = None
    bool_value: bool | None = None


def add(arguments: dict[str, object], piece: PartialArgument) -> None:
    """Put ``piece`` where its path says: texts grow, anything else is set."""
    steps = _steps(piece.json_path)
    place: object = arguments
    for step, following in pairwise(steps):
        place = _at(place, step, [] if isinstance(following, int) else {})
    if steps:
        _put(place, steps[-1], _value(piece))


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 1
    while path[:1] == "$" and len(steps) < _STEPS and (found := _STEP.match(path, at)) is not None:
        name, position, single, double = found.groups()
        steps.append(
            int(position) if position is not None else next(n for n in (name, single, double) if n is not None)
        )
        at = found.end()
    return steps if at == len(path) else []


def _at(place: object, step: str | int, fresh: object) -> object:
    """What stands at ``step``, put there first when nothing does; a place of another kind holds nothing."""
    if isinstance(place, list) and isinstance(step, int):
        if step == len(place):
            place.append(fresh)
        return place[step] if step < len(place) else fresh
    return place.setdefault(step, fresh) if isinstance(place, dict) else fresh


def _put(place: object, step: str | int, value: object) -> None:
    if isinstance(place, dict):
        before = place.get(step)
        place[step] = before + value if isinstance(before, str) and isinstance(value, str) else value
    elif isinstance(place, list) and isinstance(step, int) and step <= len(place):
        before = place[step] if step < len(place) else None
        place[step:] = [before + value if isinstance(before, str) and isinstance(value, str) else value]


def _value(piece: PartialArgument) -> object:
    if piece.string_value is not None:
        return piece.string_value
    if piece.bool_value is not None:
        return piece.bool_value
    number = piece.number_value
    return int(number) if number is not None and number.is_integer() else number
