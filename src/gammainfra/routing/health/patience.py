"""How long an attempt is waited for: its first token by what is usual there, silence inside an answer, the deadline.

Three times the 95th percentile of that endpoint for prompts of that size, once enough was measured; before that the
catalog's figure, grown with the prompt, or the few measurements when they are longer. A model may think in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gammainfra.domain import limits
from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.sketch import Sketch
from gammainfra.routing.health.quantiles import Quantiles

Size = Literal["small", "medium", "large", "huge"]
Shape = tuple[Size, bool]  # how large the prompt is, whether the model thinks before it answers

ENOUGH: Final = 20  # measurements
_SIZES: Final[tuple[tuple[int, Size], ...]] = (
    (10 * limits.KIB, "small"),
    (50 * limits.KIB, "medium"),
    (200 * limits.KIB, "large"),
)
_SILENT: Final = "effort"  # OpenAI's models think without a word; those that think unasked ("always") stream it


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until the first token has to be there, and whether a deadline made them fewer than is fair."""

    first_token_s: float
    hurried: bool = False


def shape_of(sketch: Sketch, endpoint: Endpoint) -> Shape:
    """What requests have to have in common for their times to be compared."""
    size: Size = next((name for n_bytes, name in _SIZES if sketch.n_bytes < n_bytes), "huge")
    return size, thinks(sketch, endpoint)


def thinks(sketch: Sketch, endpoint: Endpoint) -> bool:
    """Whether the model may think in silence before it answers this request."""
    kind = endpoint.model.capabilities.thinking
    return kind == _SILENT or (kind in {"budget", "adaptive"} and "thinking" in sketch.needs)


def patience(sketch: Sketch, endpoint: Endpoint, measured: Quantiles, left_s: float | None, *, more: bool) -> Patience:
    """How long the first token may take; a whole answer may take as long as it is long.

    ``measured`` holds milliseconds to the first token for this shape. ``left_s`` is what remains of the caller's
    deadline; ``more``: another attempt could follow, so a share is left for it.
    """
    fair_s = _fair_s(sketch, endpoint, measured)
    if left_s is None:
        return Patience(fair_s)
    share_s = max(left_s, 0.0) * (limits.DEADLINE_SHARE if more else 1.0)
    return Patience(min(fair_s, share_s), hurried=share_s < fair_s)


def gap_s(sketch: Sketch, endpoint: Endpoint) -> float:
    """How long an answer that has begun may say nothing new."""
    return limits.GAP_THINKING_S if thinks(sketch, endpoint) else limits.GAP_S


def _fair_s(sketch: Sketch, endpoint: Endpoint, measured: Quantiles) -> float:
    if not sketch.stream:
        tokens = sketch.max_tokens or limits.WHOLE_ANSWER_TOKENS
        return min(limits.TOTAL_S, limits.FIRST_TOKEN_MAX_S + 3 * tokens / endpoint.tokens_per_s)
    enough = measured.n >= ENOUGH
    usual_ms = measured.quantile(0.95 if enough else 0.5) or 0.0
    if not enough:
        grown = 1 + sketch.n_bytes / (100 * limits.KIB)
        usual_ms = max(usual_ms, endpoint.ttft_ms * grown)
    least_s = limits.FIRST_TOKEN_MIN_S
    if thinks(sketch, endpoint):
        silent = endpoint.model.capabilities.thinking == _SILENT and not enough
        least_s = limits.FIRST_TOKEN_MAX_S if silent else limits.FIRST_TOKEN_THINKING_S
    return min(max(3 * usual_ms / 1000, least_s), limits.FIRST_TOKEN_MAX_S)
