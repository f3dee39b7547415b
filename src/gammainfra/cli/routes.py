"""The command ``gammainfra routes explain MODEL``: who would be asked for a request, in which order, and why.

With a key it asks the running gateway, which knows how its endpoints do; without one, or when none runs, it plans from
the settings alone. It asks no provider and decides nothing itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gammainfra.app import UNUSABLE, catalog_of, hosts_of
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.domain.failure import Refused
from gammainfra.domain.health import HealthSnapshot
from gammainfra.domain.policy import Policy
from gammainfra.routing.explain import explain
from gammainfra.routing.options import read_options
from gammainfra.routing.plan import plan
from gammainfra.routing.roster import enrol
from gammainfra.settings import Settings
from gammainfra.wire import openai_chat

KEY_VARIABLE: Final = "GAMMAINFRA_API_KEY"
PATH: Final = "/v1/routes/explain"
_WAIT_S: Final = 10.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, nobody can ask
_TOOL: Final = {"type": "function", "function": {"name": "tool", "parameters": {"type": "object"}}}


class _NoGateway(Exception):
    """Nothing answers there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``explain MODEL`` and what the request would hold."""
    add_settings(parser)
    parser.add_argument("action", choices=["explain"])
    parser.add_argument("model", nargs="?", help="the model to ask for, such as gammainfra/auto")
    parser.add_argument("--prompt", default="Hello", metavar="TEXT", help="the user's words")
    parser.add_argument("--tools", action="store_true", help="as a step of an agent")
    parser.add_argument("--body", type=Path, metavar="FILE", help="a whole chat request as JSON instead")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="an X-GammaInfra header")
    parser.add_argument("--url", help="where the gateway is (default: the host and port of the settings)")
    parser.add_argument("--key", help=f"an API key of the gateway (default: {KEY_VARIABLE})")
    parser.add_argument("--offline", action="store_true", help="plan from the settings, ask no gateway")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; the status is 1 when there is none."""
    key = arguments.key or os.environ.get(KEY_VARIABLE, "")
    try:
        body, headers = _body(arguments), _headers(arguments.header)
        settings = settings_of(arguments)
        shown = None if arguments.offline else _asked(arguments.url or _address(settings), key, body, headers)
        source = "the running gateway"
        if shown is None:
            shown, source = _planned(settings, body, headers), "the settings alone, without any health"
    except UNUSABLE as error:
        return complain(str(error))
    except Refused as refused:
        return complain(refused.message)
    except ValueError as error:
        return complain(str(error))
    print(json.dumps({"source": source, **shown}, indent=2) if arguments.json else as_text(source, shown))
    return 0


# ---- the request -----------------------------------------------------------------------------------------------------
def _body(arguments: argparse.Namespace) -> bytes:
    if arguments.body is not None:
        try:
            given: bytes = arguments.body.read_bytes()
        except OSError as error:
            raise ValueError(f"{arguments.body} cannot be read: {error.strerror}") from error
        return given
    if not arguments.model:
        raise ValueError("say which model, as in: gammainfra routes explain gammainfra/auto")
    body: dict[str, object] = {
        "model": arguments.model,
        "messages": [{"role": "user", "content": arguments.prompt}],
        "stream": True,
    }
    return json.dumps({**body, "tools": [_TOOL]} if arguments.tools else body).encode()


def _headers(given: list[str]) -> dict[str, str]:
    headers = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"--header {line!r} is no header: write NAME:VALUE")
        headers[name.strip().lower()] = value.strip()
    return headers


# ---- who knows -------------------------------------------------------------------------------------------------------
def _address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.server.host, settings.server.host)
    return f"http://[{host}]:{settings.server.port}" if ":" in host else f"http://{host}:{settings.server.port}"


def _asked(url: str, key: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any] | None:
    """What the running gateway says; None, with a note, when it cannot be asked. Raises ValueError for a refusal."""
    if not key:
        complain(f"no gateway was asked: give --key or {KEY_VARIABLE} to see how its endpoints do")
        return None
    try:
        status, answer = _post(url, body, {**headers, "authorization": f"Bearer {key}"})
    except _NoGateway:
        complain(f"no gateway answers at {url}")
        return None
    if "error" in answer:
        raise ValueError(f"the gateway at {url} says {status}: {answer['error'].get('message', '')}")
    return answer


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=_WAIT_S)
        try:
            connection.request("POST", PATH, body, {"content-type": "application/json", **headers})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _NoGateway from error
    if not isinstance(answer, dict):
        raise _NoGateway
    return response.status, answer


def _planned(settings: Settings, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    hosts = hosts_of(settings.providers)
    roster = enrol(catalog_of(settings, hosts))
    made = plan(
        openai_chat.CLIENT.sketch(body), read_options(headers), Policy(), roster,
        health=HealthSnapshot(), session=None, now=0.0, wall=time.time(),
    )  # fmt: skip
    return {"plan": explain(made), "health": []}


# ---- in words --------------------------------------------------------------------------------------------------------
def as_text(source: str, shown: Mapping[str, Any]) -> str:
    """The plan for people."""
    made = shown["plan"]
    decided = f"route reason {made['route_reason']}"
    decided += f", label {made['task_label']}" if made["task_label"] else ""
    decided += f", dial {made['cost_quality_applied']:g}" if made["cost_quality_applied"] is not None else ""
    lines = [f"{made['asked']}: {decided} (from {source})", "", "asked in this order:"]
    lines += [f"  {place}. {_candidate(one)}" for place, one in enumerate(made["candidates"], 1)]
    if made["dropped"]:
        lines += ["", "not asked:", *[f"  {one['endpoint']}: {one['reason']}" for one in made["dropped"]]]
    if shown["health"]:
        lines += ["", "health:"]
        for endpoint in shown["health"]:
            lines.append(f"  {endpoint['endpoint']}: {_health(endpoint)}")
            lines += [f"    {key['id']}: {_key(key)}" for key in endpoint["keys"]]
    return "\n".join(lines)


def _candidate(one: Mapping[str, Any]) -> str:
    costs = "" if one["expected_cost_usd"] is None else f", about {one['expected_cost_usd']} USD"
    costs += "" if one["cost_bound_usd"] is None else f", at most {one['cost_bound_usd']} USD"
    return f"{one['endpoint']}: {one['reason']}, score {one['score']:g}{costs}"


def _health(one: Mapping[str, Any]) -> str:
    said = [_state(one), f"{one['error_rate']:.0%} errors", f"{one['in_flight']} in flight"]
    if one["ttft_p50_ms"] is not None:
        said.append(f"first token {one['ttft_p50_ms']:g} ms (p95 {one['ttft_p95_ms']:g} ms)")
    if one["tokens_per_s"] is not None:
        said.append(f"{one['tokens_per_s']:g} tokens/s")
    return ", ".join(said)


def _key(key: Mapping[str, Any]) -> str:
    said = [_state(key), f"{key['in_flight']} in flight"]
    if key["limit"] is not None:
        said.append(f"carries {key['limit']} at once")
    if key["left"] is not None:
        said.append(f"{key['left']:.0%} of its limits left")
    said += [f"{share:.0%} {name}" for name, share in key["errors"].items()]
    return ", ".join(said)


def _state(one: Mapping[str, Any]) -> str:
    said = f"{one['state']}".replace("_", "-") + (f" ({one['reason']})" if one["reason"] else "")
    return said + (f" until {one['until']}" if one["until"] else "")
