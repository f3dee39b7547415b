"""The settled record of one answer (C7): ``GET /v1/generation?id=``, OpenRouter's shape and what we know beyond it.

What the header, the closing chunk and this record say of an answer comes from one settlement, so they cannot disagree.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.domain import limits
from gammainfra.domain.bill import Bill
from gammainfra.domain.failure import Refused
from gammainfra.gateway.services import Services
from gammainfra.store.engine import StoreUnusable
from gammainfra.store.reader import Reader
from gammainfra.store.rows import AttemptRow, RequestDetail, RequestRow
from gammainfra.web.answers import TOKENS, answer_json, cache_share, fields, money, show_time
from gammainfra.web.incoming import Incoming
from gammainfra.web.parameters import invalid, read_parameters
from gammainfra.web.reads import Reads
from gammainfra.web.request_log import COLUMNS
from gammainfra.wire.cost import cost_fields

PATH: Final = "/v1/generation"
_ID: Final = re.compile(r"(?:gen-|msg_|resp_)([0-9A-Za-z]{22})", re.ASCII)


class _Candidate(msgspec.Struct):
    """What is needed of a stored plan's candidate."""

    endpoint: str
    model: str


class _Plan(msgspec.Struct):
    """What is needed of a stored plan."""

    candidates: tuple[_Candidate, ...] = ()


class Generation:
    """The route. ``flush`` waits at most so many seconds until what is queued is written, or raises TimeoutError."""

    def __init__(self, on: Services, reader: Reader, reads: Reads, flush: Callable[[float], None]) -> None:
        self._on = on
        self._reader = reader
        self._reads = reads
        self._flush = flush

    async def answer(self, request: Incoming) -> None:
        """``{"data": {...}}``; Refused 404 when this account has no such answer."""
        caller = self._on.accounts.authenticate(request.credential)
        given = read_parameters(request, ("id",)).text("id")
        found = None if given is None else _ID.fullmatch(given)
        if found is None:
            form = "gen-, msg_ or resp_ and 22 letters and digits, as in the answer's id or its x-request-id"
            raise invalid(f"id is not an answer's: write ?id= and {form}", "id")
        generation_id = "gen-" + found[1]
        detail = await self._reads.read(lambda: self._find(caller.account_id, generation_id))
        if detail is None:
            message = (
                f"No answer {given} is stored for this account: use the id of an answer that this gateway gave to a "
                "key of yours, and ask when the answer has ended."
            )
            raise Refused(404, "generation_not_found", message, "id", retry=False)
        await answer_json(request, {"data": {**_openrouter(detail), **_ours(detail)}})

    def _find(self, account_id: str, generation_id: str) -> RequestDetail | None:
        """Look, and look again when what is queued was written: an agent may ask as soon as its answer ended."""
        detail = self._reader.generation(account_id, generation_id)
        if detail is None:
            with contextlib.suppress(TimeoutError, StoreUnusable):
                self._flush(limits.RECORD_AWAIT_S)
            detail = self._reader.generation(account_id, generation_id)
        return detail


def _openrouter(detail: RequestDetail) -> dict[str, Any]:
    """OpenRouter's fields; its native counts are ours, as tokens are only ever counted by who served."""
    row, usage = detail.request, detail.request.usage
    return {
        "id": row.id,
        "model": _model_id(detail),
        "provider_name": row.provider,
        "total_cost": money(row.cost_nano),
        "usage": money(row.cost_nano),
        "is_byok": False,
        "created_at": show_time(row.at),
        "streamed": row.stream,
        "cancelled": row.ending in {"abandoned", "stopped"},
        "finish_reason": row.finish_reason or None,
        "latency": row.latency_ms,
        "generation_time": None if row.ttft_ms is None else max(0.0, row.latency_ms - row.ttft_ms),
        "tokens_prompt": usage.prompt_tokens,
        "tokens_completion": usage.completion_tokens,
        "native_tokens_prompt": usage.prompt_tokens,
        "native_tokens_completion": usage.completion_tokens,
        "native_tokens_reasoning": usage.reasoning_tokens,
        "native_tokens_cached": usage.cache_read_tokens,
        "external_user": row.user or None,
    }


def _ours(detail: RequestDetail) -> dict[str, Any]:
    """The line of the request log (its ``model`` is in ``endpoint``), the bill, the attempts and the plan."""
    row = detail.request
    line = {name: value for name, value in fields(row, COLUMNS).items() if name not in {"id", "created_at", "model"}}
    return line | {
        "cost_details": _cost_details(row),
        "cache_share": cache_share(row.usage),
        "attempts": [_attempt(attempt) for attempt in detail.attempts],
        "plan": Raw(detail.plan.encode()),
    }


def _cost_details(row: RequestRow) -> object:
    """The lines of the bill, as the answer's own ``usage.cost_details`` has them."""
    return cost_fields(Bill(row.usage, row.charge, row.absorbed_nano, row.fee_nano)).get("cost_details")


def _attempt(attempt: AttemptRow) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "endpoint": attempt.endpoint,
        "provider": attempt.provider,
        "upstream_model": attempt.upstream_model,
        "outcome": attempt.outcome,
        "cause": attempt.cause or None,
        "message": attempt.message or None,
        "cancelled_by": attempt.cancelled_by or None,
        "status": attempt.status,
        "upstream_request_id": attempt.upstream_request_id or None,
        "started_ms": attempt.started_ms,
        "first_token_ms": attempt.first_token_ms,
        "ended_ms": attempt.ended_ms,
        **fields(attempt, TOKENS),
        "usage_estimated": attempt.usage.estimated,
        "cost_usd": money(attempt.cost_nano),
    }


def _model_id(detail: RequestDetail) -> str:
    """The model as it can be asked for again, from the plan: the row holds its name without the vendor."""
    row = detail.request
    name = row.endpoint or f"{row.provider}/{row.model}"
    candidates = msgspec.json.decode(detail.plan, type=_Plan).candidates
    return next((one.model for one in candidates if one.endpoint == name), name)
