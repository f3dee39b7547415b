"""A bounded sketch of a positive quantity (milliseconds, tokens a second): quantiles within 5 % of the truth.

Buckets grow by a constant factor, as in DDSketch (Masson, Rim and Lee, VLDB 2019). It ages by count: when it holds
limits.SKETCH_SAMPLES, all counts are halved, so what was measured long ago fades.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from gammainfra.domain import limits

_GROWTH: Final = 1.1
_LOG: Final = math.log(_GROWTH)
_LAST: Final = 160  # 1.1 ** 160 is four million: more than an hour in milliseconds


@dataclass(slots=True)
class Quantiles:
    """At most 161 buckets, by number."""

    n: int = 0
    _counts: dict[int, int] = field(default_factory=dict)

    def add(self, value: float) -> None:
        """One measurement; what is below 1 counts as 1."""
        bucket = 0 if value <= 1 else min(math.ceil(math.log(value) / _LOG), _LAST)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.n += 1
        if self.n >= limits.SKETCH_SAMPLES:
            self._counts = {bucket: count // 2 for bucket, count in self._counts.items() if count > 1}
            self.n = sum(self._counts.values())

    def quantile(self, share: float) -> float | None:
        """The value below which ``share`` (0..1) of the measurements lie; None when there is none."""
        rank = max(math.ceil(share * self.n), 1)
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                return _GROWTH ** (bucket - 0.5) if bucket else 1.0
        return None
