"""A value that must not be seen: provider keys, tokens, peppers. It prints as ``***`` wherever it goes.

It decides nothing and hides nothing from code that asks with ``reveal``; it keeps secrets out of logs, errors, pages
and tracebacks by accident-proofing every way in which Python turns a value into text.
"""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

HIDDEN: Final = "***"


@final
class Secret:
    """One secret text. Comparing takes the same time wherever they differ; pickling is refused."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: call it where the secret is used, and keep the result in no variable that lives on."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled")
