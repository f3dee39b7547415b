"""A JSON schema as structured outputs accept it; a schema that is accepted already comes back equal.

It decides what is closed and what is left out, and never adds or removes a property. Rules: the list "JSON Schema
limitations" in https://platform.claude.com/docs/en/build-with-claude/structured-outputs.
"""

from __future__ import annotations

from typing import Final

# Constraints that are refused. The model still reads them where the schema's descriptions say so.
_REFUSED: Final = frozenset(
    {
        "$schema",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "patternProperties",
    }
)
_MAPS: Final = frozenset({"properties", "$defs", "definitions"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})


def closed_schema(schema: object) -> object:
    """``schema`` with every object closed (``additionalProperties: false``) and without refused constraints."""
    if not isinstance(schema, dict):
        return schema
    closed: dict[str, object] = {}
    for key, value in schema.items():
        if key in _REFUSED or (key == "minItems" and value not in {0, 1}):
            continue
        if key in _MAPS and isinstance(value, dict):
            closed[key] = {name: closed_schema(inner) for name, inner in value.items()}
        elif key in _LISTS and isinstance(value, list):
            closed["anyOf" if key == "oneOf" else key] = [closed_schema(inner) for inner in value]
        elif key == "items":
            closed[key] = closed_schema(value)
        else:
            closed[key] = value
    if closed.get("type") == "object" or "properties" in closed:
        closed["additionalProperties"] = False
    return closed
