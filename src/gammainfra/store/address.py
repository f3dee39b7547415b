"""Which engine an address means. It opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gammainfra.store.database import Sqlite
from gammainfra.store.engine import Engine, StoreUnusable

SCHEMES: Final = ("sqlite:///", "memory:", "postgresql://", "postgres://")


def engine_at(where: str | Path) -> Engine:
    """The engine of an address: ``sqlite:///file``, ``memory:name``, ``postgresql://user@host/database``, or a path.

    Opens nothing. Raises StoreUnusable for an address it cannot read, or when PostgreSQL's driver is not installed.
    """
    if isinstance(where, Path):
        return Sqlite(where)
    if where.startswith("memory:"):
        return Sqlite(Path(where.removeprefix("memory:") or "gammainfra"), in_memory=True)
    if where.startswith("sqlite:///"):
        return Sqlite(Path(where.removeprefix("sqlite:///")))
    if where.startswith(("postgresql://", "postgres://")):
        try:
            from gammainfra.store.postgres import Postgres  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise StoreUnusable(
                'PostgreSQL needs its driver: install it with pip install "gammainfra[postgres]"'
            ) from error
        return Postgres(where)
    raise StoreUnusable(f"an address of a database begins with one of {', '.join(SCHEMES)}")
