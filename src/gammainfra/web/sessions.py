"""Agent tasks (C8): ``GET /v1/sessions`` and ``GET /v1/sessions/{id}``, with what each step cost and all together."""

from __future__ import annotations

from typing import Final

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.gateway.services import Services
from gammainfra.store.reader import Reader
from gammainfra.store.rows import SessionRow
from gammainfra.web.answers import (
    TOKENS,
    Cell,
    Columns,
    answer_csv,
    answer_json,
    answer_list,
    cache_share,
    fields,
    money,
    show_time,
)
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import read_parameters
from gammainfra.web.reads import Reads
from gammainfra.web.request_log import COLUMNS as REQUEST_COLUMNS
from gammainfra.web.request_log import USUAL_ROWS, span

PATH: Final = "/v1/sessions"
_KNOWN: Final = ("from", "to", "cursor", "limit", "format")
_STEPS: Final = 200

COLUMNS: Final[Columns[SessionRow]] = {
    "id": lambda row: row.id,
    "named_by": lambda row: row.named_by,
    "client": lambda row: row.client,
    "endpoint": lambda row: row.endpoint or None,
    "task_label": lambda row: row.label or None,
    "started_at": lambda row: show_time(row.started_at),
    "last_at": lambda row: show_time(row.last_at),
    "requests": lambda row: row.requests,
    "steps": lambda row: row.steps,
    "failed": lambda row: row.failed,
    "rescued": lambda row: row.rescued,
    "unpriced": lambda row: row.unpriced,
    "attempts": lambda row: row.attempts,
    "absorbed_attempts": lambda row: row.absorbed_attempts,
    **TOKENS,
    "cache_share": lambda row: cache_share(row.usage),
    "cost_usd": lambda row: money(row.cost_nano),
    "absorbed_usd": lambda row: money(row.absorbed_nano),
    "fee_usd": lambda row: money(row.fee_nano),
    "latency_ms": lambda row: row.latency_ms,
}


class Sessions:
    """The routes."""

    def __init__(self, on: Services, reader: Reader, reads: Reads) -> None:
        self._on = on
        self._reader = reader
        self._reads = reads

    async def every(self, request: Incoming) -> None:
        """Tasks by their last activity, newest first; ``from`` and ``to`` are about that activity."""
        account_id = self._on.accounts.authenticate(request.credential).account_id
        asked = read_parameters(request, _KNOWN)
        since, until = span(asked)
        cursor = asked.cursor(counted=False)
        as_csv = asked.wants_csv(request)
        limit = asked.count("limit", limits.PAGE_ROWS if as_csv else USUAL_ROWS, limits.PAGE_ROWS)
        page = await self._reads.read(
            lambda: self._reader.sessions(account_id, cursor, limit, since=since, until=until)
        )
        rows = [fields(row, COLUMNS) for row in page.rows]
        if as_csv:
            await answer_csv(request, tuple(COLUMNS), rows, page.cursor)
        else:
            await answer_list(request, rows, page.cursor)

    async def one(self, request: Incoming) -> None:
        """One task, and in ``log`` its requests, newest first; Refused 404 when this account has no such task."""
        account_id = self._on.accounts.authenticate(request.credential).account_id
        asked = read_parameters(request, ("limit",))
        limit = asked.count("limit", _STEPS, limits.PAGE_ROWS)
        session_id = request.path.removeprefix(PATH + "/")
        detail = await self._reads.read(lambda: self._reader.session(account_id, session_id, limit))
        if detail is None:
            message = "This account has no such session: see GET /v1/sessions, or an answer's x-gammainfra-session-id."
            raise Refused(404, "session_not_found", message, "id", retry=False)
        log: list[dict[str, Cell]] = [fields(row, REQUEST_COLUMNS) for row in detail.steps.rows]
        page = {"object": "list", "data": log, "cursor": detail.steps.cursor}
        await answer_json(request, {"object": "session", **fields(detail.session, COLUMNS), "log": page})
