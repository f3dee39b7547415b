"""A JSON schema as Gemini reads it; a schema that is read already comes back equal.

It decides which keywords stay. What Gemini has no word for is said in words it has (``const``, ``allOf``, exclusive
bounds) or left out; a property is never added or removed. Keywords: the fields ``parametersJsonSchema`` and
``responseJsonSchema`` in https://ai.google.dev/api/generate-content and https://ai.google.dev/api/caching.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_KEPT: Final = frozenset(
    {
        "$id",
        "$ref",
        "$anchor",
        "type",
        "format",
        "title",
        "description",
        "enum",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "required",
        "propertyOrdering",
    }
)
_MAPS: Final = frozenset({"properties", "$defs"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "prefixItems"})


def readable_schema(schema: object) -> dict[str, Any]:
    """``schema`` in the keywords that are read; what is no schema object (``true``) is any value: ``{}``."""
    if not isinstance(schema, dict):
        return {}
    merged = _merged(schema)
    if "$ref" in merged:  # "if $ref is set, no other properties except those that start with $ may be set"
        merged = {key: value for key, value in merged.items() if key.startswith("$")}
    written: dict[str, Any] = {}
    for key, value in merged.items():
        if key in _KEPT:
            written[key] = _reference(value) if key == "$ref" else value
        elif key in {"$defs", "definitions", "properties"} and isinstance(value, dict):
            name = "properties" if key == "properties" else "$defs"
            inner = {one: readable_schema(each) for one, each in value.items()}
            written[name] = {**written.get(name, {}), **inner}
        elif key in _LISTS and isinstance(value, list):
            written[key] = [readable_schema(inner) for inner in value]
        elif key == "items":
            written.update(_items(value))
        elif key == "additionalProperties":
            written[key] = value if isinstance(value, bool) else readable_schema(value)
        elif key == "const":
            written.setdefault("enum", [value])
        elif key in {"exclusiveMinimum", "exclusiveMaximum"} and isinstance(value, int | float):
            written.setdefault(key.replace("exclusiveM", "m"), value)
    return written


def is_empty(schema: Mapping[str, Any] | None) -> bool:
    """Whether a tool's schema asks for nothing: an object without properties is refused in some places."""
    return not schema or not (schema.get("properties") or schema.keys() & {"$ref", "anyOf", "oneOf", "allOf"})


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` with what its ``allOf`` says beside it: Gemini has no word for "and"."""
    branches = schema.get("allOf")
    if not isinstance(branches, list):
        return schema
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for branch in branches:
        for key, value in _merged(branch).items() if isinstance(branch, dict) else ():
            have = merged.get(key)
            if isinstance(have, dict) and isinstance(value, dict):
                merged[key] = value | have
            elif key == "required" and isinstance(have, list) and isinstance(value, list):
                merged[key] = [*have, *(one for one in value if one not in have)]
            else:
                merged.setdefault(key, value)
    return merged


def _items(value: object) -> dict[str, Any]:
    """Older drafts write a tuple as a list of schemas."""
    if isinstance(value, list):
        return {"prefixItems": [readable_schema(inner) for inner in value]}
    return {"items": readable_schema(value)}


def _reference(value: object) -> object:
    return value.replace("#/definitions/", "#/$defs/") if isinstance(value, str) else value
