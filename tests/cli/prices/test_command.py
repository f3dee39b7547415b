"""``gammainfra prices`` as an operator meets it: its text, its JSON and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gammainfra.cli.main import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAMMAINFRA_SERVER_DATA_DIR", str(tmp_path))
    return tmp_path


def litellm_file(folder: Path, **cost: float) -> str:
    path = folder / "prices.json"
    path.write_text(json.dumps({"openai/gpt-4.1": cost, "gpt-4o": cost}), encoding="utf-8")
    return str(path)


def test_the_book_agrees_with_genai_prices_but_for_what_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", "diff"]) == 0
    *rows, last = capsys.readouterr().out.splitlines()
    assert "unexplained=0" in last
    (row,) = [row for row in rows if row.split()[:2] == ["deepseek/deepseek-v4-pro", "input"]]
    assert row.split()[2:4] == ["0.66", "1.32"]
    assert row.endswith("that source has no weekdays")


def test_an_unexplained_disagreement_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = litellm_file(
        folder, input_cost_per_token=3e-06, output_cost_per_token=8e-06, cache_read_input_token_cost=5e-07
    )
    assert main(["prices", "diff", "openai/gpt-4.1", "openai/gpt-5", "--litellm", path]) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["openai/gpt-4.1", "input", "2", "3", "always:", "NOT", "EXPLAINED"]
    assert last == "litellm (prices.json): compared=1 unknown=1 differences=3 unexplained=3"


def test_json_carries_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = litellm_file(
        folder, input_cost_per_token=3e-06, output_cost_per_token=8e-06, cache_read_input_token_cost=5e-07
    )
    assert main(["prices", "diff", "openai/gpt-4.1", "openai/gpt-5", "--litellm", path, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["source"], said["compared"], said["unknown"]) == ("litellm (prices.json)", 1, ["openai/gpt-5"])
    assert said["differences"][0] == {
        "endpoint": "openai/gpt-4.1",
        "what": "input",
        "ours": 2_000_000,
        "theirs": 3_000_000,
        "when": "always",
        "why": None,
    }


def test_import_prints_rows_for_a_catalog_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "import", "openai/gpt-4.1"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith('[[models."gpt-4.1".endpoints]]\nprovider = "openai"\n')
    assert 'cost = { input = "2", output = "8", cache_read = "0.5" }' in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import"], "say which models: gammainfra prices import openai/gpt-5.4"),
        (["import", "openai/gpt-99"], "the catalog has no openai/gpt-99"),
        (["import", "anthropic/claude-mythos-5"], "does not know anthropic/claude-mythos-5"),
        (["diff", "--litellm", "missing.json"], "No such file or directory: 'missing.json'"),
    ],
)
def test_errors_say_what_to_do(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_price_that_has_no_row_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {f"input_cost_per_token_above_{size}k_tokens": 1.0 for size in (128, 256)}
    path = litellm_file(folder, input_cost_per_token=1.0, **sizes)
    assert main(["prices", "import", "openai/gpt-4.1", "--litellm", path]) == 1
    assert "openai/gpt-4.1: litellm (prices.json) has more than one long-context tier" in capsys.readouterr().err
    assert main(["prices", "diff", "openai/gpt-4.1", "--litellm", path]) == 0
    assert "compared=0 unknown=1" in capsys.readouterr().out
