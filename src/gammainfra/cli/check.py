"""What ``gammainfra check`` prints: the settings in force with their sources, the providers, and what is missing."""

from __future__ import annotations

import argparse

from gammainfra.app import UNUSABLE, catalog_of, hosts_of
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.domain.endpoint import key_variable
from gammainfra.providers import registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only the flags that are settings."""
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print; the status is 1 when no request could be served."""
    try:
        settings = settings_of(arguments)
        hosts = hosts_of(settings.providers)
        catalog_of(settings, hosts)
    except UNUSABLE as error:
        return complain(str(error))
    for row in settings.describe():
        print(f"{row.name:36} {row.value:40} {row.source}")
    for name, host in sorted(hosts.items()):
        print(f"provider {name:27} {host.url:40} {len(host.keys)} key(s)")
    for warning in settings.warnings:
        complain(warning)
    if not hosts:
        variables = ", ".join(key_variable(name) for name in sorted(registry.known()))
        return complain(f"no provider is configured: set one of {variables}, or [providers] in gammainfra.toml")
    return 0
