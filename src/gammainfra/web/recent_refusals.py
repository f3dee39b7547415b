"""The newest calls that were refused before anything was recorded of them, for the dashboard to name what is wrong.

Per process; a restart forgets them. At most limits.REFUSALS_SHOWN. Only refusals whose words are our own are kept:
those of the key and of the address. What a request contained is in none of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused

_OUR_WORDS: Final = frozenset(
    {"invalid_api_key", "not_found", "method_not_allowed", "not_supported", "model_not_found"}
)
_PATH_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """``at`` is epoch seconds."""

    at: float
    path: str
    status: int
    code: str
    message: str


class RecentRefusals:
    """Written by the loop's thread; a copy is read by others."""

    def __init__(self) -> None:
        self._calls: deque[RefusedCall] = deque(maxlen=limits.REFUSALS_SHOWN)

    def note(self, at: float, path: str, refused: Refused) -> None:
        """A call was refused."""
        if refused.code in _OUR_WORDS:
            self._calls.append(RefusedCall(at, path[:_PATH_CHARS], refused.status, refused.code, refused.message))

    def since(self, at: float) -> Sequence[RefusedCall]:
        """Those since then, newest first."""
        return [call for call in reversed(self._calls.copy()) if call.at >= at]
