"""The request log (C7b): ``GET /v1/requests``, newest first, a page at a time, as JSON or CSV.

It shows what is stored of each request and holds no text of a prompt or an answer, as none is stored (C91).
"""

from __future__ import annotations

import math
from typing import Final, cast, get_args

from gammainfra.domain import limits
from gammainfra.domain.attempt import Ending
from gammainfra.gateway.services import Services
from gammainfra.store.reader import Reader, RequestFilter
from gammainfra.store.rows import RequestRow
from gammainfra.web.answers import TOKENS, Columns, answer_csv, answer_list, fields, money, show_time
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import Parameters, invalid, read_parameters
from gammainfra.web.reads import Reads

PATH: Final = "/v1/requests"
USUAL_ROWS: Final = 50
_FILTERS: Final = ("key", "session", "from", "to", "model", "provider", "client", "ending", "rescued")
_KNOWN: Final = (*_FILTERS, "cursor", "limit", "format")

COLUMNS: Final[Columns[RequestRow]] = {
    "id": lambda row: row.id,
    "created_at": lambda row: show_time(row.at),
    "key_id": lambda row: row.key_id,
    "session_id": lambda row: row.session_id,
    "session_step": lambda row: row.session_step,
    "session_by": lambda row: row.session_by,
    "client": lambda row: row.client,
    "dialect": lambda row: row.dialect,
    "asked": lambda row: row.asked,
    "endpoint": lambda row: row.endpoint or None,
    "provider": lambda row: row.provider,
    "model": lambda row: row.model,
    "region": lambda row: row.region or None,
    "stream": lambda row: row.stream,
    "n_tools": lambda row: row.n_tools,
    **TOKENS,
    "usage_estimated": lambda row: row.usage.estimated,
    "cost_usd": lambda row: money(row.cost_nano),
    "absorbed_usd": lambda row: money(row.absorbed_nano),
    "fee_usd": lambda row: money(row.fee_nano),
    "latency_ms": lambda row: row.latency_ms,
    "ttft_ms": lambda row: row.ttft_ms,
    "overhead_ms": lambda row: row.overhead_ms,
    "ending": lambda row: row.ending,
    "status": lambda row: row.status,
    "finish_reason": lambda row: row.finish_reason or None,
    "error_code": lambda row: row.error_code or None,
    "attempts": lambda row: row.n_attempts,
    "absorbed_attempts": lambda row: row.absorbed_attempts,
    "task_label": lambda row: row.label or None,
    "route_reason": lambda row: row.route_reason,
    "router_version": lambda row: row.router_version,
    "cost_quality_applied": lambda row: row.dial,
    "preference": lambda row: row.preference or None,
    "dropped_params": lambda row: row.dropped_params,
    "dropped_context": lambda row: row.dropped_context,
    "user": lambda row: row.user or None,
}


class RequestLog:
    """The route."""

    def __init__(self, on: Services, reader: Reader, reads: Reads) -> None:
        self._on = on
        self._reader = reader
        self._reads = reads

    async def answer(self, request: Incoming) -> None:
        """``{"object": "list", "data": [...], "cursor"}``, or CSV with the cursor in a header."""
        caller = self._on.accounts.authenticate(request.credential)
        asked = read_parameters(request, _KNOWN)
        wanted, cursor = _filter(asked, caller.account_id), asked.cursor(counted=True)
        as_csv = asked.wants_csv(request)
        limit = asked.count("limit", limits.PAGE_ROWS if as_csv else USUAL_ROWS, limits.PAGE_ROWS)
        page = await self._reads.read(lambda: self._reader.requests(wanted, cursor, limit))
        rows = [fields(row, COLUMNS) for row in page.rows]
        if as_csv:
            await answer_csv(request, tuple(COLUMNS), rows, page.cursor)
        else:
            await answer_list(request, rows, page.cursor)


def span(asked: Parameters) -> tuple[float, float]:
    """``from`` and ``to`` in epoch seconds, all of time when they are left out; Refused 400."""
    since, until = asked.time("from"), asked.time("to")
    since, until = 0.0 if since is None else since, math.inf if until is None else until
    if since >= until:
        raise invalid("from is not before to: the span from..to leaves its end out", "from")
    return since, until


def _filter(asked: Parameters, account_id: str) -> RequestFilter:
    since, until = span(asked)
    rescued = asked.choice("rescued", ("true", "false"))
    return RequestFilter(
        account_id,
        key_id=asked.text("key"),
        session_id=asked.text("session"),
        since=since,
        until=until,
        model=asked.text("model"),
        provider=asked.text("provider"),
        client=asked.text("client"),
        ending=cast("Ending | None", asked.choice("ending", get_args(Ending))),
        rescued=None if rescued is None else rescued == "true",
    )
