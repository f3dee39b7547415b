"""The log: one line per settled Turn and per defect, as text or as JSON. Never a prompt, an answer or a key.

A line holds ids, names, counts, times and causes; what a provider said in an error was sanitised before.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Final, Literal

from gammainfra.domain.attempt import Absorbed, LegFailed
from gammainfra.domain.money import show_usd
from gammainfra.domain.record import RequestRecord
from gammainfra.telemetry.metrics import Metrics

_log: Final = logging.getLogger("gammainfra")
_LIBRARIES: Final = ("uvicorn.error", "aiohttp")  # they warn on their own; nothing they say holds content
_CAUSES, _FRAMES = 4, 20  # how much of a defect's history is logged


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Send the log to standard error, with what the libraries below us warn of."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
    _log.setLevel(level.upper())
    for log in (_log, *map(logging.getLogger, _LIBRARIES)):
        log.handlers[:] = [shown]
        log.propagate = False


class _Text(logging.Formatter):
    """A line for people; of a defect, also where it is."""

    def format(self, record: logging.LogRecord) -> str:
        where = getattr(record, "traceback", "")
        return f"{super().format(record)}\n{where}" if where else super().format(record)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        row = {"at": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        row |= getattr(record, "facts", {})
        if hasattr(record, "traceback"):
            row["traceback"] = record.traceback
        return json.dumps(row)


def note_loop_defect(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """For asyncio's ``set_exception_handler``: what nobody waited for failed."""
    del loop
    error = context.get("exception")
    if error is None:
        _log.error("defect: %s", context.get("message", ""))
    else:
        _note_defect("the event loop", error)


def _note_defect(place: str, error: BaseException) -> None:
    """Types and places only: the words of an exception may quote what it could not read, and that may be a prompt."""
    _log.error("defect in %s: %s", place, type(error).__name__, extra={"traceback": _where(error)})


def _where(error: BaseException) -> str:
    places: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(places) < _CAUSES:
        lines = traceback.extract_tb(cause.__traceback__)[-_FRAMES:]
        places.append("\n".join(f"  {one.filename}:{one.lineno} in {one.name}" for one in lines))
        cause = cause.__cause__ or cause.__context__
        if cause is not None:
            places[-1] += f"\nafter {type(cause).__name__}"
    return "\n".join(places)


class Observed:
    """Implements gateway.means.Observer: feeds the metrics and writes the log."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def turn_ended(self, record: RequestRecord) -> None:
        """One line: warning when the caller got an error, info otherwise."""
        self._metrics.turn_ended(record)
        level = logging.INFO if record.ending in {"served", "abandoned"} else logging.WARNING
        if _log.isEnabledFor(level):
            facts = _facts(record)
            text = " ".join(f"{name}={value}" for name, value in facts.items() if value not in {"", None})
            _log.log(level, "%s", text, extra={"facts": facts})

    def defect(self, request_id: str, error: BaseException) -> None:
        """A mistake in our own code, and where it is."""
        self._metrics.defect()
        _note_defect(request_id, error)


def _facts(record: RequestRecord) -> dict[str, object]:
    absorbed = [one.outcome.failure for one in record.attempts if isinstance(one.outcome, Absorbed | LegFailed)]
    return {
        "id": record.id,
        "ending": record.ending,
        "asked": record.asked,
        "served": f"{record.provider}/{record.model}" if record.ending == "served" else "",
        "attempts": len(record.attempts),
        "met": ",".join(failure.cause for failure in absorbed),
        "error": record.error_code,
        "session": record.session_id,
        "client": record.client,
        "latency_ms": round(record.latency_ms),
        "overhead_ms": round(record.overhead_ms, 2),
        "cost_usd": None if record.charge is None else show_usd(record.charge.total_nano),
    }
