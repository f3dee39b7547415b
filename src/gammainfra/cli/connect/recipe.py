"""What a client needs to be pointed at the gateway: files, environment, commands and words, as values.

It writes nothing; gammainfra.cli.connect.keep does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Target:
    """Where the client shall go. ``url`` is the gateway's root without a path, ``context``/``output`` are tokens;

    ``home`` is its user's, ``folder`` the one to work in.
    """

    url: str
    key: str
    model: str
    context: int
    output: int
    home: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class JsonMerge:
    """Values that are laid over those of a JSON file; what it has besides stays."""

    path: Path
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file that is all ours: one that says something else is not touched."""

    path: Path
    text: str


Change = JsonMerge | WholeFile


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything for one client: ``changes`` to files, then what its user does, and what is worth knowing."""

    title: str
    changes: tuple[Change, ...] = ()
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
