from __future__ import annotations

import pytest

from gammainfra.wire.gemini.partial_arguments import PartialArgument, add


def put(*pieces: tuple[str, object]) -> dict[str, object]:
    arguments: dict[str, object] = {}
    for path, value in pieces:
        match value:
            case str():
                piece = PartialArgument(path, string_value=value)
            case bool():
                piece = PartialArgument(path, bool_value=value)
            case float():
                piece = PartialArgument(path, number_value=value)
            case _:
                piece = PartialArgument(path)
        add(arguments, piece)
    return arguments


def test_values_stand_where_their_paths_say() -> None:
    assert put(
        ("$.a.b[0].c", "x"), ("$.a.b[0].c", "y"), ("$.a.b[1]", 2.0), ("$['odd key']", True), ('$["n"]', None)
    ) == {"a": {"b": [{"c": "xy"}, 2]}, "odd key": True, "n": None}
    assert put(("$.l[0]", "a"), ("$.l[0]", "b"), ("$.x", 1.5), ("$.x", "now text")) == {"l": ["ab"], "x": "now text"}


@pytest.mark.parametrize(
    "pieces",
    [[("", "x")], [("a.b", "x")], [("$", "x")], [("$..a", "x")], [("$.a[*]", "x")], [("$" + ".a" * 70, "x")]],
)
def test_a_path_of_another_form_is_left_out(pieces: list[tuple[str, object]]) -> None:
    assert put(*pieces) == {}


def test_a_place_of_another_kind_holds_nothing() -> None:
    assert put(("$.a", "x"), ("$.a.b", "y")) == {"a": "x"}
    assert put(("$.l[5]", "x")) == {"l": []}
    assert put(("$.l[3].a", "x")) == {"l": []}
    assert put(("$.l[0]", "x"), ("$.l.a.b", "y")) == {"l": ["x"]}
