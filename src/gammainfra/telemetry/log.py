"""The log: one line per settled Turn and per defect, as text or as JSON. Never a prompt, an answer or a key.

A line holds ids, names, counts, times and causes; what a provider said in an error was sanitised before.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Final, Literal

from gammainfra.domain.attempt import Absorbed, LegFailed
from gammainfra.domain.money import show_usd
from gammainfra.domain.record import RequestRecord
from gammainfra.telemetry.metrics import Metrics

_log: Final = logging.getLogger("gammainfra")


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Send the log to standard error."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(_Json() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.handlers[:] = [shown]
    _log.setLevel(level.upper())
    _log.propagate = False


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        row = {"at": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        row |= getattr(record, "facts", {})
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return json.dumps(row)


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
        """A mistake in our own code, with its traceback (which holds no values)."""
        self._metrics.defect()
        _log.error("defect in %s: %s", request_id, type(error).__name__, exc_info=error)


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
