"""Numbers in OpenAI's dialects, written as numbers or, by some clients, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gammainfra.wire.lenient import refused


def number(body: Mapping[str, Any], name: str) -> float | None:
    """A number, or its text; None and "" are not given."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        raise refused(f"`{name}`: expected a number", name)
    return value


def whole(value: float | None) -> int | None:
    """Its whole part, None for None."""
    return None if value is None else int(value)
