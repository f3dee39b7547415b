"""A tool call's arguments as clients send them, made the JSON text that the hub keeps; it never judges them."""

from __future__ import annotations

import msgspec


def json_text(value: object) -> str:
    """Arguments as text: clients send text, some send the object itself, and some null."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def object_text(arguments: str) -> str:
    """Arguments as the JSON text of an object, untouched when they are one.

    Nothing is ``{}``, another value stands under ``_``, and text that is cut off or no JSON under ``__raw_arguments``.
    """
    if not arguments.strip():
        return "{}"
    try:
        value = msgspec.json.decode(arguments)
    except (ValueError, RecursionError):
        return msgspec.json.encode({"__raw_arguments": arguments}).decode()
    return arguments if isinstance(value, dict) else msgspec.json.encode({"_": value}).decode()
