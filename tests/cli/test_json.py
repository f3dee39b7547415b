"""What ``keys``, ``check`` and ``version`` say to programs."""

from __future__ import annotations

import json

import pytest

from gammainfra import __version__
from tests.cli.conftest import Installation


def test_keys_are_json(there: Installation) -> None:
    (made,) = there.told("keys", "create", "--name", "roo", "--json")
    assert made["key"].startswith("sk-gammainfra-")
    assert made["key"].endswith(made["last4"])
    (listed,) = there.told("keys", "list", "--json")
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["name"], listed["revoked_at"]) == ("roo", None)
    (revoked,) = there.told("keys", "revoke", listed["id"], "--json")
    assert revoked["id"] == listed["id"]
    assert there.told("keys", "list", "--json") == [revoked]
    assert revoked["revoked_at"].endswith("Z")
    again = there.ask("keys", "revoke", listed["id"], "--json")
    assert (again.status, again.out) == (1, "")
    assert "(the ids: gammainfra keys list)" in again.err


def test_no_name_of_a_key_reaches_the_terminal_as_a_command(empty: Installation) -> None:
    refused = empty.ask("keys", "create", "--name", "\x1b[2J")
    assert (refused.status, refused.out) == (1, "")
    assert "name is 1 to 64 printable characters" in refused.err


def test_check_is_one_json_object_without_any_secret(empty: Installation) -> None:
    (told,) = empty.told("check", "--port", "9000", "--json", OPENAI_API_KEY="sk-the-real-one")
    assert {"name": "server.port", "value": "9000", "source": "flag --port"} in told["settings"]
    assert told["providers"] == [
        {"name": "openai", "url": "https://api.openai.com/v1/chat/completions", "keys": 1}
    ]  # fmt: skip
    assert (told["warnings"], told["missing"]) == ([], None)
    assert "sk-the-real-one" not in json.dumps(told)


def test_check_says_what_is_missing_in_json_too(empty: Installation) -> None:
    ran = empty.ask("check", "--json")
    assert (ran.status, ran.err) == (1, "")
    assert "no provider is configured: set one of" in json.loads(ran.out)["missing"]


@pytest.mark.parametrize("command", ["check", "keys"])
def test_settings_that_are_wrong_are_said_in_words(command: str, empty: Installation) -> None:
    (empty.folder / "gammainfra.toml").write_text("[server]\nprot = 1")
    ran = empty.ask(command, *(["list"] if command == "keys" else []), "--json")
    assert (ran.status, ran.out) == (1, "")
    assert "did you mean port?" in ran.err


def test_the_version_is_one_json_object(empty: Installation) -> None:
    (told,) = empty.told("version", "--json")
    assert (told["version"], set(told)) == (__version__, {"version", "python", "system"})
