"""A gateway in a process of its own, in front of simulated providers, and its books once it has ended.

It starts the product the way an operator does, by its command; it never looks inside.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gammainfra
from gammainfra.accounts.keys import LOCAL_ACCOUNT
from gammainfra.simulate import World
from gammainfra.store.reader import Reader, RequestFilter
from gammainfra.store.rows import RequestRow

KEY: Final = "sk-gate-0123456789abcdef0123456789abcdef"
SOURCE: Final = Path(gammainfra.__file__).resolve().parents[1]
START_S: Final = 30.0
STOP_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running one. ``folder`` keeps its data and its log."""

    base_url: str
    folder: Path


@asynccontextmanager
async def running(world: World, folder: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[Gateway]:
    """A gateway with every server of the world as its provider, inside ``async with``; ``settings`` are variables."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(SOURCE),
        "GAMMAINFRA_BOOTSTRAP_KEY": KEY,
        **(settings or {}),
    }
    for server in world:
        vendor = server.vendor.name.upper()
        environ[f"{vendor}_API_KEY"] = f"sk-{server.name}"
        environ[f"GAMMAINFRA_PROVIDERS_{vendor}_BASE_URL"] = server.base_url
    with (folder / "gateway.log").open("wb") as log:
        server_process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gammainfra", "serve", "--port", "0", "--data-dir", str(folder),
            cwd=folder, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
        try:
            yield Gateway(await _read_base_url(server_process, folder), folder)
        finally:
            await _stop(server_process)


async def _read_base_url(started: asyncio.subprocess.Process, folder: Path) -> str:
    assert started.stdout is not None
    async with asyncio.timeout(START_S):
        while line := await started.stdout.readline():
            if b"base URL" in line:
                return line.decode().split()[-1]
    raise RuntimeError(f"the gateway did not start: {(folder / 'gateway.log').read_text('utf-8')}")


async def _stop(started: asyncio.subprocess.Process) -> None:
    if started.returncode is None:
        started.terminate()
        try:
            await asyncio.wait_for(started.wait(), STOP_S)
        except TimeoutError:
            started.kill()
            await started.wait()


def read_books(folder: Path) -> list[RequestRow]:
    """Every request that a gateway, ended by now, has in its books, newest first."""
    reader = Reader(folder / "gammainfra.sqlite3")
    try:
        return list(reader.requests(RequestFilter(LOCAL_ACCOUNT), limit=1000).rows)
    finally:
        reader.close()
