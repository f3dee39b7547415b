"""``gammainfra logs``: the newest requests, and those that come."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from gammainfra.domain import limits
from tests.cli.conftest import Installation
from tests.gateway_process import LIMIT_S, environment
from tests.store.making import failed, record


def test_the_newest_request_stands_last(there: Installation) -> None:
    there.write(record(1), failed(2))
    ran = there.ask("logs")
    assert (ran.status, ran.err) == (0, "")
    head, first, second = ran.out.splitlines()
    assert head.split() == [
        "time",
        "ending",
        "status",
        "endpoint",
        "attempts",
        "prompt",
        "answer",
        "cost",
        "took",
        "error",
        "session",
        "id",
    ]
    assert first.split() == [
        "2026-09-21", "12:00:01", "served", "200", "anthropic/claude", "2", "2,134", "56", "<$0.00001", "1.23", "s",
        "–", "task-1", "gen-000001",
    ]  # fmt: skip
    assert second.split()[2:4] == ["failed", "503"]
    assert "all_providers_failed" in second
    assert first.index("task-1") == second.index("task-1") == head.index("session")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ((), [1, 2, 3, 4]),
        (("--limit", "2"), [3, 4]),
        (("--key", "key-2"), [2]),
        (("--session", "task-3"), [3]),
        (("--failed",), [4]),
        (("--model", "openai/gpt"), [2]),
        (("--model", "gammainfra/auto", "--limit", "1"), [4]),
        (("--model", "anthropic/claude", "--key", "key-1", "--session", "task-3"), [3]),
    ],
)
def test_filters_are_all_of_them_at_once(filters: tuple[str, ...], ids: list[int], there: Installation) -> None:
    there.write(
        record(1), replace(record(2), key_id="key-2", model="openai/gpt"), record(3, session_id="task-3"), failed(4)
    )  # fmt: skip
    rows = there.told("logs", "--json", *filters)
    assert [row["id"] for row in rows] == [f"gen-{number:06}" for number in ids]
    assert set(rows[0]) >= {"cost_usd", "session_id", "attempts", "error_code"}


def test_a_model_asked_for_long_ago_is_found(empty: Installation) -> None:
    old = record(1, asked="openai/gpt")
    empty.write(old, *map(record, range(2, limits.PAGE_ROWS + 3)))
    assert [row["id"] for row in empty.told("logs", "--json", "--model", "openai/gpt")] == [old.id]


@pytest.mark.parametrize("form", [("--json",), ()])
def test_requests_are_followed_in_the_order_they_end(there: Installation, form: tuple[str, ...]) -> None:
    there.write(record(1), record(2))
    environ = {"GAMMAINFRA_DATA_DIR": str(there.folder)}
    if isinstance(there.where, str):
        environ["GAMMAINFRA_STORE_URL"] = there.where
    with subprocess.Popen(
        [sys.executable, "-m", "gammainfra", "logs", "--follow", "--limit", "1", *form],
        cwd=there.folder, env=environment(there.folder, environ), stdout=subprocess.PIPE, text=True,
    ) as follower:  # fmt: skip
        try:
            assert follower.stdout is not None
            lines = (line for line in follower.stdout if not line.startswith("time"))
            assert "gen-000002" in next(lines)
            there.write(record(4))
            assert "gen-000004" in next(lines)
            there.write(record(3))  # arrived before the one above, and took longer
            late = next(lines)
            assert (json.loads(late)["id"] == "gen-000003") if form else ("gen-000003" in late)
        finally:
            follower.terminate()
            follower.wait(LIMIT_S)


def test_nothing_found_says_what_to_do(there: Installation) -> None:
    ran = there.ask("logs", "--failed")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "gammainfra: no request like this is stored: loosen the filters, or see gammainfra doctor\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--limit", "many"), "--limit is not accepted: write a whole number from 1 to 1000"),
        (("--follow", "--data-dir", "elsewhere"), "no gateway has run with the data folder"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str, empty: Installation) -> None:
    empty.write()
    ran = empty.ask("logs", *arguments)
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err


def test_who_reads_no_further_ends_it_in_peace(empty: Installation) -> None:
    empty.write(*map(record, range(1, 900)))
    with subprocess.Popen(
        [sys.executable, "-m", "gammainfra", "export", "requests", "--from", "2026-01-01"],
        cwd=empty.folder, env=environment(empty.folder, {"GAMMAINFRA_DATA_DIR": str(empty.folder)}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as writing:  # fmt: skip
        assert writing.stdout is not None
        assert writing.stderr is not None
        assert writing.stdout.readline().startswith("id,created_at,")
        writing.stdout.close()
        said = writing.stderr.read()
        assert (writing.wait(LIMIT_S), said) == (141, "")
