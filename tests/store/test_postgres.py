from __future__ import annotations

import psycopg
import pytest

from gammainfra.store.address import engine_at
from gammainfra.store.database import Sqlite
from gammainfra.store.engine import StoreUnusable
from gammainfra.store.postgres import Postgres
from gammainfra.store.reader import Reader, RequestFilter
from gammainfra.store.statements import statements_of
from tests import postgres
from tests.store.making import NOON, record, writer_on


def test_an_address_says_which_engine() -> None:
    assert engine_at("sqlite:///books.db") == Sqlite(engine_at("sqlite:///books.db").path)  # type: ignore[attr-defined]
    assert engine_at("memory:").name == "memory:gammainfra"
    assert engine_at("postgresql://me:secret@db.example:6000/books").name == "postgresql://me@db.example:6000/books"
    with pytest.raises(StoreUnusable, match="begins with one of"):
        engine_at("mysql://me@db.example/books")


def test_the_password_of_an_address_is_never_shown() -> None:
    engine = engine_at("postgresql://me:hunter2@127.0.0.1:1/books")
    with pytest.raises(StoreUnusable) as caught:
        engine.open_writer()
    assert "hunter2" not in f"{caught.value} {engine!r}"
    assert "see that the server runs and that its address is right" in str(caught.value)
    with pytest.raises(StoreUnusable, match="cannot be read") as unreadable:
        engine_at("postgresql://me:hunter2@[::1/books")
    assert "hunter2" not in str(unreadable.value)


def test_both_engines_have_the_same_statements() -> None:
    own = {"keep_others_out", "insert_request_ids"}
    assert set(statements_of("postgres")) - own == set(statements_of("sqlite"))


def test_a_database_of_another_program_is_refused(server: postgres.Server) -> None:
    url = server.make_database("photos")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE photos (id int)")
    with pytest.raises(StoreUnusable, match="make a database for the gateway alone"):
        Postgres(url).open_writer()


def test_a_database_of_a_newer_release_is_refused(server: postgres.Server) -> None:
    url = server.make_database("newer")
    Postgres(url).open_writer().close()
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO gammainfra_schema (number) VALUES (999)")
    with pytest.raises(StoreUnusable, match="upgrade gammainfra"):
        Postgres(url).open_writer()


def test_a_database_that_is_not_there_is_said_in_words(server: postgres.Server) -> None:
    with pytest.raises(StoreUnusable, match="cannot be used"):
        Postgres(server.url_of("nowhere")).open_writer()
    with pytest.raises(StoreUnusable, match="cannot be used"):
        Postgres(server.make_database("never_migrated")).open_reader()


def test_requests_are_kept_by_day_and_a_name_with_a_nul_is_kept_without_it(server: postgres.Server) -> None:
    engine = Postgres(server.make_database("by_day"))
    with writer_on(engine) as writer:
        for day in range(3):
            writer.add(record(day, at=NOON + day * 86_400, user="some\0one"))
        writer.flush_blocking(30)
    with psycopg.connect(engine.url) as connection:
        found = connection.execute("SELECT relid::text FROM pg_partition_tree('requests') WHERE isleaf ORDER BY 1")
        assert [row[0] for row in found] == ["requests_20260921", "requests_20260922", "requests_20260923"]
    reader = Reader(engine)
    assert {row.user for row in reader.requests(RequestFilter("local")).rows} == {"some\ufffdone"}
    reader.close()


def test_two_writers_on_one_database_number_and_sum_each_request_once(server: postgres.Server) -> None:
    engine = Postgres(server.make_database("two_writers"))
    with writer_on(engine) as first, writer_on(engine) as second:
        for number in range(400):
            (first, second)[number % 2].add(record(number))
        for writer in (first, second):
            writer.flush_blocking(60)
        assert first.written + second.written == 400
        assert first.lost + second.lost == 0
    reader = Reader(engine)
    assert [row.requests for row in reader.usage("local", 0, NOON * 2)] == [400]
    reader.close()
