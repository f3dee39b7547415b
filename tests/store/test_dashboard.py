"""What the pages ask, on every engine: filters find what they say, pages join without gaps, nobody reads too far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from gammainfra.domain import limits
from gammainfra.domain.attempt import Served
from gammainfra.store.dashboard import DashboardReader, Wanted
from gammainfra.store.engine import Engine
from gammainfra.store.reader import RequestFilter
from tests.store.making import NOON, attempt, failed, record, writer_on

LOCAL = RequestFilter("local")
LATER = NOON + 86_400.0


@pytest.fixture(scope="module")
def reader(places: Callable[[], Engine]) -> Iterator[DashboardReader]:
    """Forty requests of one account: every seventh failed, odd ones had one attempt, two models, tasks of ten."""
    place = places()
    with writer_on(place) as writer:
        for n in range(40):
            one = failed(n) if n % 7 == 0 else record(n)
            one = replace(one, attempts=(attempt(1, Served()),)) if n % 7 and n % 2 else one
            assert writer.add(replace(one, session_id=f"task-{n // 10}", key_id=f"key-{n % 3}", model="xy"[n % 2]))
        writer.flush_blocking(30)
        made = DashboardReader(place)
    yield made
    made.close()


def pages(reader: DashboardReader, wanted: Wanted, limit: int = 7) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = reader.find(wanted, cursor, limit)
        found += [row.id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found


def test_pages_join_without_gaps(reader: DashboardReader) -> None:
    everything = pages(reader, Wanted(LOCAL))
    assert len(everything) == len(set(everything)) == 40
    assert everything == pages(reader, Wanted(LOCAL), limit=40)
    assert pages(reader, Wanted(replace(LOCAL, key_id="key-1"))) == [one for one in everything if one.endswith(KEY_1)]
    assert len(pages(reader, Wanted(replace(LOCAL, session_id="task-2")))) == 10


KEY_1 = tuple(f"{n:02}" for n in range(40) if n % 3 == 1)


def test_every_filter_finds_what_it_says(reader: DashboardReader) -> None:
    def count(**wanted: object) -> int:
        return len(pages(reader, Wanted(LOCAL, **wanted)))  # type: ignore[arg-type]

    n_failed = len(range(0, 40, 7))
    assert count(status="failed") == n_failed
    assert count(status="served") == 40 - n_failed
    assert count(status="fallback") == len([n for n in range(40) if n % 7 and n % 2 == 0])
    assert count(cause="rate_limit") + count(cause="overloaded") + count(cause="server_error") >= n_failed
    assert count(min_cost_nano=10**12) == 0
    assert count(min_latency_ms=10**8) == 0
    assert count(stream=True) + count(stream=False) == 40
    assert count(asked="nothing") == 0
    assert len(pages(reader, Wanted(replace(LOCAL, model="x")))) == 20


def test_a_page_shows_the_attempts_of_its_rows(reader: DashboardReader) -> None:
    rows = reader.find(Wanted(LOCAL), None, 5).rows
    marks = reader.marks(rows)
    assert {row.seq: len(marks[row.seq]) for row in rows} == {row.seq: row.n_attempts for row in rows}
    assert reader.marks(()) == {}


def test_the_newest_and_the_largest(reader: DashboardReader) -> None:
    assert len(reader.latest("local", 0.0)) == 40
    assert reader.latest("nobody", 0.0) == ()
    assert {one.absorbed for one in reader.failures("local", 0.0)} == {True, False}
    for sort in ("recent", "cost", "duration", "failures", "steps"):
        found = reader.sessions_by("local", sort, 0.0, LATER)
        assert {one.id for one in found} == {f"task-{n}" for n in range(4)}
    assert set(reader.last_use(["key-0", "key-9"])) == {"key-0"}
    assert reader.size_bytes() > 0


def test_a_filter_that_finds_nothing_stops_where_it_may_look_no_further(
    reader: DashboardReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DASHBOARD_SCANNED", 10)
    page = reader.find(Wanted(LOCAL, asked="nothing"))
    assert (page.rows, page.stopped_at is None) == ((), False)
    assert pages(reader, Wanted(LOCAL, asked="nothing")) == []
