"""A real ``gammainfra serve`` in a process of its own, as a new user starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 20


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that listens; ``welcome`` is what it printed."""

    port: int
    key: str
    welcome: str

    @property
    def base_url(self) -> str:
        """What an SDK is given."""
        return f"http://127.0.0.1:{self.port}/v1"


def environment(folder: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of this machine's own settings; coverage of subprocesses is not asked for."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT", "LANG", "TMPDIR"}}
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "share"), "LOCALAPPDATA": str(folder)}
    return {**kept, **home, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", **(environ or {})}


def command(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
    """Run ``gammainfra`` in ``folder`` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "gammainfra", *arguments],
        cwd=folder, env=environment(folder, environ), capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


@contextmanager
def serving(folder: Path, environ: Mapping[str, str] | None = None, flags: Sequence[str] = ()) -> Iterator[Running]:
    """A gateway on a free port, ended as an operator ends it."""
    with subprocess.Popen(
        [sys.executable, "-m", "gammainfra", "serve", "--port", "0", *flags],
        cwd=folder, env=environment(folder, environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines: list[str] = []
            while not any(line.startswith("  data ") for line in lines):
                line = process.stdout.readline()
                assert line, f"it ended: {process.stderr.read() if process.stderr else ''}"
                lines.append(line)
            welcome = "".join(lines)
            port = re.search(r"http://[^\s]*:(\d+)", welcome)
            key = re.search(r"sk-gammainfra-\w+", welcome)
            assert port is not None
            yield Running(int(port[1]), key[0] if key else "", welcome)
        finally:
            process.terminate()
            process.communicate(timeout=LIMIT_S)
