"""How fast a simulated model speaks. It decides pauses and the size of chunks, and never what is said."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Time to the first token, tokens per second, and the grain of a stream.

    ``tokens_per_s=0`` writes everything that is left in one burst. A stalled answer is reset after
    ``stall_limit_s``, so that nothing hangs for ever.
    """

    first_token_s: float = 0.0
    tokens_per_s: float = 0.0
    words_per_chunk: int = 2
    argument_chars_per_chunk: int = 24
    slow_first_token_s: float = 30.0
    stall_limit_s: float = 600.0
    flush_before_reset_s: float = 0.01
    retry_after_s: int = 1

    def token_pause_s(self, tokens: int) -> float:
        """The pause after so many tokens."""
        return tokens / self.tokens_per_s if self.tokens_per_s > 0 else 0.0

    def split_words(self, text: str) -> list[str]:
        """The text in chunks of whole words; joined they are the text."""
        words = re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", text)
        size = max(1, self.words_per_chunk)
        return ["".join(words[at : at + size]) for at in range(0, len(words), size)]

    def split_arguments(self, arguments: str) -> list[str]:
        """Arguments in at least two pieces whenever they have two characters, so a cut can fall between."""
        size = max(1, min(self.argument_chars_per_chunk, -(-len(arguments) // 2)))
        return [arguments[at : at + size] for at in range(0, len(arguments), size)]
