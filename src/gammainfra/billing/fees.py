"""What we charge beside the providers' prices (C71, C72): on a top-up, or on each request served with a caller's own

provider key. It never touches a provider's price: tokens cost what the provider asks (C73).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gammainfra.domain.ledger import FULL_SHARE_BP
from gammainfra.domain.money import NANO_PER_USD

NANO_PER_CENT: Final = NANO_PER_USD // 100
FeePlan = Literal["launch", "standard"]


@dataclass(frozen=True, slots=True)
class Fees:
    """In basis points: ``top_up_bp`` of credit bought, on top of it; ``byok_bp`` of the retail cost of a request."""

    top_up_bp: int
    byok_bp: int


PLANS: Final[Mapping[FeePlan, Fees]] = {"launch": Fees(300, 100), "standard": Fees(500, 200)}
MANAGED_MIN_CENTS: Final = 1000
BYOK_MIN_CENTS: Final = 500


def top_up_fee_cents(credit_cents: int, fees: Fees) -> int:
    """What is paid beside the credit, in cents, half up: cards know no smaller coin."""
    return _half_up(credit_cents * fees.top_up_bp)


def byok_fee_nano(cost_nano: int, fees: Fees) -> int:
    """The fee of one request, in nano-USD, half up; never more than what was held for it."""
    return _half_up(cost_nano * fees.byok_bp)


def _half_up(times_bp: int) -> int:
    return (times_bp + FULL_SHARE_BP // 2) // FULL_SHARE_BP
