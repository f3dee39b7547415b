"""The command ``gammainfra simulate``: which servers listen where and what they say. It reads options and
waits for a signal; everything else is World.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from gammainfra.simulate.agent_task import AgentTask
from gammainfra.simulate.clients import CLIENTS
from gammainfra.simulate.control import read_schedule
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.schedule import Schedule
from gammainfra.simulate.script import Echo, Script
from gammainfra.simulate.server import VENDORS, ServerSpec
from gammainfra.simulate.world import World

DEFAULT_PORTS = {
    "openai": 9101,
    "anthropic": 9102,
    "deepseek": 9103,
    "mistral": 9104,
    "groq": 9105,
    "xai": 9106,
    "openrouter": 9107,
    "azure": 9108,
    "bedrock": 9109,
    "gemini": 9110,
    "vertex": 9111,
}
SCHEDULES = ("never", "always", "first-of-each-step", "seeded", "at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``gammainfra simulate``."""
    for vendor in VENDORS:
        parser.add_argument(
            f"--port-{vendor}",
            type=int,
            default=DEFAULT_PORTS[vendor],
            metavar="PORT",
            help=f"port of the simulated {vendor} (default {DEFAULT_PORTS[vendor]}; 0 picks one, -1 is off)",
        )
    parser.add_argument("--dialect", choices=sorted(CLIENTS), help="whose tools the script calls; none: echo")
    parser.add_argument("--steps", type=int, default=30, help="turns of the task (default 30)")
    parser.add_argument("--folder", default="", help="folder of the files, for clients with absolute paths")
    parser.add_argument("--parallel-every", type=int, default=0, help="two calls in every n-th step (default 0)")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help=f"fault to inject, may be repeated; with --schedule at as NUMBER=FAULT; {', '.join(Fault)}",
    )
    parser.add_argument("--schedule", choices=SCHEDULES, help="when (default always with --fault, else never)")
    parser.add_argument("--rate", type=float, default=0.1, help="share of faults with --schedule seeded")
    parser.add_argument("--seed", type=int, default=0, help="seed of ids and of --schedule seeded")
    parser.add_argument("--first-token-s", type=float, default=0.0, help="seconds before the first token")
    parser.add_argument("--tokens-per-s", type=float, default=0.0, help="speed; 0 is one burst (default)")
    parser.add_argument("--slow-first-token-s", type=float, default=30.0, help="pause of slow_first_token")
    parser.add_argument("--retry-after-s", type=int, default=1, help="Retry-After of rate_limit_retry_after")


def build_world(options: argparse.Namespace) -> World:
    """The world that the options describe; ValueError if they contradict each other."""
    ports = {vendor: int(getattr(options, f"port_{vendor}")) for vendor in VENDORS}
    servers = [ServerSpec(vendor, port=port) for vendor, port in ports.items() if port >= 0]
    if not servers:
        raise ValueError("every server is off")
    pace = Pace(
        first_token_s=options.first_token_s,
        tokens_per_s=options.tokens_per_s,
        slow_first_token_s=options.slow_first_token_s,
        retry_after_s=options.retry_after_s,
    )
    return World(servers, script=_read_script(options), schedule=_read_schedule(options), pace=pace, seed=options.seed)


def _read_script(options: argparse.Namespace) -> Script:
    if options.dialect is None:
        return Echo()
    return AgentTask(
        steps=options.steps,
        client=options.dialect,
        folder=options.folder,
        parallel_every=options.parallel_every,
    )


def _read_schedule(options: argparse.Namespace) -> Schedule:
    kind = options.schedule or ("always" if options.fault else "never")
    if kind == "at":
        numbered = [item.partition("=") for item in options.fault]
        faults: dict[str, str] | list[str] = {number: name for number, _, name in numbered}
    else:
        faults = options.fault
    if kind != "never" and not faults:
        raise ValueError(f"--schedule {kind} needs --fault")
    return read_schedule({"kind": kind, "faults": faults, "seed": options.seed, "rate": options.rate})


async def serve_forever(
    options: argparse.Namespace,
    announce: Callable[[str], None] = lambda line: print(line, flush=True),  # noqa: T201 - the command's output
    stop: asyncio.Event | None = None,
) -> None:
    """Listens until ``stop`` is set or SIGINT or SIGTERM arrives; announces each base URL in one line."""
    stopped = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(RuntimeError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(number, stopped.set)
    async with build_world(options) as world:
        for server in world:
            announce(f"{server.name} {server.base_url}")
        await stopped.wait()


def run(options: argparse.Namespace) -> int:
    """Runs the command; 2 when the options make no sense or a port is taken."""
    try:
        asyncio.run(serve_forever(options))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"gammainfra simulate: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
