"""What an answer used, as clients of OpenAI read it (contract section 4): sums, and the classes agents look for."""

from __future__ import annotations

from typing import Any

from gammainfra.domain.bill import Bill
from gammainfra.wire.cost import cost_fields


def usage_of(bill: Bill) -> dict[str, Any]:
    """The ``usage`` object of contract section 4; money appears only when the price is known (C26)."""
    usage = bill.usage
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    shown: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation_input_tokens": written,
    }
    return {**shown, **cost_fields(bill)}
