from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.web.dashboard import charts
from gammainfra.web.dashboard.charts import Series, Span

EVIL = '"><script>alert(1)</script>'


def elements(svg: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter())


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=4, max_size=4), max_size=9))
def test_stacked_bars_stay_in_their_box_and_show_every_value_as_a_table(columns: list[list[int]]) -> None:
    series = [Series(f"model {n}", values) for n, values in enumerate(columns)]
    chart = charts.stacked(series, ["a", "b", "c", "d"], "Spend")

    for rect in elements(chart.svg):
        if rect.tag == "rect":
            y, height = float(rect.attrib["y"]), float(rect.attrib["height"])
            assert y >= -0.02
            assert y + height <= 100.02
    assert len(chart.legend) <= 6
    assert sum(one.total for one in chart.legend) == sum(map(sum, columns))
    assert len(chart.rows) == 4


def test_every_chart_says_what_it_shows_and_carries_no_style() -> None:
    made = [
        charts.sparkline([1, 2, 3], "Spend"),
        charts.sparkline([], "Nothing"),
        charts.stacked([Series("a", [1])], ["today"], "Spend").svg,
        charts.steps([1, 2], ["served", "rescued"], ["Step 1", "Step 2"], "Cost", "2 steps."),
        charts.timeline([Span(0, 5, "wait served", "Waited.")], 10, "Attempt 1"),
        charts.histogram([1, 5], [2], ["<2", "2+"], "Times").svg,
        charts.share_bar([("new", "new input", 4), ("read", "cached", 0)], "Tokens"),
    ]

    for svg in made:
        root = ET.fromstring(svg)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"]
        assert root.find("title") is not None
        assert root.find("desc") is not None
        assert not [one for one in root.iter() if "style" in one.attrib or one.tag in {"style", "script"}]


def test_names_from_outside_are_text() -> None:
    made = [
        charts.stacked([Series(EVIL, [1])], [EVIL], EVIL).svg,
        charts.steps([1], ["served"], [EVIL], EVIL, EVIL),
        charts.timeline([Span(0, 1, "wait", EVIL)], 1, EVIL),
        charts.share_bar([("new", EVIL, 1)], EVIL),
        charts.sparkline([1], EVIL),
    ]

    assert not [one for svg in made for one in elements(svg) if one.tag == "script"]


def test_the_histogram_counts_every_value_once() -> None:
    chart = charts.histogram([0, 1, 2, 3, 10], [2, 4], ["<2", "2", "4+"], "Times")

    assert [row[1] for row in chart.rows] == ["2", "2", "1"]
