"""Names of tools as OpenAI accepts them: letters, digits, ``_`` and ``-``, at most 64; others are rewritten by hash.

A pure function of the name, so it is the same in every turn. Calls come back under the sent name; Written.tool_names
carries the pairs.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from gammainfra.domain.ids import base62

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_HEAD_CHARS: Final = 54
_HASH_CHARS: Final = 9


def is_accepted(name: str) -> bool:
    """Whether a tool may be called ``name``."""
    return _NAME.match(name) is not None


def sent_name(name: str) -> str:
    """The name to send: itself when it is accepted, else its readable head and a hash of the whole name."""
    if is_accepted(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return f"{_NOT_IN_NAME.sub('_', name)[:_HEAD_CHARS]}_{base62(int.from_bytes(digest, 'big'), _HASH_CHARS)}"
