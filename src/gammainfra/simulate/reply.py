"""An answer ready to be written: status, headers, labelled pieces, and how the connection ends. It never
touches a socket; breakage.py edits it, writing.py writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from gammainfra.simulate.usage import SimulatedUsage


class Stage(IntEnum):
    """Where in an answer a piece stands. The order is the order of a stream, call by call."""

    OPEN = 0
    THINKING = 1
    TEXT = 2
    CALL = 3
    ARGUMENTS = 4
    CALL_END = 5
    FINISH = 6
    USAGE = 7
    END = 8
    WHOLE = 9


class Ending(Enum):
    """What happens after the last piece."""

    CLEAN = "clean"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that leave together, and how many output tokens the model had to make for them. The piece that
    shows a call's id names it.
    """

    raw: bytes
    stage: Stage
    tokens: int = 0
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything the writer needs, and what the log will say when all of it was written. ``call_ids`` are
    those of a whole; the pieces of a stream name their own.

    ``status=0`` means that the connection is reset before any byte. ``length_bytes`` is the announced length
    of a whole; a stream is chunked and has none.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[Piece, ...] = ()
    ending: Ending = Ending.CLEAN
    complete: bool = True
    usage: SimulatedUsage = SimulatedUsage()
    call_ids: tuple[str, ...] = ()
    length_bytes: int | None = None
    first_token_s: float = 0.0
    piece_pause_s: float = 0.0
    burst: bool = True
