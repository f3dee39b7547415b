from __future__ import annotations

import os
from pathlib import Path

import pytest

from gammainfra.domain import limits
from gammainfra.store.columns import Laid, lay_out
from gammainfra.store.engine import StoreUnusable
from gammainfra.store.journal import Journal
from gammainfra.store.postgres import Postgres
from gammainfra.store.reader import Reader, RequestFilter
from gammainfra.store.writer import Writer
from tests import postgres
from tests.store.making import DAYS, NOON, record, show_plan


def laid(number: int) -> Laid:
    return lay_out(record(number), "{}")


def test_rows_come_back_from_the_journal_as_they_were(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.append([laid(1), laid(2)])
    assert journal.append([laid(3)])

    again = Journal(tmp_path / "journal")
    assert again.size == journal.size > 0
    (batch,) = again.batches()
    assert [one.id for one in batch] == [laid(n).id for n in (1, 2, 3)]
    assert batch[0].request == laid(1).request
    assert [dict(row) for row in batch[0].attempts] == [dict(row) for row in laid(1).attempts]
    assert os.name != "posix" or (tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    again.clear()
    assert not (tmp_path / "journal").exists()


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append([laid(1), laid(2)])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-5])

    assert [[one.id for one in batch] for batch in journal.batches()] == [[laid(1).id]]


def test_the_journal_is_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.size = limits.RECORD_JOURNAL_BYTES - 10

    assert not journal.append([laid(1)])
    assert not journal.path.exists()


def test_records_wait_in_the_journal_while_postgresql_is_gone_and_count_once(tmp_path: Path) -> None:
    try:
        with postgres.running() as server:
            check_nothing_is_lost(server, tmp_path / "journal")
    except postgres.Missing as missing:
        pytest.skip(str(missing))


def check_nothing_is_lost(server: postgres.Server, path: Path) -> None:
    """Write, stop the server at once (QUIT: what is not on its disk is gone), write, start it, write."""
    engine = Postgres(server.url)
    writer = Writer(engine, show_plan=show_plan, sleep=lambda _: None, journal=path)
    reader = Reader(engine)
    assert all(writer.add(record(number)) for number in range(10))
    writer.flush_blocking(30)

    server.stop("QUIT")
    assert all(writer.add(record(number)) for number in range(5, 20))
    writer.flush_blocking(60)
    with pytest.raises(StoreUnusable, match="see that the server runs"):
        reader.requests(RequestFilter("local"))
    assert (writer.written, writer.lost, path.stat().st_size > 0) == (10, 0, True)

    server.start()
    assert all(writer.add(record(number)) for number in range(15, 25))
    writer.flush_blocking(60)

    assert (writer.written, writer.lost) == (25, 0)
    assert not path.exists()
    assert len(reader.requests(RequestFilter("local")).rows) == 25
    assert [row.requests for row in reader.usage("local", 0, NOON * 2)] == [25]
    assert all(writer.verify_day(day).result(30).ok for day in DAYS)
    writer.close()
    reader.close()


def test_what_an_earlier_run_left_behind_is_written_by_the_next(tmp_path: Path, server: postgres.Server) -> None:
    url = server.make_database("left_behind")
    Journal(tmp_path / "journal").append([laid(1), laid(2)])
    writer = Writer(Postgres(url), show_plan=show_plan, journal=tmp_path / "journal")
    writer.add(record(2))
    writer.add(record(3))
    writer.flush_blocking(30)
    writer.close()

    assert (writer.written, writer.lost) == (3, 0)
    assert not (tmp_path / "journal").exists()
