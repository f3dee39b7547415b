"""Identifiers in the shapes vendors give them, unique per answer and the same in every run with the same
seed. It never reads a clock or a random source.
"""

from __future__ import annotations

import hashlib
import string

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Mint:
    """Makes identifiers from a seed and a counter."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made = 0

    def _digest(self) -> int:
        self._made += 1
        return int.from_bytes(hashlib.sha256(f"{self._seed}:{self._made}".encode()).digest(), "big")

    def base62(self, length: int) -> str:
        """So many letters and digits; at most 40."""
        number, letters = self._digest(), []
        for _ in range(length):
            number, rest = divmod(number, 62)
            letters.append(_BASE62[rest])
        return "".join(letters)

    def hexadecimal(self, length: int) -> str:
        """So many lower-case hexadecimal digits; at most 64."""
        return f"{self._digest():064x}"[:length]

    def uuid(self) -> str:
        """A version 4 UUID."""
        text = self.hexadecimal(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
