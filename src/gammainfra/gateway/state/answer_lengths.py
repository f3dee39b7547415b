"""How long answers usually are, by key and model: what a hold is made for when the caller allows much more.

A restart loses it, and holds are made for a default again; per process. It keeps counts of lengths, never an answer.
"""

from __future__ import annotations

from collections import OrderedDict

from gammainfra.domain import limits

_STEPS_PER_DOUBLING = 4
_ENOUGH = 50  # answers, before their longest says something
_PER_MILLE = 995


class AnswerLengths:
    """Counts in steps of a fourth root of two, at most limits.ANSWER_LENGTHS pairs; the one unused longest is lost."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], dict[int, int]] = OrderedDict()

    def note(self, key_id: str, model_id: str, tokens: int) -> None:
        """An answer was this long."""
        counts = self._counts.setdefault((key_id, model_id), {})
        self._counts.move_to_end((key_id, model_id))
        step = _step(tokens)
        counts[step] = counts.get(step, 0) + 1
        if len(self._counts) > limits.ANSWER_LENGTHS:
            self._counts.popitem(last=False)

    def usual(self, key_id: str, model_id: str) -> int | None:
        """The length that 99.5 % of the answers do not pass; None while fewer than 50 are known."""
        counts = self._counts.get((key_id, model_id), {})
        total = sum(counts.values())
        if total < _ENOUGH:
            return None
        rest = total
        step = 0
        for step in sorted(counts):
            rest -= counts[step]
            if (total - rest) * 1000 >= total * _PER_MILLE:
                break
        return _length(step)


def _step(tokens: int) -> int:
    step = 0
    while _length(step) < tokens:
        step += 1
    return step


def _length(step: int) -> int:
    """The upper end of a step."""
    doublings, quarter = divmod(step, _STEPS_PER_DOUBLING)
    return ((4 + quarter) << doublings) // 4
