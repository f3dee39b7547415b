"""``gammainfra sessions``: tasks in a list, and one of them step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cli.conftest import Installation
from tests.store.making import failed, record

COST = 1234e-9


def test_tasks_are_listed_by_their_last_activity(there: Installation) -> None:
    there.write(record(1), record(2), failed(3), replace(record(4), session_id="task-2", client=""))
    ran = there.ask("sessions")
    assert (ran.status, ran.err) == (0, "")
    head, newest, older = ran.out.splitlines()
    assert head.split()[:4] == ["last", "activity", "session", "client"]
    assert newest.split()[:7] == ["2026-09-21", "12:00:05", "task-2", "–", "1", "0", "1"]
    assert older.split() == [
        "2026-09-21", "12:00:04", "task-1", "roo", "2", "1", "2", "5", "94%", "<$0.00001", "<$0.00001",
        "anthropic/claude",
    ]  # fmt: skip
    assert head.index("session") == newest.index("task-2") == older.index("task-1")


def test_a_list_is_json_and_takes_a_period_and_a_limit(there: Installation) -> None:
    there.write(*(replace(record(n), session_id=f"task-{n}") for n in range(1, 5)))
    every = there.told("sessions", "--json")
    assert [task["id"] for task in every] == ["task-4", "task-3", "task-2", "task-1"]
    assert every[0]["cost_usd"] == COST
    assert every[0]["cache_share"] == 0.9372
    some = there.told("sessions", "--json", "--to", "2026-09-21T12:00:05Z", "--limit", "2")
    assert [task["id"] for task in some] == ["task-3", "task-2"]


def test_a_task_is_told_step_by_step_with_what_each_cost(there: Installation) -> None:
    there.write(record(1), record(2), failed(3))
    ran = there.ask("sessions", "task-1")
    assert (ran.status, ran.err) == (0, "")
    sums, _, steps = ran.out.partition("\n\n")
    assert sums.splitlines() == [
        "task-1 (roo, code, named by call_id)",
        "  time      2026-09-21 12:00:01 to 2026-09-21 12:00:04 UTC",
        "  requests  3: 2 served, 1 failed, 2 rescued",
        "  attempts  5, 2 absorbed",
        "  cached    94% of 6,402 prompt tokens",
        "  cost      0.000002468 USD",
        "  absorbed  0.000000021 USD",
    ]
    lines = steps.splitlines()
    assert lines[0].split() == [
        "step",
        "time",
        "ending",
        "prompt",
        "cached",
        "answer",
        "cost",
        "sum",
        "took",
        "attempts",
    ]
    assert lines[1].endswith("openai/gpt rate_limit, anthropic/claude served")
    assert lines[3].split()[:3] == ["3", "12:00:03", "failed"]
    assert "no price" in lines[3]


def test_what_has_no_price_is_said_to_be_in_no_sum(empty: Installation) -> None:
    empty.write(record(1), replace(record(2), charge=None))
    ran = empty.ask("sessions", "task-1")
    assert "  unpriced  1 requests, which are not in the cost" in ran.out.splitlines()


def test_a_task_as_json_holds_its_requests_and_attempts(there: Installation) -> None:
    there.write(record(1), failed(2))
    (task,) = there.told("sessions", "task-1", "--json")
    assert (task["id"], task["requests"], task["failed"]) == ("task-1", 2, 1)
    assert [(step["session_step"], step["cost_usd"]) for step in task["log"]] == [(1, COST), (2, None)]
    assert task["log"][0]["tried"] == [
        {"endpoint": "openai/gpt", "outcome": "absorbed", "cause": "rate_limit"},
        {"endpoint": "anthropic/claude", "outcome": "served", "cause": None},
    ]


def test_the_oldest_steps_of_a_long_task_are_said_to_be_left_out(empty: Installation) -> None:
    empty.write(*map(record, range(1, 503)))
    ran = empty.ask("sessions", "task-1")
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 7 + 1 + 1 + 500
    assert ran.err == ("gammainfra: 2 earlier requests are not shown: gammainfra export requests --session task-1\n")


def test_no_name_of_a_client_reaches_the_terminal_as_a_command(empty: Installation) -> None:
    empty.write(replace(record(1), session_id="a\x1b[2Jb", client="\x1b]0;x\x07"))
    for ran in (empty.ask("sessions"), empty.ask("sessions", "a\x1b[2Jb"), empty.ask("sessions", "\x1b[2Jnone")):
        assert "\x1b" not in ran.out + ran.err
        assert "?[2J" in ran.out + ran.err


def test_on_a_terminal_colours_follow_no_color(empty: Installation) -> None:
    empty.write(record(1))
    coloured = empty.ask("sessions", "task-1", FORCE_COLOR="1", COLUMNS="200", TERM="xterm")
    assert "\x1b[32mserved" in coloured.out
    plain = empty.ask("sessions", "task-1", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="200", TERM="xterm")
    assert "\x1b[3" not in plain.out
    assert "openai/gpt rate_limit, anthropic/claude served" in plain.out


def test_what_is_not_there_is_said_with_what_to_do(there: Installation) -> None:
    ran = there.ask("sessions")
    assert (ran.status, ran.out) == (0, "")
    assert "point an agent at the gateway (gammainfra connect)" in ran.err
    ran = there.ask("sessions", "task-9")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "gammainfra: there is no session task-9 (the ids: gammainfra sessions)\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "yesterday"), "--from is not a time: write ISO 8601 in UTC"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "--from is not before --to"),
        (("--limit", "0"), "--limit is not accepted: write a whole number from 1 to 1000"),
        (("--data-dir", "elsewhere"), "no gateway has run with the data folder"),
        (("--config", "missing.toml"), "missing.toml"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], words: str, empty: Installation) -> None:
    empty.write()
    ran = empty.ask("sessions", *arguments)
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err


def test_a_database_that_cannot_be_reached_is_said_without_its_password(empty: Installation) -> None:
    ran = empty.ask("sessions", GAMMAINFRA_STORE_URL="postgresql://me:hunter2@127.0.0.1:1/books")
    assert (ran.status, ran.out) == (1, "")
    assert "see that the server runs and that its address is right" in ran.err
    assert "hunter2" not in ran.err
