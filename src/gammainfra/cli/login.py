"""The command ``gammainfra login``: prints a link that opens the dashboard of the gateway that runs here, once."""

from __future__ import annotations

import argparse
import json
import socket

from gammainfra.accounts.login import make_link
from gammainfra.accounts.pepper import FILE_NAME as PEPPER
from gammainfra.accounts.pepper import read_or_create
from gammainfra.app import UNUSABLE, SystemClock, SystemRandom
from gammainfra.cli.options import add_settings, complain, settings_of, shown_address
from gammainfra.domain import limits

_CONNECT_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that are settings, as given to ``serve``, and ``--json``."""
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the link; the status is 1 when no gateway would take it."""
    try:
        settings = settings_of(arguments)
        folder = settings.server.data_dir
        if not (folder / PEPPER).exists():
            return complain(f"no gateway has run with the data folder {folder} yet: start one with gammainfra serve")
        random = SystemRandom()
        peppers = read_or_create(folder, random.bytes)
    except UNUSABLE as error:
        return complain(str(error))
    address = shown_address(settings.server.host, settings.server.port)
    if not _listens(address):
        return complain(
            f"no gateway answers at {address}: start it with gammainfra serve, or say where it is with --port"
        )
    link = f"{address}/dashboard/login?token={make_link(peppers[0], SystemClock().wall(), random.bytes(16))}"
    minutes = int(limits.LOGIN_LINK_S) // 60
    if arguments.json:
        print(json.dumps({"url": link, "expires_in_s": int(limits.LOGIN_LINK_S)}))
    else:
        print(f"{link}\n  Opens the dashboard once, within {minutes} minutes.")
    return 0


def _listens(address: str) -> bool:
    host, _, port = address.removeprefix("http://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
            return True
    except OSError:
        return False
