"""A record made by hand, with what must arrive of it: what the two files of fixtures are written in."""

from __future__ import annotations

from dataclasses import dataclass

from tests.gates.wire.oracle import Expected
from tests.gates.wire.record import Record


@dataclass(frozen=True, slots=True)
class Fixture:
    """A record made by hand and what must arrive of it."""

    record: Record
    expected: Expected


def error(status: int, code: str, words: str = "", *, broken_after: str | None = None) -> Expected:
    """What a caller must get when there is no answer; ``broken_after`` the text that may have been shown."""
    want = Expected("refused", status=status, code=code, words=words)
    if broken_after is not None:
        want.outcome, want.choices[0].text = "broken", broken_after
    return want
