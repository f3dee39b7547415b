"""The command ``gammainfra migrate``: brings the database to this release's schema before a gateway is started."""

from __future__ import annotations

import argparse

from gammainfra.app import UNUSABLE, data_folder, engine_of
from gammainfra.cli.options import add_settings, complain, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only the flags that are settings."""
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Migrate; the status is 1 when the database cannot be used."""
    try:
        settings = settings_of(arguments)
        engine = engine_of(settings, data_folder(settings))
        engine.open_writer().close()
    except UNUSABLE as error:
        return complain(str(error))
    print(f"{engine.name} has the schema of this release")
    return 0
