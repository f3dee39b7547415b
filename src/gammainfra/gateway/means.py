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
from gammainfra.gateway.state.health_board import HealthBoard
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
    """Adapters and boards. ``hosts`` are the configured providers by name; ``billing`` None: nothing is charged."""

    hosts: Mapping[str, Host]
    upstream: WayOut
    health: HealthBoard
    sessions: SessionBoard
    records: Records
    observer: Observer
    clock: Clock
    head_after_s: float = limits.HEAD_AFTER_S
    billing: Billing | None = None
