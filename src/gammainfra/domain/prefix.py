"""What of a system text stays the same from step to step: its lines without dates, times, costs and percentages.

Agents print the clock and the money spent into their system text; a task's name and the question whether the agent
changed its mode must not hang on those. Only text is looked at, no client is known here.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

# Lines without any of these hold none of the below: most lines, and they are passed over quickly.
_FIGURE: Final = re.compile(r"[0-9$€£¥]")
_VOLATILE: Final = re.compile(
    r"\d\d?:\d\d"  # a time of day
    r"|\d{4}[-/.]\d\d?[-/.]\d\d?"  # a date, the year first
    r"|\d\d?[-/.]\d\d?[-/.]\d{2,4}"  # a date, the year last
    r"|\d\d?(?:st|nd|rd|th)?,? (?:19|20)\d\d\b"  # the end of "November 23, 2026"
    r"|\d(?:[.,]\d+)? ?%"  # a share
    r"|\d(?:[.,]\d+)? ?(?:USD|EUR|[$€£¥])"  # an amount
    r"|[$€£¥] ?\d",
    re.ASCII,
)


def steady_lines(text: str) -> str:
    """``text`` without the lines that hold a date, a time, a cost or a percentage."""
    kept = []
    copied = 0  # up to here, always the start of a line
    looked = 0
    while (figure := _FIGURE.search(text, looked)) is not None:
        line_start = text.rfind("\n", 0, figure.start()) + 1
        line_end = text.find("\n", figure.end())
        looked = len(text) if line_end < 0 else line_end + 1
        if _VOLATILE.search(text, line_start, looked) is not None:
            kept.append(text[copied:line_start])
            copied = looked
    kept.append(text[copied:])
    return "".join(kept)


def prefix_head_hash(prefix_head: str) -> int:
    """A checksum of a Sketch's ``prefix_head`` that volatile lines do not change: ``SessionView.prefix_head_hash``.

    An unlucky equal pair only means that a change of mode goes unnoticed, so 32 bits are enough.
    """
    return zlib.crc32(steady_lines(prefix_head).encode("utf-8", "surrogatepass"))
