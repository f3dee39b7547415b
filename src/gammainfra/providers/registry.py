"""Finds provider files: the modules of this package that define PROVIDER, and the entry points of other packages.

It decides nothing about them. A new provider is one new file; the conformance suite holds it unasked.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from types import MappingProxyType

from gammainfra import providers
from gammainfra.providers.provider import Provider

ENTRY_POINTS = "gammainfra.providers"


@cache
def known() -> Mapping[str, Provider]:
    """Every provider by name. An entry point may not take the name of a provider that is here: ValueError."""
    found: dict[str, Provider] = {}
    for module in pkgutil.iter_modules(providers.__path__):
        provider = getattr(importlib.import_module(f"{providers.__name__}.{module.name}"), "PROVIDER", None)
        if isinstance(provider, Provider):
            found[provider.name] = provider
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        provider = entry.load()
        if not isinstance(provider, Provider) or provider.name in found:
            message = f"the entry point {entry.value} of group {ENTRY_POINTS} is not a new Provider"
            raise ValueError(message)
        found[provider.name] = provider
    return MappingProxyType(found)
