"""What a Turn needs of the process it lives in. Made once by the composition root, shared by all Turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gammainfra.domain import limits
from gammainfra.domain.ports import Clock, Records
from gammainfra.domain.record import RequestRecord
from gammainfra.gateway.billing import Billing
from gammainfra.gateway.host import Host
from gammainfra.gateway.idempotency import Idempotency
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.hedge_budget import HedgeBudget
from gammainfra.gateway.state.rate_limits import RateBoard
from gammainfra.gateway.state.session_board import SessionBoard
from gammainfra.upstream.exchange import WayOut


class Observer(Protocol):
    """Who wants to know how Turns ended: metrics and logs."""

    def turn_ended(self, record: RequestRecord) -> None:
        """A Turn was settled."""
        ...

    def defect(self, request_id: str, error: BaseException) -> None:
        """Our own code failed inside an attempt."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """Adapters and boards. ``hosts`` are the configured providers by name; ``billing`` None: nothing is charged.

    ``charged``: somebody pays for what is asked here, so a bill that runs on is read to its end.
    """

    hosts: Mapping[str, Host]
    upstream: WayOut
    health: HealthBoard
    sessions: SessionBoard
    records: Records
    observer: Observer
    clock: Clock
    hedges: HedgeBudget
    idempotency: Idempotency
    rates: RateBoard
    head_after_s: float = limits.HEAD_AFTER_S
    billing: Billing | None = None
    charged: bool = False

    def bills_on(self, provider: str) -> bool:
        """Whether hanging up on that provider leaves a bill that somebody has to pay."""
        return self.charged and self.hosts[provider].provider.on_disconnect == "drain"
