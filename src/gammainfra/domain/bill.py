"""What one answer is billed as and what is said about it at its end: the same facts for every dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gammainfra.domain.money import Charge
from gammainfra.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class Bill:
    """``charge`` None: price not known, every cost field is absent. ``settled`` False: the store was too slow (C40).

    ``balance_nano`` is what the balance that paid has left (C52), None when none did. ``notice`` says that the answer
    was ended because its credit was.
    """

    usage: Usage
    charge: Charge | None
    absorbed_nano: int = 0
    fee_nano: int = 0
    is_byok: bool = False
    settled: bool = True
    balance_nano: int | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of an answer: the bill, the facts for the closing comment (header names without prefix, snake_case),

    and the plan when the caller asked for it (C37). All values are plain JSON.
    """

    bill: Bill
    facts: Mapping[str, str] = field(default_factory=dict)
    explain: Mapping[str, object] | None = None
