"""What there is to spend (C10): ``GET /v1/credits``, in OpenRouter's shape, with every balance beside it.

It shows the books of the caller's own account and changes nothing. Only a gateway that charges has the route.
"""

from __future__ import annotations

from typing import Final

from gammainfra.domain.ledger import Balance
from gammainfra.gateway.services import Services
from gammainfra.store.reader import Credit, Reader
from gammainfra.web.answers import answer_json, money
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import read_parameters
from gammainfra.web.reads import Reads

PATH: Final = "/v1/credits"


class Credits:
    """The route."""

    def __init__(self, on: Services, reader: Reader, reads: Reads) -> None:
        self._on = on
        self._reader = reader
        self._reads = reads

    async def answer(self, request: Incoming) -> None:
        """``{"data": {...}}`` in USD: ``total_credits - total_usage`` is what trial and bought credit have left."""
        account = self._on.accounts.authenticate(request.credential).account_id
        read_parameters(request, ())
        found = await self._reads.read(lambda: self._reader.credit(account))
        left_nano = found.trial.posted_nano + found.managed.posted_nano
        shown = {
            "total_credits": money(found.put_in_nano),
            "total_usage": money(found.put_in_nano - left_nano),
            **show_balances(found),
        }
        await answer_json(request, {"data": shown})


def show_balances(found: Credit) -> dict[str, object]:
    """Each balance; ``available`` is what the next request may hold of credit."""
    free_nano = max(found.trial.free_nano, 0) + found.managed.free_nano
    return {
        "available": money(free_nano),
        "managed": _show(found.managed),
        "trial": _show(found.trial),
        "byok": _show(found.byok),
    }


def _show(balance: Balance) -> dict[str, object]:
    return {"balance": money(balance.posted_nano), "held": money(balance.held_nano), "requests": balance.holds}
