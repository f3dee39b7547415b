from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gammainfra.app import build
from gammainfra.cli.doctor import Finding, examine
from gammainfra.cli.main import main
from gammainfra.settings import Settings, read_settings
from gammainfra.store.database import FILE_NAME, Sqlite
from gammainfra.store.lock import FolderLock
from tests.store.making import NOON, record, writer_on

CONFIGURED = {"OPENAI_API_KEY": "sk-made-up"}


def settings_of(folder: Path, environ: Mapping[str, str]) -> Settings:
    return read_settings(environ={"GAMMAINFRA_DATA_DIR": str(folder), **environ}, folder=folder)


def found(folder: Path, environ: Mapping[str, str] = CONFIGURED, wall: float = NOON) -> dict[str, Finding]:
    """The findings but for the version of SQLite, which is this machine's; the worst of each kind."""
    rank = {"ok": 0, "warning": 1, "wrong": 2}
    several = sorted(examine(settings_of(folder, environ), wall), key=lambda one: rank[one.state])
    return {one.about: one for one in several if one.about != "sqlite"}


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A data folder in which a gateway has run."""
    app = build(settings_of(tmp_path, CONFIGURED))
    app.writer.add(record(1))
    app.writer.flush_blocking(30)
    app.writer.close()
    app.reader.close()
    app.lock.release()
    return tmp_path


def test_a_folder_in_order_has_nothing_wrong(used: Path) -> None:
    findings = found(used)

    assert {one.state for one in findings.values()} == {"ok"}
    assert set(findings) == {"settings", "providers", "pepper", "gateway", "database", "clock"}


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert "the first start makes it" in found(tmp_path / "later")["folder"].words


def test_missing_keys_of_providers_are_named(used: Path) -> None:
    finding = found(used, {})["providers"]
    assert finding.state == "wrong"
    assert "OPENAI_API_KEY" in finding.words


@pytest.mark.parametrize("name", [FILE_NAME, "pepper"])
def test_a_file_that_everybody_can_read_is_wrong(used: Path, name: str) -> None:
    (used / name).chmod(0o644)

    finding = found(used)["folder"]
    assert finding == Finding(
        "folder", "wrong", f"every user of this machine can read {used / name}: run chmod 600 on it"
    )


def test_a_lost_pepper_is_wrong_where_there_are_keys(used: Path) -> None:
    (used / "pepper").unlink()

    assert "restore it from a backup" in found(used)["pepper"].words
    assert not (used / "pepper").exists()


def test_a_gateway_that_runs_is_said(used: Path) -> None:
    lock = FolderLock(used)
    assert "a second one would be refused" in found(used)["gateway"].words
    lock.release()


def test_records_from_the_future_are_a_wrong_clock(used: Path) -> None:
    finding = found(used, wall=NOON - 7200)["clock"]
    assert finding.state == "wrong"
    assert "ahead of this clock" in finding.words


def test_damage_and_an_unreachable_database_are_wrong(used: Path) -> None:
    with writer_on(Sqlite(used / FILE_NAME)) as writer:
        assert all(writer.add(record(number)) for number in range(2, 800))
    sound = (used / FILE_NAME).read_bytes()
    kept = len(sound) // 8192 * 4096
    (used / FILE_NAME).write_bytes(sound[:kept] + b"\xff" * (len(sound) - kept))
    assert found(used)["database"].state == "wrong"

    url = "postgresql://me:hunter2@127.0.0.1:1/books"
    finding = found(used, {"GAMMAINFRA_STORE_URL": url, **CONFIGURED})["database"]
    assert finding.state == "wrong"
    assert "hunter2" not in finding.words
    assert found(used, {"GAMMAINFRA_STORE_URL": "mysql://x", **CONFIGURED})["database"].state == "wrong"


def test_records_that_wait_for_their_database_are_a_warning(used: Path) -> None:
    (used / "records.journal").write_bytes(b"{}\n")
    (used / "records.journal").chmod(0o600)

    assert found(used)["journal"].state == "warning"


def test_the_command_prints_lines_or_json_and_its_status_says_whether_all_is_well(
    used: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(used)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    assert main(["doctor", "--data-dir", str(used)]) == 0
    assert "ok       database" in capsys.readouterr().out
    (used / "pepper").unlink()
    assert main(["doctor", "--data-dir", str(used), "--json"]) == 1
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"about": "pepper", "state": "wrong"}.items() <= next(p for p in printed if p["about"] == "pepper").items()
    (used / "gammainfra.toml").write_text("[nonsense]\n", encoding="utf-8")
    assert main(["doctor", "--data-dir", str(used)]) == 1
    assert capsys.readouterr().out.startswith("wrong    settings")


def test_migrate_makes_the_database_of_this_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["migrate", "--data-dir", str(tmp_path / "data")]) == 0
    assert "has the schema of this release" in capsys.readouterr().out
    assert (tmp_path / "data" / FILE_NAME).exists()
    (tmp_path / "data" / FILE_NAME).write_bytes(b"dear diary, " * 1000)
    assert main(["migrate", "--data-dir", str(tmp_path / "data")]) == 1
