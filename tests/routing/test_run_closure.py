"""The law of routing/run.py in every reachable state of a small case, and on random walks through larger ones."""

from __future__ import annotations

import random

import pytest

from gammainfra.routing import run as r
from tests.routing.closure import CASES, begin, events, explore, step


def test_no_reachable_state_breaks_the_law_and_every_state_can_end() -> None:
    states, transitions, broken, stuck = explore(CASES["one candidate"])
    assert states > 1000
    assert transitions > states
    assert broken == []
    assert stuck == 0


@pytest.mark.parametrize("name", CASES)
def test_random_walks_keep_the_law_and_end_once(name: str) -> None:
    for seed in range(100):
        chance = random.Random(f"{name} {seed}")
        state = begin(CASES[name])
        for _ in range(60):
            event, now = chance.choice(list(events(state[0], state[2])))
            state = step(state, event, now)
        state = step(state, r.Stop(), state[2])
        for _ in range(2):
            state = step(state, r.Settled(), state[2])
        assert state[1].broken == ""
        assert state[1].ends == 1
        assert state[0].legs == {}


def test_the_monitor_catches_a_machine_that_starts_a_leg_twice() -> None:
    run, monitor, now = step(begin(CASES["one candidate"]), r.Funded(1), 0.0)
    assert monitor.broken == ""
    assert monitor.saw(r.Start(1, stitched=False), run.terms).broken == "Start"
    assert now == 0.0


class Forgetful(r.Run):
    """The first draft of the machine, which started a leg again when it was told twice that it is funded."""

    def _funded(self, leg: int, now: float) -> list[r.Action]:
        self.legs[leg] = r.Leg(0, live=True)
        return [r.Start(leg, stitched=self.stitched)]


def test_the_first_draft_that_started_a_repeated_funded_twice_is_caught() -> None:
    run, monitor, now = begin(CASES["one candidate"])
    draft = Forgetful(run.terms, legs=run.legs, legs_made=run.legs_made)
    state = step(step((draft, monitor, now), r.Funded(1), now), r.Funded(1), now)
    assert state[1].broken == "Start"


class Unbilled(r.Run):
    """A machine that ends without a bill."""

    def _settle(self) -> list[r.Action]:
        return [r.End("failed")]


def test_an_end_without_a_bill_is_caught() -> None:
    run, monitor, now = begin(CASES["one candidate"])
    draft = Unbilled(run.terms, legs=run.legs, legs_made=run.legs_made)
    assert step((draft, monitor, now), r.Stop(), now)[1].broken == "End"
