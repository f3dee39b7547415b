"""Known disagreements between the price book and other sources, each with the reason why the book keeps its price."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from typing import Final

import msgspec

from gammainfra.cli.prices.compare import Difference

_FILE: Final = "disputes.toml"


class Dispute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose price, of which endpoints and classes (``*`` stands for anything), at which hours, and why ours stands."""

    source: str
    endpoint: str
    why: str
    what: str = "*"
    when: str = "*"

    def covers(self, one: Difference, source: str) -> bool:
        """Whether it explains that difference with that source (``name version``)."""
        return (
            source.startswith(self.source)
            and fnmatchcase(one.endpoint, self.endpoint)
            and fnmatchcase(one.what, self.what)
            and fnmatchcase(one.when, self.when)
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dispute: tuple[Dispute, ...]


@dataclass(frozen=True, slots=True)
class Disputes:
    """All of them; the first that covers a difference explains it."""

    rows: tuple[Dispute, ...]

    def explain(self, one: Difference, source: str) -> Dispute | None:
        """The row that explains a difference, None when nobody has looked at it yet."""
        return next((row for row in self.rows if row.covers(one, source)), None)


def read_disputes() -> Disputes:
    """The package's own file."""
    text = (resources.files("gammainfra.cli.prices") / _FILE).read_text(encoding="utf-8")
    return Disputes(msgspec.toml.decode(text, type=_File).dispute)
