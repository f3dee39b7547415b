"""The ``usage`` of an answer as Responses counts it, with the fields that agents read beside OpenAI's own."""

from __future__ import annotations

from typing import Any

from gammainfra.domain.bill import Bill
from gammainfra.wire.openai_usage import usage_of

_NAMES = {
    "prompt_tokens": "input_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens": "output_tokens",
    "completion_tokens_details": "output_tokens_details",
}


def responses_usage(bill: Bill) -> dict[str, Any]:
    """Contract section 4 under this dialect's names; money appears only when the price is known (C26)."""
    return {_NAMES.get(name, name): value for name, value in usage_of(bill).items()}
