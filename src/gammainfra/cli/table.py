"""How a command shows rows: a table on a terminal, aligned lines for pipes and files. It decides looks, never values.

Names come from outside, from clients and providers: what a terminal would obey instead of showing is shown as ``?``.
Colours follow NO_COLOR.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

_GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` is the least one, in characters; ``styles`` are rich's, by what a cell says."""

    title: str
    right: bool = False
    width: int = 0
    styles: Mapping[str, str] = field(default_factory=dict)


def show(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, head: bool = True) -> None:
    """Print rows on standard output at once; without ``head`` they continue what was printed before."""
    cells = [[printable(cell) for cell in row] for row in rows]
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(_table(columns, cells, head=head))
    else:
        print("\n".join(_lines(columns, [[one.title for one in columns], *cells] if head else cells)), flush=True)


def printable(text: str) -> str:
    """Without anything that moves a cursor, changes a colour or begins a line."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _lines(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[str]:
    longest = (max(map(len, texts)) for texts in zip_longest(*cells, fillvalue=""))
    widths = [max(column.width, long) for column, long in zip(columns, longest, strict=True)]
    return [
        _GAP.join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _table(columns: Sequence[Column], cells: Sequence[Sequence[str]], *, head: bool) -> Table:
    table = Table(box=None, pad_edge=False, show_header=head, header_style="bold", padding=(0, len(_GAP), 0, 0))
    for column in columns:
        justify: JustifyMethod = "right" if column.right else "left"
        table.add_column(column.title, justify=justify, min_width=column.width or None, overflow="fold")
    for row in cells:
        table.add_row(
            *(Text(cell, column.styles.get(cell, "")) for column, cell in zip(columns, row, strict=True))
        )  # fmt: skip
    return table
