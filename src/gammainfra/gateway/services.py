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

    ``charged``: somebody pays, so what has no price is not asked (C26).
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
    charged: bool = False

    def policy_of(self, caller: Caller) -> Policy:
        """What key and operator allow a caller's requests."""
        key = caller.key
        hedging = self.hedging if key.hedging else NO_HEDGING
        return Policy(key.allowed_models, priced_only=self.charged, hedging=hedging)
