"""``gammainfra completions``: bash is asked what it would complete; the other shells' scripts hold the same words."""

from __future__ import annotations

import subprocess

import pytest

from gammainfra.cli.completions import commands
from gammainfra.cli.main import COMMANDS, main
from tests.cli.conftest import Installation


def completed(installation: Installation, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = installation.ask("completions", "bash").out
    script += f"\nCOMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}\n"
    script += "_gammainfra && printf '%s\\n' \"${COMPREPLY[@]}\""
    ran = subprocess.run(
        ["bash", "--norc"], input=script, cwd=installation.folder, capture_output=True, text=True, timeout=20,
        check=True,
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.stdout.split()


def test_bash_completes_commands_words_options_and_values(empty: Installation) -> None:
    assert completed(empty, "gammainfra", "") == [*COMMANDS, "--help", "--version"]
    assert completed(empty, "gammainfra", "se") == ["serve", "sessions"]
    assert completed(empty, "gammainfra", "keys", "")[:4] == ["create", "list", "update", "revoke"]
    assert completed(empty, "gammainfra", "connect", "cl") == ["claude", "cline"]
    assert completed(empty, "gammainfra", "logs", "--fo") == ["--follow"]
    assert completed(empty, "gammainfra", "export", "usage", "--by", "") == ["key", "model", "provider", "client"]
    assert completed(empty, "gammainfra", "export", "usage", "--from", "") == []
    (empty.folder / "own.toml").touch()
    assert completed(empty, "gammainfra", "check", "--config", "ow") == ["own.toml"]
    assert "list" not in completed(empty, "gammainfra", "keys", "revoke", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_option_and_choice_stands_in_every_script(shell: str, empty: Installation) -> None:
    script = empty.ask("completions", shell).out
    for command in commands():
        assert command.name in script
        assert " ".join(command.words) in script
        for option in command.options:
            name = option.name.removeprefix("--") if shell == "fish" else option.name
            assert any(command.name in line and name in line for line in script.splitlines())
            assert " ".join(option.choices) in script
    assert all(line.count("'") % 2 == 0 for line in script.splitlines())


def test_what_is_hidden_is_not_completed() -> None:
    assert "--workers" not in {option.name for command in commands() for option in command.options}


def test_another_shell_is_refused_with_those_there_are(empty: Installation) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completions", "csh"])
    assert ended.value.code == 2
    assert "invalid choice: 'csh'" in empty.captured.readouterr().err
