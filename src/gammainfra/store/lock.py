"""Keeps two gateways off one data folder: they would count in the same file and each believe its own memory.

It decides who has the folder, by a lock of the operating system: it ends with its process, however that ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from gammainfra.store.engine import StoreUnusable

FILE_NAME: Final = "serve.lock"


class FolderLock:
    """Held from making it until ``release``. Raises StoreUnusable when somebody else has it, naming its process."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        try:
            self._descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise StoreUnusable(
                f"{self.path} cannot be written ({error.strerror}): give this user the folder"
            ) from error
        try:
            _take(self._descriptor)
        except OSError:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
            os.close(self._descriptor)
            raise StoreUnusable(
                f"another gateway{f' (process {owner})' if owner else ''} runs on {folder}: stop it, or name another "
                "folder with --data-dir"
            ) from None
        os.truncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let others have the folder; harmless when done twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _take(descriptor: int) -> None:
    """Raises OSError when it is taken."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - of that system

        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond what is written: a locked byte cannot be read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl  # noqa: PLC0415 - of the others

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
