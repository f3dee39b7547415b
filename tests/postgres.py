"""A PostgreSQL server of the tests' own: made in a temporary folder, on a free loopback port, ended by its pid.

It needs the server's programs (Debian: the package ``postgresql``), nothing that runs already and no rights: as root it
runs them as the user ``postgres``, because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

_START_S = 60.0
_STOP_S = 30.0
_FAST = ("-c", "fsync=off", "-c", "full_page_writes=off")
_FIT = ("-c", "max_connections=50", "-c", "shared_buffers=64MB", "-c", "log_min_messages=fatal")


class Missing(Exception):
    """PostgreSQL cannot be had on this machine; the text says why and what to install."""


@dataclass(slots=True)
class Server:
    """A running server. ``url`` names its database ``postgres``, where the tests make their own."""

    binaries: Path
    folder: Path
    user: str | None
    port: int
    durable: bool = True
    running: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        """For psycopg and ``store.url``."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The same for another database of this server."""
        return f"postgresql://gammainfra@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """An empty database's URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Throw a database away, whoever is connected."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def stop(self, signal_name: str = "INT") -> None:
        """End it: INT is PostgreSQL's fast stop, QUIT its immediate one, which loses what was not synced."""
        self.running.send_signal({"INT": 2, "QUIT": 3}[signal_name])
        self.running.wait(_STOP_S)

    def start(self) -> None:
        """Start it again on the same folder and port."""
        sockets = f"unix_socket_directories={self.folder}"
        settings = ("-c", f"port={self.port}", "-c", "listen_addresses=127.0.0.1", "-c", sockets, *_FIT)
        self.running = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.folder / "cluster", *settings, *(() if self.durable else _FAST)],
            user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        _wait_until_ready(self)


@contextmanager
def running(*, durable: bool = True) -> Iterator[Server]:
    """A new server for the block; one that is not ``durable`` is faster. Raises Missing."""
    binaries = find_binaries()
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="gammainfra-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        made = subprocess.run(
            [binaries / "initdb", "-D", folder / "cluster", "-U", "gammainfra", "-A", "trust", "-E", "UTF8", "-N"],
            user=user, cwd=folder, capture_output=True, text=True, timeout=_START_S, check=False,
        )  # fmt: skip
        if made.returncode:
            raise Missing(f"initdb failed: {made.stderr.strip()}")
        server = Server(binaries, folder, user, _free_port(), durable)
        try:
            server.start()
            yield server
        finally:
            if server.running.poll() is None:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The newest folder of PostgreSQL's programs. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise Missing("PostgreSQL's programs are not installed: on Debian, apt-get install postgresql")


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise Missing("PostgreSQL does not run as root, and there is no user postgres: run as another user") from None


def _wait_until_ready(server: Server) -> None:
    until = time.monotonic() + _START_S
    command = [str(server.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    while subprocess.run(command, check=False, timeout=_START_S).returncode:
        if server.running.poll() is not None or time.monotonic() > until:
            raise Missing("the PostgreSQL server did not start")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
