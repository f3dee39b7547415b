"""Where records wait while a database on another machine is gone: a file beside the gateway, appended and synced.

It decides how rows are kept in a file and how much of it there may be; it never decides when they go to the database.
What stands in it is written again by its id, so writing it twice counts once. It holds what the database holds: no
prompt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from gammainfra.domain import limits
from gammainfra.store.columns import Laid

FILE_NAME: Final = "records.journal"


class Journal:
    """One file, used by one thread. OSError when the disk fails."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size if path.exists() else 0

    def append(self, rows: Sequence[Laid]) -> bool:
        """Durable on return; False, and nothing is kept, when the file would be larger than its bound."""
        lines = "".join(json.dumps(asdict(one), separators=(",", ":")) + "\n" for one in rows).encode()
        if self.size + len(lines) > limits.RECORD_JOURNAL_BYTES:
            return False
        descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self.size += len(lines)
        return True

    def batches(self) -> Iterator[list[Laid]]:
        """What is kept, oldest first, in batches as the writer takes them. A line that was cut off is passed over."""
        batch: list[Laid] = []
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    batch.append(Laid(**json.loads(line)))
                if len(batch) == limits.RECORD_BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def clear(self) -> None:
        """Forget everything: it is in the database."""
        self.path.unlink(missing_ok=True)
        self.size = 0
