"""How requests would be routed, and how endpoints do: ``POST /v1/routes/explain`` and ``GET /v1/health``.

Both need a key, like everything under ``/v1``. Nobody is asked and nothing is stored. Keys of ours at providers are
named by their ids, never shown.
"""

from __future__ import annotations

from typing import Final

from gammainfra.domain.health import EndpointReport, HealthReport, KeyReport
from gammainfra.domain.policy import Policy
from gammainfra.gateway.services import Services
from gammainfra.gateway.state.health_report import report
from gammainfra.routing.explain import explain
from gammainfra.routing.options import read_options
from gammainfra.routing.plan import plan
from gammainfra.sessions.name import name
from gammainfra.web.answers import answer_json, show_time
from gammainfra.web.incoming import Incoming
from gammainfra.wire import openai_chat

EXPLAIN: Final = "/v1/routes/explain"
HEALTH: Final = "/v1/health"


class Routes:
    """The two routes."""

    def __init__(self, on: Services) -> None:
        self._on = on

    async def health(self, request: Incoming) -> None:
        """Every endpoint that was asked since the start, and the last changes of state, oldest first."""
        self._on.accounts.authenticate(request.credential)
        shown = self._report()
        await answer_json(
            request,
            {
                "at": show_time(shown.at),
                "endpoints": [show_endpoint(one) for one in shown.endpoints],
                "changes": [
                    {
                        "at": show_time(one.at),
                        "endpoint": one.endpoint,
                        "before": one.before,
                        "after": one.after,
                        "reason": one.reason,
                    }
                    for one in shown.changes
                ],
            },
        )

    async def explain(self, request: Incoming) -> None:
        """The plan of a chat request, as it would be made now, with the health of all that is named in it.

        The body and the headers are those of ``POST /v1/chat/completions``; so are the refusals.
        """
        on = self._on
        at = on.clock.wall()
        caller = on.accounts.authenticate(request.credential)
        with on.admission.admit(caller, request.content_length) as permit:
            sketch = openai_chat.CLIENT.sketch(await request.body(permit))
        task = name(request.headers, sketch, caller, on.sessions, at)
        made = plan(
            sketch, read_options(request.headers), Policy(caller.key.allowed_models), on.roster,
            health=on.health.snapshot(), session=on.sessions.view(caller.account_id, task),
            now=on.clock.now(), wall=at,
        )  # fmt: skip
        named = {one.endpoint.name for one in made.candidates} | {one.endpoint for one in made.dropped}
        health = [show_endpoint(one) for one in self._report().endpoints if one.endpoint in named]
        await answer_json(request, {"plan": explain(made), "health": health})

    def _report(self) -> HealthReport:
        return report(self._on.health, self._on.clock.now(), self._on.clock.wall())


def show_endpoint(one: EndpointReport) -> dict[str, object]:
    """One endpoint as JSON values; what is not known is None."""
    return {
        "endpoint": one.endpoint,
        "provider": one.provider,
        "state": one.state,
        "reason": one.reason or None,
        "since": _time(one.since),
        "until": _time(one.until),
        "in_flight": one.in_flight,
        "error_rate": round(one.error_rate, 3),
        "ttft_p50_ms": _rounded(one.ttft_p50_ms),
        "ttft_p95_ms": _rounded(one.ttft_p95_ms),
        "tokens_per_s": _rounded(one.tokens_per_s),
        "keys": [_show_key(key) for key in one.keys],
    }


def _show_key(key: KeyReport) -> dict[str, object]:
    return {
        "id": key.id,
        "state": key.state,
        "reason": key.reason or None,
        "since": _time(key.since),
        "until": _time(key.until),
        "in_flight": key.in_flight,
        "limit": key.limit,
        "left": _rounded(key.left, 3),
        "errors": {name: round(share, 3) for name, share in sorted(key.errors.items())},
    }


def _time(at: float | None) -> str | None:
    return None if at is None else show_time(at)


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
