"""The gateway under measurement and the simulated provider, as processes: started, watched, ended.

The gateway runs as an operator runs it, with everything on: routing, sessions, metrics, records in SQLite, the log at
``info`` (to the null device). Only its providers' addresses are the bench's own.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench.machine import GATEWAY_CORE, pin

ROOT: Final = Path(__file__).resolve().parent.parent.parent
KEY: Final = "sk-bench-0123456789abcdef"
_START_S: Final = 20.0
_END_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.002


class Gateway:
    """One running gateway."""

    def __init__(self, folder: Path, provider_port: int) -> None:
        self.folder = folder
        self.port = _free_port()
        began = time.perf_counter()
        self.running = subprocess.Popen(
            [sys.executable, "-m", "gammainfra", "serve", "--port", str(self.port), "--data-dir", str(folder)],
            env=_environment(provider_port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        pin(GATEWAY_CORE, self.running.pid)
        try:
            self._wait_until_ready(began + _START_S)
        except BaseException:
            self.running.kill()
            self.running.wait()
            raise
        self.ready_ms = (time.perf_counter() - began) * 1000

    def _wait_until_ready(self, until: float) -> None:
        while time.perf_counter() < until:
            if self.running.poll() is not None:
                raise SystemExit(f"the gateway ended with status {self.running.returncode}")
            asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                asking.request("GET", "/readyz")
                if asking.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(_LOOK_EVERY_S)
            finally:
                asking.close()
        raise SystemExit("the gateway was not ready in time")

    def stop(self) -> None:
        """End it the way a service manager does."""
        self.running.send_signal(signal.SIGINT if sys.platform == "win32" else signal.SIGTERM)
        self.running.wait(_END_S)

    def records(self) -> int:
        """How many requests it has written down; ask when it has ended."""
        with sqlite3.connect(self.folder / "gammainfra.sqlite3") as database:
            return int(database.execute("SELECT count(*) FROM requests WHERE ending = 'served'").fetchone()[0])


@contextmanager
def provider() -> Iterator[int]:
    """Run the simulated provider; gives its port."""
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.mock"],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdin is not None and running.stdout is not None  # noqa: PT018 - pipes were asked for
    try:
        yield int(running.stdout.readline())
    finally:
        running.stdin.close()
        running.wait(_END_S)
        running.stdout.close()


def help_ms() -> float:
    """How long ``gammainfra --help`` takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "gammainfra", "--help"], env=environment(), stdout=subprocess.DEVNULL, check=True
    )
    return (time.perf_counter() - began) * 1000


def environment() -> dict[str, str]:
    """The caller's environment without settings of a gateway, and with the package of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAMMAINFRA_")}
    return kept | {"PYTHONPATH": str(ROOT / "src")}


def _environment(port: int) -> dict[str, str]:
    here = f"http://127.0.0.1:{port}"
    return environment() | {
        "GAMMAINFRA_BOOTSTRAP_KEY": KEY,
        "GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": f"{here}/v1",
        "GAMMAINFRA_PROVIDERS_OPENAI_API_KEY": "sk-simulated-openai",
        "GAMMAINFRA_PROVIDERS_ANTHROPIC_BASE_URL": here,
        "GAMMAINFRA_PROVIDERS_ANTHROPIC_API_KEY": "sk-simulated-anthropic",
        "GAMMAINFRA_PROVIDERS_DEEPSEEK_BASE_URL": here,
        "GAMMAINFRA_PROVIDERS_DEEPSEEK_API_KEY": "sk-simulated-deepseek",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
