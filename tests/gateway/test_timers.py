"""Named timers: one of a name at a time, and all end together."""

from __future__ import annotations

from gammainfra.gateway.timers import Timers
from tests.conversations.virtual import VirtualLoop


def test_a_timer_of_the_same_name_is_replaced_and_none_rings_after_the_stop() -> None:
    loop, rung, timers = VirtualLoop(), [], Timers()

    def start() -> None:
        timers.set("a", 1.0, lambda: rung.append("first"))
        timers.set("a", 2.0, lambda: rung.append("second"))
        timers.set("b", -1.0, lambda: rung.append("at once"))
        timers.set("c", 9.0, lambda: rung.append("never"))

    loop.call_soon(start)
    loop.advance(3.0)
    assert rung == ["at once", "second"]
    timers.stop()
    loop.advance(60.0)
    assert rung == ["at once", "second"]
    loop.close()
