"""``gammainfra export``: what is stored of a period, for other programs."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from gammainfra.domain import limits
from tests.cli.conftest import Installation
from tests.store.making import failed, record

PERIOD = ("--from", "2026-09-21", "--to", "2026-09-22")
COST = Decimal("0.000001234")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_requests_of_a_period_are_csv_that_no_spreadsheet_runs(there: Installation) -> None:
    there.write(record(1, user="=1+1"), failed(2), record(3, at=1.0))
    ran = there.ask("export", "requests", *PERIOD)
    assert (ran.status, ran.err) == (0, "")
    newest, oldest = rows_of(ran.out)
    assert (newest["id"], newest["ending"], newest["cost_usd"]) == ("gen-000002", "failed", "")
    assert (oldest["user"], Decimal(oldest["cost_usd"]), oldest["attempts"]) == ("'=1+1", COST, "2")


def test_requests_are_json_lines_with_values_as_they_are(there: Installation) -> None:
    there.write(record(1, user="=1+1"), failed(2))
    newest, oldest = there.told("export", "requests", *PERIOD, "--format", "jsonl")
    assert (newest["cost_usd"], oldest["user"], oldest["cost_usd"]) == (None, "=1+1", float(COST))


def test_no_request_is_left_out_or_told_twice_at_the_end_of_a_page(empty: Installation) -> None:
    count = 2 * limits.PAGE_ROWS + 1
    empty.write(*map(record, range(1, count + 1)))
    rows = rows_of(empty.ask("export", "requests", *PERIOD).out)
    assert [row["id"] for row in rows] == [f"gen-{number:06}" for number in range(count, 0, -1)]


def test_requests_of_one_task_or_key_are_those_of_all_time(there: Installation) -> None:
    there.write(record(1, at=1.0), record(2, session_id="task-2", key_id="key-2"))
    assert [row["id"] for row in rows_of(there.ask("export", "requests", "--session", "task-1").out)] == ["gen-000001"]
    by_key = there.ask("export", "requests", "--key", "key-2", *PERIOD)
    assert [row["id"] for row in rows_of(by_key.out)] == ["gen-000002"]


def test_usage_is_summed_by_day_and_by_what_is_named(there: Installation) -> None:
    there.write(record(1), record(2, model="openai/gpt", key_id="key-2"), failed(3))
    (day,) = there.told("export", "usage", *PERIOD, "--format", "jsonl")
    assert (day["starts_at"], day["requests"], day["cost_usd"]) == ("2026-09-21T00:00:00.000Z", 3, float(2 * COST))
    rows = rows_of(there.ask("export", "usage", *PERIOD, "--grain", "hour", "--by", "key", "--by", "model").out)
    assert {(row["key_id"], row["model"], row["requests"]) for row in rows} >= {("key-2", "openai/gpt", "1")}
    assert {row["starts_at"] for row in rows} == {"2026-09-21T12:00:00.000Z"}


def test_usage_of_years_of_hours_is_read_part_by_part(empty: Installation) -> None:
    empty.write(record(1))
    told = empty.told("export", "usage", "--from", "2024-01-01", "--to", "2026-12-01", "--grain", "hour",
                      "--format", "jsonl")  # fmt: skip
    assert [row["requests"] for row in told] == [1]


def test_a_period_without_anything_is_a_head_and_no_rows(there: Installation) -> None:
    ran = there.ask("export", "usage", "--from", "2020-01-01", "--to", "2020-01-02", "--by", "provider")
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 1
    assert ran.out.startswith("starts_at,provider,requests,")


def test_a_file_is_written_whole_or_not_at_all(there: Installation) -> None:
    there.write(record(1))
    place = there.folder / "out.csv"
    ran = there.ask("export", "requests", *PERIOD, "--output", str(place))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"{place} is written\n"
    assert place.read_bytes().decode() == there.ask("export", "requests", *PERIOD).out
    assert list(there.folder.glob("*.part")) == []
    missing = there.ask("export", "requests", *PERIOD, "--output", str(there.folder / "no" / "out.csv"))
    assert (missing.status, missing.out) == (1, "")
    assert "cannot be written (No such file or directory): name another file with --output" in missing.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("requests", "--from", "soon"), "--from is not a time"),
        (("requests", "--by", "model"), "--by is about sums: gammainfra export usage --by"),
        (("usage", "--session", "task-1"), "sums are not kept by task"),
        (("usage", "--from", "2026-01-02", "--to", "2026-01-01"), "--from is not before --to"),
        (("usage", "--data-dir", "elsewhere"), "no gateway has run with the data folder"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str, empty: Installation) -> None:
    empty.write()
    ran = empty.ask("export", *arguments)
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err
