"""Charts as SVG: pure functions from numbers to markup. They decide geometry, never colour: classes carry meaning, the
style sheet gives them colours, so that both themes and print are free.

Every chart has a title and a sentence for those who do not see it, and comes with its figures as a table. Geometry is
in a box of 100 by 100 that the page stretches; nothing round and no text is inside, as both would be stretched too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup, escape

_BOX: Final = 100.0
_FEWEST_STEPS: Final = 12  # a task that begins leaves room: its bars do not shrink with every step
_MOST_SERIES: Final = 6  # classes s0..s5 in the style sheet; the rest is gathered as the last


@dataclass(frozen=True, slots=True)
class Series:
    """One line of figures, named."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Legend:
    """What a colour stands for. ``kind`` is its class."""

    kind: str
    name: str
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    """``svg`` and, for everybody else, the same as a table. ``top`` is the value at the upper edge."""

    svg: Markup
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    legend: tuple[Legend, ...] = field(default=())
    top: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a timeline; ``kind`` is its class, times share the unit of the whole."""

    start: float
    end: float
    kind: str
    says: str


def sparkline(values: Sequence[float], title: str) -> Markup:
    """A small line without axes; a flat line where there is nothing to show."""
    top = max(values, default=0) or 1
    step = _BOX / max(1, len(values) - 1)
    heights = [96 - 92 * value / top for value in values] or [96.0]
    if len(heights) == 1:
        heights = heights * 2
        step = _BOX
    points = " ".join(f"{_n(n * step)},{_n(height)}" for n, height in enumerate(heights))
    area = f"0,100 {points} {_n((len(heights) - 1) * step)},100"
    return _svg(
        "spark", title, "", Markup('<polygon class="area" points="{}"/><polyline {} points="{}"/>').format(
            area, _THIN, points
        ),
    )  # fmt: skip


def stacked(
    series: Sequence[Series], labels: Sequence[str], title: str, show: Callable[[int], str] = "{:,}".format
) -> Chart:
    """Stacked bars, one for each label; the largest series lie at the bottom, more than six become "others"."""
    kept = gather(series)
    totals = [sum(one.values[n] for one in kept) for n in range(len(labels))]
    top = max(totals, default=0)
    slot = _BOX / max(1, len(labels))
    parts = []
    for n, label in enumerate(labels):
        base = 0
        for place, one in enumerate(kept):
            value = one.values[n]
            if value <= 0:
                continue
            height = _BOX * value / (top or 1)
            y = _BOX - _BOX * base / (top or 1) - height
            parts.append(
                Markup('<rect class="s{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
                    place, _n(n * slot + slot * 0.11), _n(y), _n(slot * 0.78), _n(height),
                    f"{label}: {one.name} {show(value)}",
                )
            )  # fmt: skip
            base += value
    busiest = max(range(len(labels)), key=totals.__getitem__, default=0) if top else 0
    says = f"{len(labels)} bars; the highest is {labels[busiest]}." if top else "Nothing to show yet."
    rows = tuple((label, *(show(one.values[n]) for one in kept), show(totals[n])) for n, label in enumerate(labels))
    return Chart(
        _svg("stacked", title, says, Markup("").join(parts)),
        ("", *(one.name for one in kept), "together"),
        rows,
        tuple(Legend(f"s{n}", one.name, sum(one.values)) for n, one in enumerate(kept)),
        top,
    )


def gather(series: Sequence[Series]) -> list[Series]:
    """The largest first; what has no place of its own any more becomes "others"."""
    ordered = sorted(series, key=lambda one: (-sum(one.values), one.name))
    if len(ordered) <= _MOST_SERIES:
        return ordered
    kept, rest = ordered[: _MOST_SERIES - 1], ordered[_MOST_SERIES - 1 :]
    return [
        *kept,
        Series(f"{len(rest)} others", [sum(column) for column in zip(*(o.values for o in rest), strict=True)]),
    ]


def steps(costs: Sequence[int], kinds: Sequence[str], says: Sequence[str], title: str, summary: str) -> Markup:
    """Bars for what each step cost, and a line for what all steps up to it cost; each on its own scale."""
    top, total = max(costs, default=0) or 1, sum(costs) or 1
    slot = _BOX / max(_FEWEST_STEPS, len(costs))
    parts, points, sum_nano = [], ["0,100"], 0
    for n, (value, kind, text) in enumerate(zip(costs, kinds, says, strict=True)):
        height = max(1.5, 88 * value / top)
        parts.append(
            Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
                kind, _n(n * slot + slot * 0.12), _n(_BOX - height), _n(slot * 0.76), _n(height), text
            )
        )
        sum_nano += value
        points.append(f"{_n((n + 1) * slot)},{_n(_BOX - 97 * sum_nano / total)}")
    line = Markup('<polyline class="sum" {} points="{}"/>').format(_THIN, " ".join(points))
    return _svg("steps", title, summary, Markup("").join(parts) + line)


def timeline(spans: Sequence[Span], whole: float, title: str) -> Markup:
    """Stretches of time on one line: an attempt of a waterfall. ``whole`` is the length of the line."""
    unit = _BOX / (whole or 1)
    parts = [
        Markup('<rect class="{}" x="{}" y="18" width="{}" height="64"><title>{}</title></rect>').format(
            span.kind, _n(span.start * unit), _n(max(0.35, (span.end - span.start) * unit)), span.says
        )
        for span in spans
    ]
    return _svg("timeline", title, " ".join(span.says for span in spans), Markup("").join(parts))


def histogram(values: Sequence[float], edges: Sequence[float], names: Sequence[str], title: str) -> Chart:
    """How many values lie between two edges; ``names`` has one more than ``edges``: what lies above the last."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(value >= edge for edge in edges)] += 1
    return stacked([Series("requests", counts)], names, title)


def share_bar(parts: Sequence[tuple[str, str, int]], title: str) -> Markup:
    """One bar cut into (class, name, amount)."""
    whole = sum(amount for _, _, amount in parts) or 1
    start, rects = 0.0, []
    for kind, name, amount in parts:
        width = _BOX * amount / whole
        if amount > 0:
            rects.append(
                Markup('<rect class="{}" x="{}" y="0" width="{}" height="100"><title>{}</title></rect>').format(
                    kind, _n(start), _n(width), f"{name}: {amount:,}"
                )
            )
        start += width
    says = ", ".join(f"{name} {amount:,}" for _, name, amount in parts if amount)
    return _svg("sharebar", title, says, Markup("").join(rects))


_THIN: Final = Markup('vector-effect="non-scaling-stroke"')


def _svg(kind: str, title: str, says: str, inside: Markup) -> Markup:
    label = f"{title}. {says}" if says else title
    return Markup(
        '<svg class="chart {}" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(kind, label, title, escape(says), inside)


def _n(number: float) -> str:
    """Two decimals at most: a hundredth of a per cent is less than a pixel."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
