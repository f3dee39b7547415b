"""How much is held for a request before it is asked, and how long its answer may be when less can be held.

The ceiling is an upper bound of the input and a likely answer, never the model's longest one: 128k tokens of some
models cost more than a trial's whole credit. A longer answer extends its hold while it streams.
"""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.catalog.price import DEFAULT_OUTPUT_TOKENS, upper_bound
from gammainfra.domain import limits
from gammainfra.domain.endpoint import Price
from gammainfra.domain.money import PICO_PER_NANO


@dataclass(frozen=True, slots=True)
class Ceiling:
    """``want_nano`` pays for ``tokens`` of output in all answers together, ``least_nano`` for ``least_tokens``."""

    want_nano: int
    tokens: int
    least_nano: int
    least_tokens: int


def answer_tokens(client_most: int | None, model_most: int, usual: int | None) -> int:
    """Output tokens to hold for: ``usual`` is the p99.5 of this key and model, None while too few are known."""
    likely = max(DEFAULT_OUTPUT_TOKENS if usual is None else usual, limits.ANSWER_FLOOR_TOKENS)
    return min(likely, model_most if client_most is None else min(client_most, model_most))


def ceiling(price: Price, *, input_tokens: int, tokens: int, answers: int = 1, hour_cache: bool = False) -> Ceiling:
    """``tokens`` are those of one answer (``answer_tokens``), ``answers`` how many are asked for."""
    least = min(tokens, limits.ANSWER_FLOOR_TOKENS) * answers
    most = tokens * answers

    def cost(output_tokens: int) -> int:
        return upper_bound(price, input_tokens=input_tokens, output_tokens=output_tokens, hour_cache=hour_cache)

    return Ceiling(cost(most), most, cost(least), least)


def tokens_for(price: Price, held_nano: int, found: Ceiling) -> int:
    """How many output tokens ``held_nano`` pays for, rounded down: the clamp, at least ``found.least_tokens``."""
    dearest_pico = max(price.output_pico, 0 if price.long is None else price.long.output_pico)
    if not dearest_pico or held_nano >= found.want_nano:
        return found.tokens
    return found.least_tokens + max(held_nano - found.least_nano, 0) * PICO_PER_NANO // dearest_pico


def more_nano(price: Price, tokens: int) -> int:
    """What ``tokens`` more of output cost at most, in nano-USD, rounded up: the step of an extension."""
    dearest_pico = max(price.output_pico, 0 if price.long is None else price.long.output_pico)
    return -(-tokens * dearest_pico // PICO_PER_NANO)
