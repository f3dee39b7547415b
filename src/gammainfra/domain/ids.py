"""Identifiers: how they look, and the checksum that lets a mistyped key be refused without a look-up.

Randomness is an argument: callers pass bytes from their own source. Shapes are part of the contract (C50, C81).
"""

from __future__ import annotations

import zlib
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_PREFIX: Final = "sk-gammainfra-"
_SECRET_CHARS: Final = 32
_CHECK_CHARS: Final = 6


def base62(number: int, width: int) -> str:
    """Write ``number`` (>= 0) in base 62 with ``width`` digits, the most significant ones dropped."""
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))


def generation_id(random: bytes) -> str:
    """Name one answer from 16 random bytes: ``gen-`` and 22 base62 characters."""
    return "gen-" + base62(int.from_bytes(random[:16], "big"), 22)


def api_key(random: bytes) -> str:
    """Make an API key from 32 random bytes: ``sk-gammainfra-<32 base62>_<6 base62 CRC32>`` (C81)."""
    secret = base62(int.from_bytes(random[:32], "big"), _SECRET_CHARS)
    return f"{KEY_PREFIX}{secret}_{_checksum(secret)}"


def is_visible_ascii(text: str, at_most: int) -> bool:
    """Whether ``text`` is 1 to ``at_most`` printable ASCII characters without a space: safe in headers and logs."""
    return 0 < len(text) <= at_most and text.isascii() and text.isprintable() and " " not in text


def is_well_formed_key(key: str) -> bool:
    """Whether ``key`` has the shape and checksum of a key that was issued here; says nothing about its validity."""
    if not key.startswith(KEY_PREFIX) or not key.isascii():
        return False
    secret, underscore, check = key[len(KEY_PREFIX) :].partition("_")
    return bool(underscore) and len(secret) == _SECRET_CHARS and secret.isalnum() and check == _checksum(secret)


def _checksum(secret: str) -> str:
    return base62(zlib.crc32(secret.encode()), _CHECK_CHARS)
