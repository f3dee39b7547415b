from __future__ import annotations

import json
from pathlib import Path

import pytest

from gammainfra.cli.main import main

FLAGS = ("--day-usd", "1.50", "--rpm", "60", "--no-hedging", "--trial", "--models", "openai/*,a/b", "--name", "ci")


def test_a_key_is_made_with_terms_and_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--json", *FLAGS]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["key"].endswith(made["last4"])
    assert (made["name"], made["day_usd"], made["requests_per_minute"]) == ("ci", 1.5, 60)
    assert (made["hedging"], made["trial"], made["allowed_models"]) == (False, True, ["openai/*", "a/b"])
    more = ("--day-usd", "none", "--session-usd", "2", "--rpm", "none", "--models", "none")
    assert main(["keys", "update", made["id"], *more, "--hedging", "--no-trial"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("active   ci  ($2 a task)")
    assert main(["keys", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert "key" not in listed
    assert (listed["day_usd"], listed["session_usd"], listed["requests_per_minute"]) == (None, 2, None)
    assert (listed["scopes"], listed["allowed_models"], listed["revoked_at"]) == (["inference"], [], None)


def test_the_list_says_what_a_key_may_spend(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--account", "ann", *FLAGS]) == 0
    assert main(["keys", "list"]) == 0
    shown = "ci  (account ann, $1.5 a day, 60 requests per minute, trial, no hedging)"
    assert capsys.readouterr().out.rstrip().endswith(shown)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("update",), "say which key to update: gammainfra keys update ID"),
        (("update", "key-x"), "say what to change, such as --day-usd 5"),
        (("update", "key-x", "--trial"), "there is no key key-x that is not revoked already"),
        (("create", "--day-usd", "much"), "day_usd is not an amount in USD"),
        (("create", "--rpm", "fast"), "requests_per_minute is a whole number from 0"),
        (("create", "--account", "a b"), "--account is up to 64 ASCII characters"),
    ],
)
def test_what_cannot_be_done_to_keys_is_said(
    arguments: tuple[str, ...], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", *arguments]) == 1
    said = capsys.readouterr()
    assert (said.out, words in said.err) == ("", True)
