"""What ``serve`` decides with. Made once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.domain.ports import Accounts, Clock, Random
from gammainfra.gateway.admission import Admission
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
    priced_only: bool = False
