from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gammainfra import __version__
from gammainfra.cli.main import COMMANDS, main
from tests.gateway_process import LIMIT_S, command, environment, serving


def test_help_names_every_command_and_imports_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(re.search(rf"^ +{name}( |$)", shown, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: gammainfra {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["serve", "--prot", "9"], "unrecognized arguments: --prot 9"),
        (["keys"], "the following arguments are required: action"),
        (["keys", "make"], "invalid choice: 'make'"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_version_is_said_in_both_ways(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"gammainfra {__version__} (Python 3.")
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"gammainfra {__version__}\n"


def test_workers_are_refused_with_the_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--workers", "2"]) == 1
    said = capsys.readouterr().err
    assert "live in one process" in said
    assert "affinity by API key" in said


# ---- keys ------------------------------------------------------------------------------------------------------------
def test_keys_are_made_listed_and_revoked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().err == "gammainfra: there is no key yet: gammainfra keys create\n"
    assert main(["keys", "create", "--name", "roo"]) == 0
    made = capsys.readouterr().out
    secret, key_id = made.split()[0], made.split()[2].rstrip(",")
    assert re.fullmatch(r"sk-gammainfra-\w{32}_\w{6}", secret)
    assert "name roo. Shown once: keep it now." in made
    assert main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert re.fullmatch(rf"{key_id}  \.\.\.{secret[-4:]}  \d{{4}}-\d\d-\d\d \d\d:\d\d UTC  active   roo\n", listed)
    assert main(["keys", "revoke", key_id]) == 0
    assert capsys.readouterr().out == f"{key_id} is revoked\n"
    assert main(["keys", "list"]) == 0
    assert "revoked  roo" in capsys.readouterr().out
    assert main(["keys", "revoke", key_id]) == 1
    assert f"there is no key {key_id} that is not revoked already" in capsys.readouterr().err


def test_revoking_nothing_says_what_to_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "revoke"]) == 1
    assert "gammainfra keys revoke ID (the ids: gammainfra keys list)" in capsys.readouterr().err


def test_keys_in_a_folder_that_cannot_be_used(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "kept").touch()
    assert main(["keys", "list", "--data-dir", "kept"]) == 1
    assert "name another one with --data-dir" in capsys.readouterr().err


# ---- check -----------------------------------------------------------------------------------------------------------
def test_check_shows_every_setting_with_its_source_and_no_secret(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-one")
    monkeypatch.setenv("GAMMAINFRA_LOG_LEVEL", "debug")
    assert main(["check", "--port", "9000"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^server\.port +9000 +flag --port$", shown, re.MULTILINE)
    assert re.search(r"^log\.level +debug +GAMMAINFRA_LOG_LEVEL$", shown, re.MULTILINE)
    assert re.search(r"^providers\.openai\.api_key +\*\*\* +OPENAI_API_KEY$", shown, re.MULTILINE)
    assert re.search(
        r"^provider openai +https://api\.openai\.com/v1/chat/completions +1 key\(s\)$", shown, re.MULTILINE
    )
    assert "sk-the-real-one" not in shown


def test_check_says_that_no_provider_is_configured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 1
    assert "no provider is configured: set one of ALIBABA_API_KEY, ANTHROPIC_API_KEY," in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[server]\nprot = 1", "[server] has no setting prot: did you mean port?"),
        ("[server", "cannot be read"),
        ("[aliases]\nx = 'nope/y'", "The model 'nope/y' does not exist here"),
        ("[providers.x]\napi_key = 'k'", "[providers.x] needs base_url"),
    ],
)
def test_check_finds_what_serve_would(
    written: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gammainfra.toml").write_text(written, encoding="utf-8")
    assert main(["check"]) == 1
    assert words in capsys.readouterr().err
    assert main(["serve", "--port", "0"]) == 1
    assert words in capsys.readouterr().err


def test_check_passes_warnings_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "gammainfra.toml"
    file.write_text("[providers.openai]\napi_key = 'sk-literal'\n", encoding="utf-8")
    file.chmod(0o644)
    assert main(["check"]) == 0
    assert "run chmod 600 on it" in capsys.readouterr().err


# ---- serve -----------------------------------------------------------------------------------------------------------
def test_a_second_start_shows_the_end_of_the_keys_only(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        assert "shown once" in first.welcome
    with serving(tmp_path, {"OPENAI_API_KEY": "sk-a"}) as second:
        assert f"API keys   ...{first.key[-4:]}" in second.welcome
        assert "providers  openai" in second.welcome
        assert "missing" not in second.welcome
        assert first.key not in second.welcome


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_gateway_ends_in_peace(by: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gammainfra", "serve", "--port", "0"],
        cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        welcome = ""
        while "  data " not in welcome:
            assert process.poll() is None
            welcome += process.stdout.readline()
        process.send_signal(by)  # the loop does not run yet
        _, err = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in err
    assert process.returncode == 0


def test_the_module_runs_as_the_program(tmp_path: Path) -> None:
    ran = command(tmp_path, "version")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"gammainfra {__version__}")
