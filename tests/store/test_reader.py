from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.attempt import Absorbed, Cancelled, LegFailed, Served
from gammainfra.domain.failure import Refused
from gammainfra.domain.money import Charge
from gammainfra.domain.record import RequestRecord
from gammainfra.domain.session import SessionName, SessionView
from gammainfra.domain.usage import Usage
from gammainfra.store.engine import Engine, StoreUnusable
from gammainfra.store.reader import Dimension, Reader, RequestFilter
from gammainfra.store.statements import SQLITE
from tests.store.making import FAILURE, NOON, attempt, failed, record, write, writer_on


@pytest.fixture(scope="module")
def reader(places: Callable[[], Engine]) -> Iterator[Reader]:
    """Sixty requests of two accounts: tasks of ten steps, every seventh failed, two keys, two models."""
    records = [
        (failed(n) if n % 7 == 0 else record(n, attempts=(attempt(1, Served()),) if n % 2 else record(n).attempts))
        for n in range(60)
    ]
    records = [
        replace(
            one,
            account_id="other" if n >= 50 else "local",
            key_id=f"key-{n % 2}",
            session_id=f"task-{n // 10}",
            model="x" if n % 3 else "y",
            provider="anthropic" if n % 5 else "openai",
        )
        for n, one in enumerate(records)
    ]
    made = reader_of(places(), *records)
    yield made
    made.close()


def reader_of(place: Engine, *records: RequestRecord) -> Reader:
    """A reader of a place where these are written."""
    with writer_on(place) as writer:
        assert all(map(writer.add, records))
        writer.flush_blocking(30)
        return Reader(place)


def numbers(reader: Reader, wanted: RequestFilter) -> list[int]:
    """The numbers of the records found, page by page."""
    found: list[int] = []
    cursor = None
    while True:
        page = reader.requests(wanted, cursor, limit=4)
        found += [int(row.id.removeprefix("gen-")) for row in page.rows]
        if page.cursor is None:
            return found
        cursor = page.cursor


def test_a_generation_comes_back_as_it_was_recorded(place: Engine) -> None:
    one = record(
        1,
        attempts=(
            attempt(1, Absorbed(FAILURE), "openai/gpt"),
            attempt(2, LegFailed(FAILURE)),
            attempt(3, Cancelled("hedge")),
            replace(
                attempt(4, Served()),
                first_token_ms=40.125,
                ended_ms=900.5,
                status=200,
                upstream_request_id="req_1",
                usage=Usage(1, 2, 3, 4, 5, 6, estimated=True),
                cost_nano=None,
                key_id="provider-key-1",
            ),
        ),
    )
    reader = reader_of(place, one)
    detail = reader.generation("local", one.id)
    reader.close()

    assert detail is not None
    row = detail.request
    same = set(type(row).__slots__) - {"seq", "endpoint", "n_attempts", "absorbed_attempts", "label"}
    same -= {"route_reason", "router_version"}
    assert {name: getattr(row, name) for name in same} == {name: getattr(one, name) for name in same}
    assert (row.endpoint, row.n_attempts, row.absorbed_attempts) == ("anthropic/claude", 4, 1)
    assert (row.label, row.route_reason, row.router_version, row.cost_nano) == ("code", "auto", "v1", 1234)
    assert detail.plan == '{"asked":"gammainfra/auto"}'
    assert detail.call_ids == one.call_ids
    outcomes = [(a.number, a.outcome, a.cause, a.message, a.cancelled_by) for a in detail.attempts]
    assert outcomes == [
        (1, "absorbed", "rate_limit", "slow down", ""),
        (2, "failed", "rate_limit", "slow down", ""),
        (3, "cancelled", "", "", "hedge"),
        (4, "served", "", "", ""),
    ]
    last, was = detail.attempts[3], one.attempts[3]
    for name in ("endpoint", "provider", "upstream_model", "key_id", "started_ms", "first_token_ms", "ended_ms"):
        assert getattr(last, name) == getattr(was, name)
    assert (last.status, last.upstream_request_id, last.usage, last.cost_nano) == (200, "req_1", was.usage, None)


nano = st.integers(0, 2**60)


@settings(max_examples=15)
@given(
    charge=st.none() | st.builds(Charge, *([st.integers(0, 2**58)] * 4)),
    usage=st.builds(Usage, *([st.integers(0, 2**40)] * 6), st.booleans()),
    absorbed_nano=nano,
    fee_nano=nano,
    status=st.integers(100, 599),
    dial=st.none() | st.floats(0, 1),
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=4, max_size=4),
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_any_values_come_back_exactly(
    places: Callable[[], Engine], texts: list[str], names: list[str], **values: object
) -> None:
    # PostgreSQL's text has no NUL; what stands in its place is said in store/postgres.py.
    asked, client, error_code, user = (text.replace("\0", "\ufffd") for text in texts)
    one = record(1, asked=asked, client=client, error_code=error_code, user=user, dropped_params=tuple(names), **values)
    reader = reader_of(places(), one)
    (row,) = reader.requests(RequestFilter("local")).rows
    reader.close()

    for name in (
        "charge",
        "usage",
        "absorbed_nano",
        "fee_nano",
        "status",
        "dial",
        "asked",
        "client",
        "error_code",
        "user",
    ):
        assert getattr(row, name) == getattr(one, name)
    assert row.dropped_params == one.dropped_params


def test_nobody_sees_what_another_account_did(reader: Reader) -> None:
    assert reader.generation("other", "gen-000001") is None
    assert reader.generation("local", "gen-000055") is None
    assert reader.session("other", "task-1") is None
    assert numbers(reader, RequestFilter("nobody")) == []
    assert numbers(reader, RequestFilter("local", session_id="task-5")) == []
    assert max(numbers(reader, RequestFilter("local", key_id="key-1"))) == 49


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (RequestFilter("local"), range(50)),
        (RequestFilter("other"), range(50, 60)),
        (RequestFilter("local", key_id="key-1"), range(1, 50, 2)),
        (RequestFilter("local", session_id="task-2"), range(20, 30)),
        (RequestFilter("local", session_id="task-2", key_id="key-0"), range(20, 30, 2)),
        (RequestFilter("local", model="y"), range(0, 50, 3)),
        (RequestFilter("local", provider="openai"), range(0, 50, 5)),
        (RequestFilter("local", client="cline"), ()),
        (RequestFilter("local", ending="failed"), range(0, 50, 7)),
        (RequestFilter("local", key_id="key-0", rescued=True), [n for n in range(0, 50, 2) if n % 7]),
        (RequestFilter("local", since=NOON + 10, until=NOON + 13), range(10, 13)),
        (RequestFilter("local", session_id="task-1", since=NOON + 15), range(15, 20)),
    ],
)
def test_a_filter_finds_its_requests_newest_first_over_pages(
    reader: Reader, wanted: RequestFilter, expected: list[int]
) -> None:
    assert numbers(reader, wanted) == sorted(expected, reverse=True)


def test_requests_of_the_same_moment_are_neither_lost_nor_shown_twice(place: Engine) -> None:
    reader = reader_of(place, *(record(n, at=NOON) for n in range(11)))

    assert numbers(reader, RequestFilter("local")) == list(range(10, -1, -1))
    reader.close()


def test_a_page_is_never_longer_than_its_bound(reader: Reader) -> None:
    assert len(reader.requests(RequestFilter("local"), limit=10**6).rows) == 50
    assert limits.PAGE_ROWS == 1000


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.x", "x.1"])
def test_a_cursor_of_somebody_else_is_refused(reader: Reader, cursor: str) -> None:
    with pytest.raises(Refused) as caught:
        reader.requests(RequestFilter("local"), cursor)
    assert (caught.value.status, caught.value.param) == (400, "cursor")


def test_a_session_sums_its_steps(reader: Reader) -> None:
    detail = reader.session("local", "task-1", limit=4)

    assert detail is not None
    session = detail.session
    assert (session.requests, session.steps, session.failed) == (10, 9, 1)  # 14 failed
    assert (session.rescued, session.absorbed_attempts, session.attempts) == (4, 4, 14)
    assert (session.cost_nano, session.absorbed_nano, session.unpriced) == (9 * 1234, 10 * 7, 0)
    assert (session.endpoint, session.label, session.client) == ("anthropic/claude", "code", "roo")
    assert session.started_at == NOON + 10
    assert session.last_at == pytest.approx(NOON + 19 + 1.235)
    assert [row.id for row in detail.steps.rows] == ["gen-000019", "gen-000018", "gen-000017", "gen-000016"]
    later = reader.requests(RequestFilter("local", session_id="task-1"), detail.steps.cursor)
    assert next(row.id for row in later.rows) == "gen-000015"
    assert session.view() == SessionView(
        SessionName("task-1", "call_id"), 9, "anthropic/claude", "code", 9 * 1234, 70, session.last_at
    )


def test_sessions_are_paged_by_their_last_activity(reader: Reader) -> None:
    first = reader.sessions("local", limit=3)
    second = reader.sessions("local", first.cursor, limit=3)

    assert [row.id for row in first.rows + second.rows] == ["task-4", "task-3", "task-2", "task-1", "task-0"]
    assert second.cursor is None
    assert [row.id for row in reader.sessions("local", since=NOON + 35, until=NOON + 45).rows] == ["task-3"]


def test_usage_is_grouped_as_asked(reader: Reader) -> None:
    def grouped(*by: Dimension) -> list[tuple[object, ...]]:
        rows = reader.usage("local", NOON - 86_400, NOON + 86_400, by)
        return [(row.starts_at, row.key_id, row.model, row.provider, row.client, row.requests) for row in rows]

    assert grouped() == [(None, "", "", "", "", 50)]
    assert grouped("time") == [(NOON - 12 * 3600, "", "", "", "", 50)]
    assert grouped("model") == [(None, "", "x", "", "", 33), (None, "", "y", "", "", 17)]
    assert grouped("key", "client") == [(None, "key-0", "", "", "roo", 25), (None, "key-1", "", "", "roo", 25)]
    assert grouped("provider")[0][3:] == ("anthropic", "", 40)


def test_usage_by_hour_leaves_out_what_starts_outside(reader: Reader) -> None:
    assert [row.starts_at for row in reader.usage("local", NOON, NOON + 1, grain="hour")] == [NOON]
    assert reader.usage("local", NOON + 1, NOON + 3600, grain="hour") == ()
    assert reader.usage("local", NOON, NOON, grain="hour") == ()


def test_usage_tells_served_failed_and_rescued_apart(reader: Reader) -> None:
    (row,) = reader.usage("local", 0, NOON * 2, ())

    assert (row.requests, row.served, row.failed, row.unpriced) == (50, 42, 8, 0)
    assert row.rescued == row.absorbed_attempts == len([n for n in range(0, 50, 2) if n % 7])
    assert row.usage.prompt_tokens == 50 * 2134
    assert (row.cost_nano, row.absorbed_nano, row.fee_nano) == (42 * 1234, 350, 0)
    assert row.latency_ms == pytest.approx(42 * 1234.567)
    assert (row.ttft_ms, row.ttft_count, row.overhead_ms) == (42 * 300.25, 42, 42 * 1.5)


def test_a_start_finds_the_sessions_and_call_ids_of_late(reader: Reader) -> None:
    sessions = reader.recent_sessions(NOON + 45)
    pairs = reader.recent_call_ids(NOON + 45)

    assert [(row.account_id, row.id) for row in sessions] == [("other", "task-5"), ("local", "task-4")]
    assert [pair.shown for pair in pairs] == [f"call_{n}" for n in range(59, 44, -1) if n % 7]
    assert (pairs[0].account_id, pairs[0].session_id, pairs[0].native) == ("other", "task-5", "toolu_59")
    assert reader.recent_call_ids(NOON * 2) == ()


def test_gates_sum_what_requests_cost(reader: Reader) -> None:
    everything = reader.sum_cost_nano()
    since, after = reader.sum_cost_nano(since=NOON + 55), reader.sum_cost_nano(after_id="gen-000054")

    assert (everything.requests, everything.cost_nano, everything.absorbed_nano) == (60, 51 * 1234, 420)
    assert since == after
    assert (since.requests, since.cost_nano, since.unpriced, since.fee_nano) == (5, 4 * 1234, 0, 0)
    with pytest.raises(LookupError, match="gen-none"):
        reader.sum_cost_nano(after_id="gen-none")


def test_a_cost_without_a_price_is_absent_and_counted(place: Engine) -> None:
    reader = reader_of(place, record(1, charge=None), record(2))

    assert [row.cost_nano for row in reader.requests(RequestFilter("local")).rows] == [1234, None]
    assert reader.sum_cost_nano().unpriced == 1
    assert reader.usage("local", 0, NOON * 2)[0].unpriced == 1
    reader.close()


def test_a_reader_cannot_write(reader: Reader) -> None:
    connection = reader.engine.open_reader()
    with pytest.raises(reader.engine.errors, match=r"read-?only"):
        connection.execute("DELETE FROM requests")
    connection.close()


def test_a_sound_file_has_no_damage(reader: Reader) -> None:
    assert reader.find_damage() is None


def test_damage_met_while_reading_is_said_in_words(tmp_path: Path) -> None:
    path = write(tmp_path, *(record(n) for n in range(500)))
    sound = path.read_bytes()
    kept = len(sound) // 8192 * 4096
    path.write_bytes(sound[:kept] + b"\xff" * (len(sound) - kept))

    reader = Reader(path)
    assert reader.find_damage() is not None
    with pytest.raises(StoreUnusable, match="restore a backup"):
        _ = [reader.generation("local", f"gen-{number:06}") for number in range(500)]
    reader.close()


# ------------------------------------------------------------------------------------ indexes

WHOLE_TABLE = re.compile(r"SCAN (?!subquery|json_each|pragma_|CONSTANT)", re.IGNORECASE)
SORTED = re.compile(r"USE TEMP B-TREE FOR ORDER BY")
CHECKS = {f"ledger_{what}" for what in ("count", "unbalanced", "wrong_balances", "wrong_holds", "wrong_meters", "sums")}
MAY_READ_ALL = {"all_keys", "ledger_orphans", *CHECKS}  # at start, of what is in flight, and by an operator
MAY_SORT = {"dashboard_failures", "dashboard_sessions_sorted"}  # a bounded number of rows that an index found


def plan_of(connection: sqlite3.Connection, sql: str) -> str:
    names = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", names))


def test_a_statement_without_an_index_would_be_noticed(tmp_path: Path) -> None:
    connection = sqlite3.connect(write(tmp_path))

    assert WHOLE_TABLE.search(plan_of(connection, "SELECT * FROM requests WHERE model = :model"))
    assert SORTED.search(plan_of(connection, "SELECT * FROM requests WHERE at_ms > :at ORDER BY model"))
    connection.close()


@pytest.mark.parametrize("name", sorted(set(SQLITE) - MAY_READ_ALL))
def test_every_statement_is_answered_by_an_index(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, record())
    connection = sqlite3.connect(path)
    plan = plan_of(connection, SQLITE[name].sql)
    connection.close()

    allowed = {
        "forget_call_ids": "SCAN call_ids",
        "last_seq": "SEARCH requests",
        "dashboard_failures": "SCAN r\n",
        "dashboard_sessions_sorted": "SCAN recent\n",
    }.get(name, "")
    assert not WHOLE_TABLE.search(plan.replace(allowed, "") if allowed else plan), plan
    assert name.startswith("usage") or name in MAY_SORT or not SORTED.search(plan), plan


def test_the_answer_to_an_idempotency_key_is_found_by_its_digest_alone(tmp_path: Path) -> None:
    served = replace(record(1), account_id="local", idempotency_hash="aa.bb", at=NOON)
    broken = replace(failed(2), account_id="local", idempotency_hash="cc.dd", at=NOON)
    made = Reader(write(tmp_path, served, broken))
    found = made.served_to_idempotency_key("local", "aa", NOON)
    assert found is not None
    assert (found.generation_id, found.body, found.at) == (served.id, "bb", NOON)
    assert made.served_to_idempotency_key("local", "a", NOON) is None
    assert made.served_to_idempotency_key("local", "cc", NOON) is None
    assert made.served_to_idempotency_key("other", "aa", NOON) is None
    assert made.served_to_idempotency_key("local", "aa", NOON + 1) is None
    made.close()
