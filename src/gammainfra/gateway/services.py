"""What ``serve`` decides with. Made once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.domain.policy import NO_HEDGING, Hedging, Policy
from gammainfra.domain.ports import Accounts, Clock, Random
from gammainfra.domain.record import Caller
from gammainfra.gateway.admission import Admission
from gammainfra.gateway.idempotency import Idempotency
from gammainfra.gateway.large_bodies import LargeBodies
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.session_board import SessionBoard
from gammainfra.gateway.turns import Turns
from gammainfra.routing.roster import Roster


@dataclass(slots=True)
class Services:
    """``roster`` is the catalog ready for planning; a reload swaps it as one value.

    ``priced_only``: what has no price is not asked (C26), because somebody pays.
    """

    accounts: Accounts
    admission: Admission
    sessions: SessionBoard
    health: HealthBoard
    roster: Roster
    turns: Turns
    clock: Clock
    random: Random
    idempotency: Idempotency
    large: LargeBodies
    hedging: Hedging = NO_HEDGING
    priced_only: bool = False

    @property
    def charged(self) -> bool:
        """Whether callers pay from credit."""
        return self.priced_only

    def policy_of(self, caller: Caller) -> Policy:
        """What key and operator allow a caller's requests."""
        key = caller.key
        hedging = self.hedging if key.hedging else NO_HEDGING
        return Policy(key.allowed_models, priced_only=self.priced_only, hedging=hedging)
