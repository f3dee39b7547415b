from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.simulate.validate_gemini import _check_schema
from gammainfra.wire.gemini.schema import is_empty, readable_schema

KEYS = st.sampled_from(
    ["$ref", "$schema", "type", "properties", "items", "anyOf", "allOf", "const", "required", "pattern", "$defs",
     "definitions", "additionalProperties", "exclusiveMinimum", "default", "enum", "oneOf", "description"]
)  # fmt: skip
SCHEMAS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({"$schema": "x", "type": "object", "default": 1, "pattern": "a"}, {"type": "object"}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"const": 1}, {"enum": [1]}),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 9, "maximum": 5}, {"minimum": 0, "maximum": 5}),
        ({"exclusiveMinimum": "odd"}, {}),
        (
            {"$defs": {"A": {"const": 1}}, "definitions": {"B": True}, "$ref": "#/definitions/B", "title": "x"},
            {"$defs": {"A": {"enum": [1]}}, "$ref": "#/$defs/B"},
        ),
        ({"definitions": {"B": {"type": "null"}}}, {"$defs": {"B": {"type": "null"}}}),
        ({"$ref": 7}, {"$ref": 7}),
        ({"items": [{"type": "string"}, {"const": 2}]}, {"prefixItems": [{"type": "string"}, {"enum": [2]}]}),
        ({"items": {"const": 2}, "anyOf": "odd", "properties": 1}, {"items": {"enum": [2]}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"additionalProperties": {"x": 1, "type": "string"}}, {"additionalProperties": {"type": "string"}}),
        ({"oneOf": [{"type": "string", "minLength": 1}]}, {"oneOf": [{"type": "string"}]}),
        (True, {}),
    ],
)
def test_what_gemini_has_no_word_for_is_said_otherwise_or_left_out(schema: object, sent: object) -> None:
    assert readable_schema(schema) == sent


def test_what_all_of_says_stands_beside_it() -> None:
    schema = {
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "allOf": [
            {"properties": {"b": {"type": "null"}}, "required": ["a", "b"]},
            {"allOf": [{"title": "T"}], "type": "object"},
            True,
        ],
    }
    assert readable_schema(schema) == {
        "properties": {"a": {"type": "string"}, "b": {"type": "null"}},
        "required": ["a", "b"],
        "type": "object",
        "title": "T",
    }
    assert readable_schema({"allOf": "odd", "type": "object"}) == {"type": "object"}


@given(SCHEMAS)
def test_a_readable_schema_comes_back_equal_and_is_accepted(schema: Any) -> None:
    once = readable_schema(schema)
    assert readable_schema(once) == once
    _check_schema("x", once)


def test_an_object_without_properties_asks_for_nothing() -> None:
    assert is_empty(None)
    assert is_empty({"type": "object", "properties": {}})
    assert not is_empty({"$ref": "#/$defs/A"})
