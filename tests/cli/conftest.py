"""A folder of its own for every command that is run."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.gateway_process import environment

OURS = re.compile(r"GAMMAINFRA_|(OPENAI|ANTHROPIC|DEEPSEEK|GOOGLE|MISTRAL|GROQ|XAI)_API_KEY")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with nothing of this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in environment(tmp_path):
        if name in {"HOME", "XDG_DATA_HOME", "LOCALAPPDATA"}:
            monkeypatch.setenv(name, str(tmp_path))

    for name in [name for name in os.environ if OURS.match(name)]:
        monkeypatch.delenv(name)
    return tmp_path
