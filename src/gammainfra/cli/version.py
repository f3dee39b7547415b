"""Prints which version this is, and what it runs on."""

from __future__ import annotations

import argparse
import json
import platform

from gammainfra import __version__


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the version and what it runs on."""
    if arguments.json:
        print(json.dumps({"version": __version__, "python": platform.python_version(), "system": platform.system()}))
    else:
        print(f"gammainfra {__version__} (Python {platform.python_version()}, {platform.system()})")
    return 0
