"""The command line: finds the command and hands the arguments over.

It knows no command from inside: each is imported when it is called for, so that ``gammainfra --help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from gammainfra import __version__

# Command -> (module, what it does). Each module has ``add_arguments(parser)`` and ``run(arguments) -> int``.
COMMANDS: Final = {
    "serve": ("gammainfra.cli.serve", "run the gateway"),
    "demo": ("gammainfra.cli.demo", "watch an agent task survive failing providers: no key, no network"),
    "simulate": ("gammainfra.simulate.serve", "run simulated providers for tests of your own"),
    "login": ("gammainfra.cli.login", "print a link that opens the dashboard"),
    "keys": ("gammainfra.cli.keys", "make, list and revoke API keys"),
    "topup": ("gammainfra.cli.credit", "write bought credit into the books"),
    "grant": ("gammainfra.cli.credit", "give an account trial credit"),
    "adjust": ("gammainfra.cli.credit", "put an account's credit right, up or down"),
    "refund": ("gammainfra.cli.credit", "write into the books that bought credit was paid back"),
    "books": ("gammainfra.cli.books", "add the books up again and say whether they are right"),
    "connect": ("gammainfra.cli.connect", "point a coding agent at the gateway"),
    "prices": ("gammainfra.cli.prices", "hold the price book against other sources, write rows of it"),
    "routes": ("gammainfra.cli.routes", "explain who would be asked for a request, and why nobody else"),
    "sessions": ("gammainfra.cli.sessions", "show agent tasks, or one of them step by step"),
    "logs": ("gammainfra.cli.logs", "show the newest requests, and follow those that come"),
    "models": ("gammainfra.cli.models", "list what can be asked for, with endpoints, prices and windows"),
    "export": ("gammainfra.cli.export", "write requests or usage of a period as CSV or JSON lines"),
    "check": ("gammainfra.cli.check", "show the settings in force, where each comes from, and what is missing"),
    "doctor": ("gammainfra.cli.doctor", "look at files, database, clock and providers, and say what is wrong"),
    "migrate": ("gammainfra.cli.migrate", "bring the database to the schema of this release"),
    "completions": ("gammainfra.cli.completions", "print what makes a shell complete these commands"),
    "version": ("gammainfra.cli.version", "print the version"),
}
_INTERRUPTED: Final = 130  # as shells count it
_UNREAD: Final = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0 when it did what was asked, 2 for wrong arguments, 130 for Ctrl-C, 141 when

    nobody reads its output any more, else 1.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="gammainfra", description="The LLM gateway for agent loops.")
    parser.add_argument("--version", action="version", version=f"gammainfra {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name in given[:1]:
            importlib.import_module(module).add_arguments(command)
    chosen = parser.parse_args(given)
    try:
        status: int = importlib.import_module(COMMANDS[chosen.command][0]).run(chosen)
        sys.stdout.flush()
    except KeyboardInterrupt:  # Ctrl-C is no accident; a server raises it once more when it has ended in order
        return _INTERRUPTED
    except BrokenPipeError:  # who read has read enough, as ``head`` does; nothing may be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    return status
