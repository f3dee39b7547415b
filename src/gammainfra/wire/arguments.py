"""A tool call's arguments as clients send them, made the JSON text that the hub keeps; it never judges them."""

from __future__ import annotations

import msgspec


def json_text(value: object) -> str:
    """Arguments as text: clients send text, some send the object itself, and some null."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
