"""Writes a client's configuration: into JSON files beside what they have, elsewhere into files of its own.

A file that is changed is kept beside itself with ``.before-gammainfra`` at its end, once. Files hold the key, so they
are for their owner's eyes only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gammainfra.cli.connect.recipe import Change, JsonMerge, WholeFile

_KEPT: Final = ".before-gammainfra"
_OWNER_ONLY: Final = 0o600


class CannotWrite(ValueError):
    """A file is in the way; the message says which and what to do."""


def keep(change: Change) -> bool:
    """Make a change; False when it was made before. Raises CannotWrite and OSError."""
    before = change.path.read_text(encoding="utf-8") if change.path.exists() else None
    after = written(change, before or "")
    if after == before:
        return False
    if before is not None:
        kept = change.path.with_name(change.path.name + _KEPT)
        if not kept.exists():
            _write(kept, before)
    _write(change.path, after)
    return True


def written(change: Change, before: str) -> str:
    """The file's text with the change in it. Raises CannotWrite."""
    match change:
        case JsonMerge(path, values):
            return json.dumps(_merged(_json_object(path, before), values), indent=2) + "\n"
        case WholeFile(path, text):
            if before.strip() and before != text:
                raise CannotWrite(f"{path} says something else: move it away, or change it as shown without --write")
            return text


def _json_object(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise CannotWrite(f"{path} is no plain JSON ({error}): add what is shown without --write by hand") from error
    if not isinstance(found, dict):
        raise CannotWrite(f"{path} holds no JSON object: move it away first")
    return found


def _merged(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in over.items():
        beneath = merged.get(name)
        if isinstance(beneath, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(beneath, value)
        else:
            merged[name] = value
    return merged


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
