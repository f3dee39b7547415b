"""How long answers usually are: asked for before there are enough, after, and beyond the bound."""

from __future__ import annotations

from gammainfra.domain import limits
from gammainfra.gateway.state.answer_lengths import AnswerLengths


def test_few_answers_say_nothing_and_many_their_usual_longest() -> None:
    lengths = AnswerLengths()
    for _ in range(49):
        lengths.note("key", "model", 100)
    assert lengths.usual("key", "model") is None
    for _ in range(951):
        lengths.note("key", "model", 100)
    lengths.note("key", "model", 90_000)
    usual = lengths.usual("key", "model")
    assert usual is not None
    assert 100 <= usual <= 130
    for _ in range(20):
        lengths.note("key", "model", 90_000)
    assert (lengths.usual("key", "model") or 0) >= 90_000


def test_the_pair_unused_longest_is_forgotten() -> None:
    lengths = AnswerLengths()
    for n in range(limits.ANSWER_LENGTHS + 1):
        for _ in range(50 if n in {0, 1} else 1):
            lengths.note(f"key {n}", "model", 1)
    assert lengths.usual("key 0", "model") is None
    assert lengths.usual("key 1", "model") == 1
