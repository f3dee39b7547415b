"""Prints which version this is, and what it runs on."""

from __future__ import annotations

import argparse
import platform

from gammainfra import __version__


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the version and what it runs on."""
    del arguments
    print(f"gammainfra {__version__} (Python {platform.python_version()}, {platform.system()})")
    return 0
