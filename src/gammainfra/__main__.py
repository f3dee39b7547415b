"""Runs the command line as ``python -m gammainfra``: the command line, where no script was installed."""

from __future__ import annotations

from gammainfra.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
