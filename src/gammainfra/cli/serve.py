"""The command ``gammainfra serve``: runs the gateway and says where it is, which key opens it and what is missing."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import socket
import sys

from gammainfra.app import UNUSABLE, App, Server, build, free_socket, usable_keys
from gammainfra.cli.options import add_settings, complain, settings_of, shown_address
from gammainfra.domain.endpoint import key_variable
from gammainfra.providers import registry
from gammainfra.settings import SettingsWrong

# The writer's and the readers' threads must not hold the interpreter for long while streams wait.
_SWITCH_INTERVAL_S = 0.0005
_LAST_PORT = 65_535
# Answers free themselves when they are over; a collection walks everything that is kept, while all streams wait.
_GC_THRESHOLDS = (20_000, 20, 50)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``serve``."""
    add_settings(parser)
    parser.add_argument("--workers", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    if arguments.workers is not None:
        return complain(
            "--workers is not supported: running answers, sessions and health live in one process, and one core "
            "carries over 1,000 requests/s. Run several gateways behind a balancer with affinity by API key."
        )
    try:
        settings = settings_of(arguments)
    except SettingsWrong as error:
        return complain(str(error))
    host, port = settings.server.host, settings.server.port
    try:
        listening = free_socket(host, port)  # before anything is made: the key of a first start is shown once
    except OSError as error:
        return complain(_not_listening(host, port, error))
    try:
        app = build(settings)
    except UNUSABLE as error:
        listening.close()
        return complain(str(error))
    for note in app.notes():
        complain(note)
    server = Server(app)
    server.obey_signals()  # first: who reads the welcome may end the gateway at once
    print(_welcome(app, listening.getsockname()[1]), flush=True)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    _run_loop(server, listening)
    return 0


def _run_loop(server: Server, listening: socket.socket) -> None:
    factory = None
    if sys.platform != "win32":
        import uvloop  # not made for Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(server.serve(sockets=[listening]))


def _not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno in {errno.EADDRINUSE, errno.EACCES}:
        why = "is in use" if error.errno == errno.EADDRINUSE else "needs more rights"
        other = port + 1 if port < _LAST_PORT else 0
        return f"port {port} on {host} {why}: choose another one with --port, e.g. --port {other}"
    return f"cannot listen on {host}:{port} ({error.strerror}): name an address of this machine with --host"


def _welcome(app: App, port: int) -> str:
    host = app.settings.server.host
    shown = f"[{host}]" if ":" in host else host
    lines = [f"GammaInfra listens on http://{shown}:{port}", f"  base URL   http://{shown}:{port}/v1"]
    if app.first_key is not None:
        lines.append(f"  API key    {app.first_key}   (shown once; more: gammainfra keys create)")
    else:
        names = ", ".join(f"...{key.last4}" for key in usable_keys(app.keys)[:4])
        lines.append(f"  API keys   {names}   (new one: gammainfra keys create)")
    providers = ", ".join(sorted(app.hosts)) or "none yet"
    lines.append(f"  providers  {providers}")
    if not app.hosts:
        variables = ", ".join(key_variable(name) for name in sorted(registry.known()))
        lines.append(f"  missing    a provider key: set one of {variables}, or [providers] in gammainfra.toml")
    link = f"{shown_address(host, port)}/dashboard/login?token={app.links.make()}"
    lines.append(f"  dashboard  {link}\n             (opens once, for 5 minutes; another one: gammainfra login)")
    lines.append(f"  data       {app.settings.server.data_dir}")
    return "\n".join(lines)
