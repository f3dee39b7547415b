"""What an answer cost, as every dialect's ``usage`` says it (contract section 4): one set of fields for all of them.

Money appears only when the price is known (C26), as exact JSON numbers: no float comes near an amount.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from gammainfra.domain.bill import Bill
from gammainfra.domain.money import show_usd


def cost_fields(bill: Bill) -> dict[str, Any]:
    """``cost``, ``cost_details`` and ``is_byok``; ``settled`` only when the bill is not final (C40)."""
    shown: dict[str, Any] = {}
    charge = bill.charge
    if charge is not None:
        shown["cost"] = usd(charge.total_nano)
        shown["cost_details"] = {
            "input": usd(charge.input_nano),
            "output": usd(charge.output_nano),
            "cache_read": usd(charge.cache_read_nano),
            "cache_write": usd(charge.cache_write_nano),
            "fee": usd(bill.fee_nano),
            # Roo Code adds this to `cost`, which already is what the provider bills: a second copy would double it.
            "upstream_inference_cost": 0,
            "absorbed": usd(bill.absorbed_nano),
        }
        shown["is_byok"] = bill.is_byok
    if not bill.settled:
        shown["settled"] = False
    return shown


def usd(nano_usd: int) -> Raw:
    """An amount as a JSON number, exact and without trailing zeros."""
    return Raw(show_usd(nano_usd).rstrip("0").rstrip(".").encode())
