"""What the Turns of a gateway that charges have in common. Made once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field

from gammainfra.billing.fees import PLANS, Fees
from gammainfra.billing.purse import TrialRules
from gammainfra.domain.ports import Ledger
from gammainfra.gateway.state.answer_lengths import AnswerLengths


@dataclass(frozen=True, slots=True)
class Billing:
    """``node`` names this boot of the process: holds of an earlier one are orphans."""

    ledger: Ledger
    node: str
    fees: Fees = PLANS["launch"]
    trial: TrialRules = TrialRules()
    lengths: AnswerLengths = field(default_factory=AnswerLengths)
