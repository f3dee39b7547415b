from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import RequestRecord
from gammainfra.store.engine import Connection, Engine, StoreUnusable
from gammainfra.store.reader import Reader, RequestFilter
from gammainfra.store.writer import Writer
from tests.store.making import DAY, DAYS, NOON, failed, record, show_plan, writer_on


def count(writer: Writer, table: str) -> int:
    future: Future[int] = writer.submit(
        lambda db: int(db.execute(f"SELECT count(*) AS value FROM {table}").fetchone()["value"])
    )
    return future.result(10)


def test_a_flush_waits_until_everything_queued_is_in_the_file(place: Engine) -> None:
    with writer_on(place) as writer:
        assert all(writer.add(record(n)) for n in range(2500))
        asyncio.run(writer.flush())

        assert (writer.written, writer.lost, writer.waiting) == (2500, 0, 0)
        assert count(writer, "requests") == 2500
        assert count(writer, "attempts") == 5000


def test_a_record_is_written_without_anybody_waiting_for_it(tmp_path: Path) -> None:
    reached = threading.Event()

    def show(plan: Plan) -> str:
        reached.set()
        return show_plan(plan)

    writer = Writer(tmp_path / "gammainfra.db", show_plan=show)
    writer.add(record())

    assert reached.wait(10)
    writer.close()
    assert writer.written == 1


def test_a_record_that_comes_twice_counts_once(place: Engine) -> None:
    with writer_on(place) as writer:
        for one in (record(1), record(1), record(2)):
            writer.add(one)
        writer.flush_blocking()
        writer.add(record(2))
        writer.flush_blocking()

        assert writer.written == 2
        assert count(writer, "requests") == 2
    reader = Reader(writer.engine)
    assert [row.requests for row in reader.usage("local", 0, NOON * 2)] == [2]
    reader.close()


def test_closing_writes_what_is_queued_and_may_be_done_twice(place: Engine) -> None:
    writer = Writer(place, show_plan=show_plan)
    assert all(writer.add(record(n)) for n in range(1500))
    writer.close()
    writer.close()

    assert (writer.written, writer.lost) == (1500, 0)
    assert not writer.add(record(9999))
    assert writer.lost == 1
    with pytest.raises(StoreUnusable, match="closed"):
        writer.flush_blocking()


def test_a_full_queue_counts_what_it_turns_away_and_never_waits(place: Engine) -> None:
    started, go = threading.Event(), threading.Event()

    def hold(_: Connection) -> bool:
        started.set()
        return go.wait(10)

    with writer_on(place) as writer:
        busy = writer.submit(hold)
        assert started.wait(10)
        same = record()
        taken = [writer.add(same) for _ in range(limits.RECORD_QUEUE + 3)]
        go.set()

        assert busy.result(10)
        assert taken == [True] * limits.RECORD_QUEUE + [False] * 3
        assert writer.lost == 3


def sums(db: Connection) -> list[list[str]]:
    """All rows of all sums."""
    tables = ("usage_hourly", "usage_daily", "sessions", "meta")
    found = [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    return [sorted(str([(name, row[name]) for name in tuple(row.keys())]) for row in rows) for rows in found]


def broken(db: Connection) -> None:
    db.execute("ALTER TABLE meta RENAME TO away")


def test_a_write_that_fails_is_tried_again(tmp_path: Path) -> None:
    slept: list[float] = []

    def mend(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            with sqlite3.connect(tmp_path / "gammainfra.db") as db:
                db.execute("ALTER TABLE away RENAME TO meta")
            db.close()

    writer = Writer(tmp_path / "gammainfra.db", show_plan=show_plan, sleep=mend)
    writer.submit(broken).result(10)
    writer.add(record())
    writer.close()

    assert slept == pytest.approx([0.1, 0.2, 0.4])
    assert (writer.written, writer.lost) == (1, 0)


def test_what_cannot_be_written_is_counted_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    slept: list[float] = []
    writer = Writer(tmp_path / "gammainfra.db", show_plan=show_plan, sleep=slept.append)
    writer.submit(broken).result(10)
    writer.add(record(1))
    writer.add(record(2))
    writer.close()

    assert (writer.written, writer.lost, len(slept)) == (0, 2, limits.RECORD_TRIES - 1)
    assert "lost 2 records of " in caplog.text


def test_a_record_with_a_wrong_value_does_not_take_the_others_along(place: Engine) -> None:
    with writer_on(place) as writer:
        wrong = (
            record(2, n_tools="many"),
            record(3, status=2**70),
            record(4, ending="unheard of"),
            record(5, latency_ms=float("nan")),
            record(6, usage=None),
        )
        for one in (record(1), *wrong, record(7)):
            writer.add(one)
        writer.flush_blocking()

        assert (writer.written, writer.lost) == (2, len(wrong))
        assert count(writer, "attempts") == 4
        assert writer.verify_day(DAY).result(10).ok


def test_a_plan_that_cannot_be_shown_loses_its_record_only(place: Engine) -> None:
    def refuse_one(plan: Plan) -> str:
        if plan.asked == "bad":
            raise ValueError("no")
        return "{}"

    writer = Writer(place, show_plan=refuse_one)
    writer.add(record(1))
    writer.add(record(2, plan=Plan("bad", ())))
    writer.close()

    assert (writer.written, writer.lost) == (1, 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_writer_ends_it_loudly_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    def defect(_: Connection) -> None:
        raise ZeroDivisionError

    go = threading.Event()
    writer = Writer(tmp_path / "gammainfra.db", show_plan=show_plan)
    writer.submit(lambda _: go.wait(10))
    writer.submit(defect)
    writer.add(record(1))
    waiting = writer.submit(lambda _: None)
    go.set()

    with pytest.raises(StoreUnusable):
        waiting.result(10)
    writer.close()
    assert not writer.add(record(2))
    assert writer.lost == 2


def test_an_error_of_a_job_is_its_own(place: Engine) -> None:
    with writer_on(place) as writer:
        with pytest.raises(place.errors):
            writer.submit(lambda db: db.execute("nonsense")).result(10)

        writer.add(record())
        writer.flush_blocking()
        assert writer.written == 1


def test_call_ids_are_held_to_their_bound(place: Engine) -> None:
    def pairs(n: int) -> tuple[tuple[str, str], ...]:
        return tuple((f"call_{n}_{i}", "x") for i in range(1000))

    full = limits.SESSION_CALL_IDS // 1000
    with writer_on(place) as writer:
        for n in range(full + 60):
            writer.add(record(n, call_ids=pairs(n)))
            if n % 10 == 0:
                writer.flush_blocking()
        writer.flush_blocking()

        kept = count(writer, "call_ids")
        assert limits.SESSION_CALL_IDS <= kept <= limits.SESSION_CALL_IDS * 1.15
        oldest = writer.submit(
            lambda db: int(db.execute("SELECT min(seq) AS value FROM call_ids").fetchone()["value"])
        ).result(10)
        assert oldest > 1


# ------------------------------------------------------------------------------------ sums


@st.composite
def written(draw: st.DrawFn) -> tuple[list[RequestRecord], list[int]]:
    made = [
        record(
            n,
            at=NOON + draw(st.integers(-86_400, 2 * 86_400)) + draw(st.sampled_from([0.0, 0.0005, 0.999])),
            account_id=draw(st.sampled_from(["local", "other"])),
            key_id=draw(st.sampled_from(["key-1", "key-2"])),
            session_id=draw(st.sampled_from(["", "a", "b"])),
            model=draw(st.sampled_from(["x", "y"])),
            client=draw(st.sampled_from(["", "roo"])),
            ending=draw(st.sampled_from(["served", "failed", "timed_out", "abandoned", "stopped"])),
            latency_ms=draw(st.floats(0, 1e6)),
            ttft_ms=draw(st.none() | st.floats(0, 1e5)),
            charge=draw(st.none() | st.just(record().charge)),
        )
        for n in range(draw(st.integers(1, 12)))
    ]
    return made, draw(st.lists(st.integers(1, 5), min_size=12, max_size=12))


@settings(max_examples=20)
@given(written())
def test_sums_are_the_same_however_batches_were_cut(
    places: Callable[[], Engine], case: tuple[list[RequestRecord], list[int]]
) -> None:
    records, cuts = case
    with writer_on(places()) as writer:
        rest = list(records)
        for size in cuts:
            for one in rest[:size]:
                writer.add(one)
            writer.flush_blocking()
            rest = rest[size:]

        assert writer.written == len(records)
        assert [writer.verify_day(day).result(10).ok for day in DAYS] == [True] * len(DAYS)
        assert count(writer, "sessions") == len({(r.account_id, r.session_id) for r in records if r.session_id})
        found = "SELECT sum(requests) AS requests, sum(cost_nano) AS cost_nano FROM usage_daily"
        total = writer.submit(lambda db: db.execute(found).fetchone()).result(10)
        priced = [one.charge.total_nano for one in records if one.charge]
        assert (total["requests"], total["cost_nano"]) == (len(records), sum(priced))


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        ("UPDATE usage_hourly SET cost_nano = cost_nano + 1", (2, 0, 0)),
        ("UPDATE usage_daily SET requests = 0", (0, 2, 0)),
        ("DELETE FROM usage_daily", (0, 1, 0)),
        ("UPDATE sessions SET steps = steps + 1", (0, 0, 2)),
        ("UPDATE sessions SET endpoint = 'nobody/nothing'", (0, 0, 2)),
        ("DELETE FROM sessions", (0, 0, 1)),
    ],
)
def test_damaged_sums_are_found_and_made_again(place: Engine, damage: str, wrong: tuple[int, int, int]) -> None:
    with writer_on(place) as writer:
        writer.add(record(1))
        writer.add(failed(2))
        writer.flush_blocking()
        before = writer.submit(sums).result(10)
        writer.submit(lambda db: db.execute(damage).rowcount).result(10)

        check = writer.verify_day(DAY).result(10)
        assert (check.hours_wrong, check.days_wrong, check.sessions_wrong) == wrong
        assert not check.ok
        assert writer.verify_day(DAYS[0]).result(10).ok
        writer.rebuild_day(DAY).result(10)
        assert writer.verify_day(DAY).result(10).ok
        assert writer.submit(sums).result(10) == before


def test_a_rebuild_of_an_empty_day_changes_nothing(place: Engine) -> None:
    with writer_on(place) as writer:
        writer.add(record())
        writer.flush_blocking()
        writer.rebuild_day(DAYS[-1]).result(10)

        assert writer.verify_day(DAY).result(10).ok


def test_writing_goes_on_where_an_earlier_run_stopped(place: Engine) -> None:
    for several in ((1, 2), (2, 3)):
        with writer_on(place) as writer:
            assert all(writer.add(record(number)) for number in several)

    reader = Reader(place)
    assert [row.id for row in reader.requests(RequestFilter("local")).rows] == [
        "gen-000003",
        "gen-000002",
        "gen-000001",
    ]
    assert [row.requests for row in reader.usage("local", 0, NOON * 2)] == [3]
    reader.close()
