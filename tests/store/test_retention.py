from __future__ import annotations

import pytest

from gammainfra.domain import limits
from gammainfra.store.engine import Engine
from gammainfra.store.reader import Reader, RequestFilter
from gammainfra.store.writer import Writer
from tests.store.making import DAY, DAYS, NOON, record, writer_on

DAY_S = 86_400.0


def forget_all(writer: Writer, before: float) -> int:
    rounds = 0
    while writer.forget(before).result(30):
        rounds += 1
    return rounds


def test_what_is_past_its_days_goes_and_days_sums_stay(place: Engine) -> None:
    with writer_on(place) as writer:
        for number in range(6):
            writer.add(record(number, at=NOON + (number // 2) * DAY_S, session_id=f"task-{number // 2}"))
        writer.flush_blocking(30)
        before = writer.verify_day(DAYS[2]).result(30)
        forget_all(writer, NOON + DAY_S)

        assert before.ok
        assert writer.verify_day(DAYS[2]).result(30).ok
        assert writer.verify_day(DAYS[3]).result(30).ok
        with pytest.raises(ValueError, match="are not kept any more"):
            writer.rebuild_day(DAY).result(30)
    reader = Reader(place)
    assert [row.id for row in reader.requests(RequestFilter("local")).rows] == [
        "gen-000005",
        "gen-000004",
        "gen-000003",
        "gen-000002",
    ]
    assert reader.generation("local", "gen-000000") is None
    assert reader.generation("local", "gen-000002") is not None
    assert [row.id for row in reader.sessions("local").rows] == ["task-2", "task-1"]
    assert [row.requests for row in reader.usage("local", 0, NOON * 2)] == [2, 2, 2]
    assert [row.requests for row in reader.usage("local", 0, NOON * 2, grain="hour")] == [2, 2]
    reader.close()


def test_a_round_is_bounded_and_the_last_finds_nothing(place: Engine) -> None:
    with writer_on(place) as writer:
        for number in range(limits.FORGET_ROWS + 50):
            writer.add(record(number, session_id=f"task-{number}"))
        writer.flush_blocking(30)

        assert forget_all(writer, NOON - DAY_S) == 0
        assert forget_all(writer, NOON + DAY_S) == 2


def test_a_task_that_began_before_what_is_kept_is_left_as_it_is(place: Engine) -> None:
    with writer_on(place) as writer:
        for number in range(3):
            writer.add(record(number, at=NOON + number * DAY_S, session_id="long"))
        writer.flush_blocking(30)
        forget_all(writer, NOON + DAY_S)
        writer.rebuild_day(DAYS[2]).result(30)

        assert writer.verify_day(DAYS[2]).result(30).ok
    reader = Reader(place)
    detail = reader.session("local", "long")
    reader.close()
    assert detail is not None
    assert (detail.session.requests, len(detail.steps.rows)) == (3, 2)


def test_a_record_of_a_forgotten_day_is_written_all_the_same(place: Engine) -> None:
    with writer_on(place) as writer:
        writer.add(record(1))
        writer.flush_blocking(30)
        forget_all(writer, NOON + DAY_S)
        writer.add(record(2))
        writer.flush_blocking(30)

        assert (writer.written, writer.lost) == (2, 0)
        assert forget_all(writer, NOON + DAY_S) == 1
