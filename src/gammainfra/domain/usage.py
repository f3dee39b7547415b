"""Token counts of one answer in classes that never overlap, whatever the vendor's own counting was.

Dialects normalise to this before anything is priced; nothing here knows a vendor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Disjoint token counts; ``prompt_tokens`` and ``completion_tokens`` are the sums clients expect.

    ``output_tokens`` excludes ``reasoning_tokens``; ``input_tokens`` excludes everything read from or written to a
    prompt cache. ``estimated`` marks counts that the provider did not report (a cut or unread tail).
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    def plus(self, other: Usage) -> Usage:
        """Both together: an answer that was made in several exchanges."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            estimated=self.estimated or other.estimated,
        )

    @property
    def prompt_tokens(self) -> int:
        """All input, cached or not (OpenAI's meaning of the word)."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.cache_write_1h_tokens

    @property
    def completion_tokens(self) -> int:
        """All output, reasoning included."""
        return self.output_tokens + self.reasoning_tokens
