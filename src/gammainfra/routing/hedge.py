"""When a silent endpoint's equal is asked beside it (C21): for callers that want speed, where the operator allows it.

It decides which neighbours in a chain are equals and how long the first of them may be silent. Whether the budget
allows a second leg at that moment is decided in gateway.state.hedge_budget, what follows from it in routing.run.

The delay follows J. Dean, L. A. Barroso, "The Tail at Scale" (CACM 2013): a second request after the time that nearly
all answers need costs a few per cent of load and takes away the tail. A slow share larger than the budget would leave
the slowest requests without a second leg, so "nearly all" is what the budget can pay for.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from gammainfra.domain.policy import Hedging
from gammainfra.routing.candidates import Row
from gammainfra.routing.rules import expected_ttft_ms

# A delay a little too short would spend the budget on answers that are just about to come, and the sketch that the
# percentile comes from is within 5 % of the truth only.
_MARGIN: Final = 1.25
_SLOW_BY: Final = 3.0  # how much later than usual nearly all answers have begun, until enough was measured


def hedge_delays_s(
    rows: Sequence[Row], hedging: Hedging, now: float, *, equals: bool, whole_tokens: int
) -> list[float | None]:
    """For each row how long it may be silent before the next one is asked beside it, None: never.

    ``equals``: all rows are acceptable for the request, else only those of one model are equal. ``whole_tokens`` is
    the expected length of an answer that does not stream and so says nothing before it is complete, else 0.
    """
    delays: list[float | None] = [None] * len(rows)
    if hedging.enabled:
        for place, (row, after) in enumerate(itertools.pairwise(rows)):
            equal = equals or row.endpoint.model.id == after.endpoint.model.id
            if equal and row.health.is_free(now) and after.health.is_free(now):
                delays[place] = _delay_s(row, hedging, whole_tokens)
    return delays


def _delay_s(row: Row, hedging: Hedging, whole_tokens: int) -> float:
    if hedging.delay_ms is not None:
        return hedging.delay_ms / 1000
    measured_ms = row.health.ttft_p95_ms
    slow_ms = _SLOW_BY * expected_ttft_ms(row.endpoint, row.health) if measured_ms is None else _MARGIN * measured_ms
    return slow_ms / 1000 + whole_tokens / row.endpoint.tokens_per_s
