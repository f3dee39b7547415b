"""Holds that nobody will settle end; what failed is left for the next round."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gammainfra.domain.ledger import Hold, Order, Outcome, Reserve
from gammainfra.domain.ports import LedgerDown
from gammainfra.gateway.reaper import reap
from tests.conversations.purse import Till
from tests.conversations.virtual import EPOCH_S


class Down:
    async def put(self, order: Order) -> Outcome:
        raise LedgerDown("made up")


def test_orphans_are_ended_and_a_failure_waits_for_the_next_round() -> None:
    till = Till()
    till.books.post([Reserve("r", (), (), 0, 0, EPOCH_S, EPOCH_S + 9, "an earlier boot")])

    async def find() -> Sequence[Hold]:
        return till.books.orphans(node="this boot", now=EPOCH_S, most=9)

    assert asyncio.run(reap(Down(), find, EPOCH_S)) == 0
    assert asyncio.run(reap(till, find, EPOCH_S)) == 1
    till.check()
