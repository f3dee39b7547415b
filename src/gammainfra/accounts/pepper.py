"""The pepper: a secret outside the database without which the key digests in it are worth nothing.

It decides where the pepper lives and refuses a file that others can read; it never sees an API key. The file has one
line per version, ``<version> <64 hex digits>``; the highest version makes new digests, the others still check old ones.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

FILE_NAME: Final = "pepper"
PEPPER_BYTES: Final = 32

_LINE: Final = re.compile(r"(\d{1,6}) ([0-9a-f]{64})\Z")


class PepperUnusable(Exception):
    """The pepper cannot be read or made; the text names the file and the remedy, never the pepper."""


@dataclass(frozen=True, slots=True)
class Pepper:
    """One version. ``name`` is what the database may know: the version and a fingerprint of the value."""

    version: int
    _value: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """``<version>-<8 hex digits>``: tells a lost pepper from the one in use."""
        return f"{self.version}-{self.digest('name of this pepper').hex()[:8]}"

    def digest(self, text: str) -> bytes:
        """HMAC-SHA256 of an ASCII text under this pepper: 32 bytes."""
        return hmac.digest(self._value, text.encode("ascii"), hashlib.sha256)


def read_or_create(folder: Path, random_bytes: Callable[[int], bytes]) -> tuple[Pepper, ...]:
    """Every version in ``<folder>/pepper``, the newest first; a new file, for its owner only, when there is none.

    Raises PepperUnusable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(folder / FILE_NAME, random_bytes)
    except OSError as error:
        raise PepperUnusable(f"the pepper {folder / FILE_NAME} cannot be read or made: {error}") from error
    return read_existing(folder)


def read_existing(folder: Path) -> tuple[Pepper, ...]:
    """Every version in ``<folder>/pepper``, the newest first; none when there is no file. Raises PepperUnusable."""
    path = folder / FILE_NAME
    try:
        if not path.exists():
            return ()
        _refuse_if_others_can_read(path)
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise PepperUnusable(f"the pepper {path} cannot be read or made: {error}") from error
    return _read(path, text)


def _create(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    """Write the file whole or not at all: a crash must not leave half a pepper that locks every key out."""
    if path.exists():
        return
    draft = path.with_name(f"{FILE_NAME}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(f"1 {random_bytes(PEPPER_BYTES).hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _refuse_if_others_can_read(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise PepperUnusable(f"every user of this machine can read the pepper {path}: run chmod 600 on it")


def _read(path: Path, text: str) -> tuple[Pepper, ...]:
    peppers = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            raise PepperUnusable(
                f"the pepper {path} has a line that is not '<version> <64 hex digits>': restore it from a backup"
            )
        peppers.append(Pepper(int(match[1]), bytes.fromhex(match[2])))
    if not peppers:
        raise PepperUnusable(f"the pepper {path} is empty: restore it from a backup")
    return tuple(sorted(peppers, key=lambda pepper: pepper.version, reverse=True))
