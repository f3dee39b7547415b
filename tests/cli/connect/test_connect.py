"""``gammainfra connect``: what it shows, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from gammainfra.cli.connect.clients import CLIENTS
from gammainfra.cli.main import main

KEY = "sk-gammainfra-test"
URL = "http://127.0.0.1:8787"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working folder of one's own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("GAMMAINFRA_SERVER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GAMMAINFRA_API_KEY", raising=False)
    return tmp_path


def connect(client: str, *arguments: str) -> int:
    return main(["connect", client, *arguments])


@pytest.mark.parametrize("client", CLIENTS)
def test_without_write_everything_is_shown_and_nothing_touched(
    client: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert connect(client, "--model", "openai/gpt-5") == 0
    shown = capsys.readouterr().out
    assert "openai/gpt-5" in shown
    assert "sk-gammainfra-..." in shown
    assert URL in shown
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("client", CLIENTS)
def test_json_says_the_same(client: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert connect(client, "--key", KEY, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert {file["state"] for file in said["files"]} <= {"shown"}
    assert KEY in json.dumps(said)
    assert said["files"] or said["commands"]


def test_claude_codes_settings_keep_what_they_have(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text('{"theme": "dark", "env": {"EDITOR": "vi"}}', encoding="utf-8")
    monkeypatch.setenv("GAMMAINFRA_API_KEY", KEY)
    assert connect("claude", "--write") == 0
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "theme": "dark",
        "env": {
            "EDITOR": "vi",
            "ANTHROPIC_BASE_URL": URL,
            "ANTHROPIC_AUTH_TOKEN": KEY,
            "ANTHROPIC_MODEL": "gammainfra/auto",
        },
    }
    kept = path.with_name("settings.json.before-gammainfra")
    assert kept.read_text(encoding="utf-8") == '{"theme": "dark", "env": {"EDITOR": "vi"}}'


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no owner's mode")
def test_a_file_with_the_key_is_for_its_owner_only(home: Path) -> None:
    assert connect("opencode", "--key", KEY, "--write") == 0
    path = home / ".config" / "opencode" / "opencode.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_writing_twice_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert connect("codex", "--key", KEY, "--write") == 0
    assert "gammainfra.config.toml written" in capsys.readouterr().out
    assert connect("codex", "--key", KEY, "--write", "--json") == 0
    assert [file["state"] for file in json.loads(capsys.readouterr().out)["files"]] == ["unchanged"]


def test_codex_reads_its_profile_as_toml_with_the_models_window(home: Path) -> None:
    assert connect("codex", "--model", "openai/gpt-5", "--key", KEY, "--write") == 0
    profile = tomllib.loads((home / ".codex" / "gammainfra.config.toml").read_text(encoding="utf-8"))
    assert (profile["model"], profile["model_context_window"]) == ("openai/gpt-5", 400_000)
    assert profile["model_providers"]["gammainfra"] == {
        "name": "GammaInfra",
        "base_url": f"{URL}/v1",
        "wire_api": "responses",
        "http_headers": {"Authorization": f"Bearer {KEY}"},
    }


def test_an_address_with_the_version_is_understood(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert connect("aider", "--url", "https://gateway.example/v1/") == 0
    assert 'openai-api-base: "https://gateway.example/v1"' in capsys.readouterr().out
    assert connect("claude", "--host", "0.0.0.0", "--port", "9000") == 0
    assert '"http://127.0.0.1:9000"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("client", "path", "before", "words"),
    [
        ("aider", "work/.aider.conf.yml", "model: other\n", "says something else: move it away"),
        ("claude", ".claude/settings.json", "// mine\n{}", "is no plain JSON"),
        ("claude", ".claude/settings.json", "[]", "holds no JSON object"),
    ],
)
def test_what_somebody_wrote_is_never_overwritten(
    client: str, path: str, before: str, words: str, *, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / path).parent.mkdir(exist_ok=True)
    (home / path).write_text(before, encoding="utf-8")
    assert connect(client, "--key", KEY, "--write") == 1
    assert words in capsys.readouterr().err
    assert (home / path).read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--write"], "say which key: --key KEY or GAMMAINFRA_API_KEY (make one: gammainfra keys create)"),
        (["--model", "gpt-99-nothing"], "gpt-99-nothing"),
        (["--port", "many"], "port"),
    ],
)
def test_errors_say_what_to_do(
    arguments: list[str], words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert connect("roo", *arguments) == 1
    assert words in capsys.readouterr().err
