"""What ``gammainfra check`` prints: the settings in force with their sources, the providers, and what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gammainfra.app import UNUSABLE, catalog_of, hosts_of
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.cli.stored import print_json
from gammainfra.domain.endpoint import key_variable
from gammainfra.gateway.host import Host
from gammainfra.providers import registry
from gammainfra.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that are settings, and ``--json``."""
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print; the status is 1 when no request could be served."""
    try:
        settings = settings_of(arguments)
        hosts = hosts_of(settings.providers)
        catalog_of(settings, hosts)
    except UNUSABLE as error:
        return complain(str(error))
    if arguments.json:
        print_json(_plain(settings, hosts))
        return 0 if hosts else 1
    for row in settings.describe():
        print(f"{row.name:36} {row.value:40} {row.source}")
    for name, host in sorted(hosts.items()):
        print(f"provider {name:27} {host.url:40} {len(host.keys)} key(s)")
    for warning in settings.warnings:
        complain(warning)
    return 0 if hosts else complain(_missing())


def _plain(settings: Settings, hosts: Mapping[str, Host]) -> dict[str, object]:
    """``missing`` is None when requests could be served."""
    return {
        "settings": [{"name": row.name, "value": row.value, "source": row.source} for row in settings.describe()],
        "providers": [{"name": name, "url": host.url, "keys": len(host.keys)} for name, host in sorted(hosts.items())],
        "warnings": list(settings.warnings),
        "missing": None if hosts else _missing(),
    }


def _missing() -> str:
    variables = ", ".join(key_variable(name) for name in sorted(registry.known()))
    return f"no provider is configured: set one of {variables}, or [providers] in gammainfra.toml"
