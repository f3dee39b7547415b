"""What several commands share: the flags that are settings, and one way to say what is wrong."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gammainfra.settings import Settings, read_settings

_FLAGS = {"host": "server.host", "port": "server.port", "data_dir": "server.data_dir", "log_level": "log.level"}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add --host, --port, --data-dir, --log-level and --config."""
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", metavar="PORT", help="port to listen on (default: 8787)")
    parser.add_argument("--data-dir", metavar="FOLDER", help="folder of the database")
    parser.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error")
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings file (default: gammainfra.toml)")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Read the settings with these flags on top. Raises SettingsWrong."""
    given = {name: getattr(arguments, flag) for flag, name in _FLAGS.items()}
    flags = {name: value for name, value in given.items() if value is not None}
    return read_settings(flags=flags, environ=os.environ, folder=Path.cwd(), config=arguments.config)


def shown_address(host: str, port: int) -> str:
    """The address under which this machine's own browser reaches what listens there."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reached}:{port}"


def complain(message: str) -> int:
    """Say in one sentence what is wrong; the exit status."""
    print(f"gammainfra: {message}", file=sys.stderr)
    return 1
