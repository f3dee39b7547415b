"""Reads the store of an installation for a command: beside a running gateway or without one, on either engine.

It decides which database is meant and how a failure to read it is said; it makes nothing and changes nothing.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Final

import msgspec

from gammainfra.app import UNUSABLE, engine_of
from gammainfra.cli.options import complain, settings_of
from gammainfra.domain.failure import Refused
from gammainfra.settings import SettingsWrong
from gammainfra.store.dashboard import DashboardReader
from gammainfra.store.database import FILE_NAME
from gammainfra.web.parameters import Parameters, invalid

DAY_S: Final = 86_400


def add_period(parser: argparse.ArgumentParser) -> None:
    """Add --from and --to."""
    parser.add_argument("--from", dest="since", metavar="TIME", help="2026-11-23, 2026-11-23T10:00:00Z (UTC) or epoch")
    parser.add_argument("--to", dest="until", metavar="TIME", help="the same; this moment is left out (default: now)")


def period_of(arguments: argparse.Namespace, usual_since: float) -> tuple[float, float]:
    """``--from`` and ``--to`` in epoch seconds, without an end when it was left out. Raises Refused."""
    given = {"--from": arguments.since, "--to": arguments.until}
    asked = Parameters({name: text for name, text in given.items() if text is not None})
    since, until = asked.time("--from"), asked.time("--to")
    since, until = usual_since if since is None else since, math.inf if until is None else until
    if since >= until:
        raise invalid("--from is not before --to: the period leaves its end out", "--from")
    return since, until


def count_of(arguments: argparse.Namespace, most: int) -> int:
    """``--limit``, from 1 to ``most``. Raises Refused."""
    return Parameters({"--limit": arguments.limit}).count("--limit", most, most)


def read(arguments: argparse.Namespace, show: Callable[[DashboardReader], int]) -> int:
    """What ``show`` returns for the store of these settings; 1, said in words, when it cannot be read."""
    try:
        reader = _opened(arguments)
        try:
            return show(reader)
        finally:
            reader.close()
    except Refused as refused:
        return complain(refused.message)
    except UNUSABLE as error:
        return complain(str(error))


def print_json(row: object) -> None:
    """One JSON value on a line of its own."""
    print(msgspec.json.encode(row).decode(), flush=True)


def _opened(arguments: argparse.Namespace) -> DashboardReader:
    settings = settings_of(arguments)
    folder = settings.server.data_dir
    if settings.store_url is None and not (folder / FILE_NAME).exists():
        message = f"no gateway has run with the data folder {folder} yet: start one with gammainfra serve"
        raise SettingsWrong(f"{message}, or name another folder with --data-dir")
    return DashboardReader(engine_of(settings, folder))
