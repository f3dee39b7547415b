"""Tool-call ids on their way to clients and to providers: kept where they are good, rewritten by hash where not.

It decides which id a call has on either side. Every rewrite is a pure function of what stands
earlier in the conversation, so it is the same on any node and after any restart; nothing is ever stored in an id,
and an id is never cut (two long ids may share their head).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable
from typing import Final

from gammainfra.domain.ids import base62
from gammainfra.domain.target import IdRule

_SHOWN: Final = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")

# What each family of providers accepts, and the shape that is minted for it: a prefix and base62 digits.
_ACCEPTED: Final[dict[IdRule, re.Pattern[str]]] = {
    "openai": _SHOWN,
    "anthropic": re.compile(r"[A-Za-z0-9_-]{1,64}\Z"),
    "mistral": re.compile(r"[A-Za-z0-9]{9}\Z"),
}
_MINTED: Final[dict[IdRule, tuple[str, int]]] = {
    "openai": ("call_", 24),
    "anthropic": ("call_", 24),
    "mistral": ("", 9),
}


def shown_id(native: str, position: int, seen: Container[str]) -> str:
    """The id a client gets for a call: the provider's own when it is safe and new, else one made by position.

    ``position`` is the call's 0-based number in the conversation, ``seen`` the ids that the conversation holds.
    """
    if _SHOWN.match(native) and native not in seen:
        return native
    return minted_id(native, position, seen)


def minted_id(native: str, position: int, seen: Container[str]) -> str:
    """``call_`` and 24 base62 digits of SHA-256(position, native id), salted until it is not in ``seen``."""
    salt = 0
    while (minted := _hashed(f"{position}/{salt}/{native}", "call_", 24)) in seen:
        salt += 1
    return minted


def upstream_ids(ids: Iterable[str], rule: IdRule) -> dict[str, str]:
    """The ids a provider gets, by the client's ids in the order of their first occurrence.

    Two different ids never become one, and an id's mapping depends on earlier ids only, so it stays while the
    history grows: of two that would collide, the later one is salted.
    """
    accepted = _ACCEPTED[rule]
    prefix, digits = _MINTED[rule]
    sent: dict[str, str] = {}
    taken: set[str] = set()
    for shown in ids:
        if shown in sent:
            continue
        salt = 0
        candidate = shown if accepted.match(shown) else _hashed(f"{salt}/{shown}", prefix, digits)
        while candidate in taken:
            salt += 1
            candidate = _hashed(f"{salt}/{shown}", prefix, digits)
        sent[shown] = candidate
        taken.add(candidate)
    return sent


def _hashed(text: str, prefix: str, digits: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return prefix + base62(int.from_bytes(digest, "big"), digits)
