"""The choice of a key."""

from __future__ import annotations

from gammainfra.routing.health.keys import Standing, choose_key


def test_state_then_the_end_of_a_cooldown_then_the_tasks_own_then_the_load_then_what_is_left() -> None:
    order = [
        Standing("own", 0, 0.0, 9, 0.1),
        Standing("idle", 0, 0.0, 0, 0.5),
        Standing("idle too", 0, 0.0, 0, 0.4),
        Standing("loaded", 0, 0.0, 1, 1.0),
        Standing("busy", 1, 0.0, 0, 1.0),
        Standing("cooling", 2, 5.0, 0, 1.0),
        Standing("cooling longer", 2, 6.0, 0, 1.0),
        Standing("rejected", 5, 0.0, 0, 1.0),
    ]
    for place in range(len(order)):
        assert choose_key(order[place:][::-1], "own") == order[place]


def test_among_equals_the_first_is_taken() -> None:
    keys = [Standing(name, 0, 0.0, 0, 1.0) for name in ("first", "second")]
    assert choose_key(keys, "").id == "first"
    assert choose_key(keys, "second").id == "second"
    assert choose_key(keys, "gone").id == "first"
