"""Where prompt caches are marked: for clients that send no marks, and for clients that send too many.

It decides positions only, as a pure function of what is sent, and knows no wire format. Marks are never part of the
content: moving one changes nothing that a cache key or a signature covers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gammainfra.domain.chat import CacheMark, Role

MARKS: Final = 4  # https://platform.claude.com/docs/en/build-with-claude/prompt-caching: at most 4 breakpoints
_MARKED_GROUPS: Final = 2


def cache_mark(block: Mapping[str, Any]) -> CacheMark | None:
    """The mark that ``cache_control`` sets, Anthropic's way; anything that is no object sets none."""
    mark = block.get("cache_control")
    if not isinstance(mark, dict):
        return None
    return "1h" if mark.get("ttl") == "1h" else "5m"


def automatic_ends(roles: Sequence[Role]) -> tuple[int, ...]:
    """Which messages end in a mark, given the roles as sent (adjacent messages of one role already joined).

    The last two user groups: the older one is where the last request's cache ends and is read, the newer one is
    where the next request will read. A third mark, after (tools, system), is the writer's to set; tools and system
    survive an edited history there.
    """
    users = [index for index, role in enumerate(roles) if role == "user"]
    return tuple(users[-_MARKED_GROUPS:])


def kept_marks(marks: Sequence[CacheMark | None]) -> tuple[CacheMark | None, ...]:
    """A client's marks, one for each block in the order sent (tools, system, messages), as providers accept them.

    Of more than four the last four stay: the older ones lie before them and are found by look-back. A ``1h`` mark
    after a ``5m`` one is refused, so it becomes ``5m``.
    """
    places = [index for index, mark in enumerate(marks) if mark is not None][-MARKS:]
    kept: list[CacheMark | None] = [None] * len(marks)
    shortened = False
    for index in places:
        shortened = shortened or marks[index] == "5m"
        kept[index] = "5m" if shortened else marks[index]
    return tuple(kept)
