"""The simulator's own routes: ``GET /_log``, ``POST /_script``, ``POST /_reset``. They need no key, since
everything here listens on loopback only; they never appear in the log.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from aiohttp import web

from gammainfra.simulate.agent_task import AgentTask
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.log import Log
from gammainfra.simulate.reply import Ending
from gammainfra.simulate.schedule import Always, At, FirstOfEachStep, Never, Schedule, Seeded
from gammainfra.simulate.script import Echo, Fixed, Raw, Script, ToolCall, Turn

Given = Mapping[str, Any]


class Controlled(Protocol):
    """What the routes may see and change of a server."""

    name: str
    log: Log
    in_flight: int
    script: Script
    schedule: Schedule

    def reset(self) -> None:
        """Forgets what happened."""
        ...


def read_script(given: Given) -> Script:
    """A script from JSON: ``{"kind": "agent_task" | "echo" | "fixed" | "raw", ...}``, or ValueError.

    ``agent_task`` takes the arguments of AgentTask; ``fixed`` takes text, thinking and calls, a list of
    ``{"name", "arguments"}``; ``raw`` takes status, headers, body or body_base64, chunk_bytes, ending.
    """
    fields = {name: value for name, value in given.items() if name != "kind"}
    try:
        match given.get("kind"):
            case "agent_task":
                return AgentTask(**fields)
            case "echo":
                return Echo()
            case "fixed":
                calls = tuple(ToolCall(call["name"], call.get("arguments", {})) for call in fields.get("calls", ()))
                return Fixed(Turn(fields.get("text", ""), fields.get("thinking", ""), calls))
            case "raw":
                return Fixed(_read_raw(fields))
            case kind:
                raise ValueError(f"script kind {kind!r} is none of agent_task, echo, fixed, raw")
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"script: {error}") from error


def _read_raw(fields: Given) -> Raw:
    body = fields.get("body", "").encode() or base64.b64decode(fields.get("body_base64", ""))
    headers = fields.get("headers", {"content-type": "text/event-stream; charset=utf-8"})
    return Raw(
        status=fields.get("status", 200),
        headers=tuple(headers.items()),
        body=body,
        chunk_bytes=fields.get("chunk_bytes", 0),
        ending=Ending(fields.get("ending", "clean")),
    )


def read_schedule(given: Given) -> Schedule:
    """A schedule from JSON: ``{"kind": "never" | "always" | "at" | "first-of-each-step" | "seeded", ...}``.

    ``faults`` is a list of fault names (``always`` takes the first), for ``at`` an object number to name;
    ``seeded`` takes seed and rate too. ValueError if it is none.
    """
    named = given.get("faults", ())
    try:
        if isinstance(named, Mapping):
            return At({int(number): Fault(name) for number, name in named.items()})
        faults = tuple(Fault(name) for name in named)
        match given.get("kind"):
            case "never":
                return Never()
            case "always":
                return Always(faults[0])
            case "first-of-each-step":
                return FirstOfEachStep(faults)
            case "seeded":
                return Seeded(int(given.get("seed", 0)), float(given.get("rate", 0.1)), faults)
            case kind:
                raise ValueError(f"schedule kind {kind!r} is none of never, always, at, first-of-each-step, seeded")
    except (TypeError, IndexError) as error:
        raise ValueError(f"schedule: {error}") from error


def add_routes(app: web.Application, server: Controlled) -> None:
    """Adds the three routes for this server."""

    async def show_log(request: web.Request) -> web.Response:
        del request
        shown = {
            "server": server.name,
            "appended": server.log.appended,
            "in_flight": server.in_flight,
            "records": [record.render() for record in server.log],
        }
        return web.Response(body=msgspec.json.encode(shown), content_type="application/json")

    async def set_script(request: web.Request) -> web.Response:
        try:
            given = msgspec.json.decode(await request.read(), type=dict[str, Any])
            schedule = read_schedule(given.pop("schedule")) if "schedule" in given else server.schedule
            script = read_script(given) if given else server.script
        except ValueError as error:
            body = msgspec.json.encode({"error": str(error)})
            return web.Response(status=400, body=body, content_type="application/json")
        server.script, server.schedule = script, schedule
        return web.Response(status=204)

    async def reset(request: web.Request) -> web.Response:
        del request
        server.reset()
        return web.Response(status=204)

    app.router.add_get("/_log", show_log)
    app.router.add_post("/_script", set_script)
    app.router.add_post("/_reset", reset)
