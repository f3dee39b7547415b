"""Usage as the simulated vendor counts it: disjoint classes of input, and output with the reasoning inside.
It never holds a price.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulatedUsage:
    """Tokens of one request.

    ``input_tokens``, ``cache_read_tokens``, ``cache_write_5m_tokens`` and ``cache_write_1h_tokens`` are
    disjoint; ``reasoning_tokens`` is a part of ``output_tokens``.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def cache_write_tokens(self) -> int:
        """Tokens written to the cache, whatever their time to live."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens
