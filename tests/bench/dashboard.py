"""How long the dashboard's pages take on a store of a million requests: ``python -m tests.bench.dashboard``.

The requests are made from a seed, straight into the tables, and summed by the product's own roll-ups. Server time is
what a page takes from the request to its last byte, reading and rendering included, without a network. ``--requests``
takes fewer; status 1 when a page takes longer than its goal.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gammainfra.app import App
from gammainfra.store import roll_up
from gammainfra.store.address import engine_at
from gammainfra.store.database import FILE_NAME, open_writer, transaction
from tests.asgi import ask
from tests.gateway_in_process import gateway

GOAL_MS: Final = 100.0
REQUESTS: Final = 1_000_000
SESSIONS: Final = 10_000
ROUNDS: Final = 5
BATCH: Final = 50_000
PLAN: Final = '{"candidates":[],"dropped":[]}'
_DAYS: Final = 60
_CLIENTS: Final = ("roo", "cline", "claude-code", "codex")
_MODELS: Final = (("anthropic", "claude-sonnet-4-6"), ("openai", "gpt-5.4-mini"), ("deepseek", "deepseek-v4-flash"))
_HERE: Final = {"host": "127.0.0.1"}


def main() -> int:
    """Fill, ask, print a table; the exit status."""
    parser = argparse.ArgumentParser(prog="tests.bench.dashboard", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "data").mkdir()
        began = time.perf_counter()
        fill(folder / "data" / FILE_NAME, asked.requests, seed=11)
        print(f"{asked.requests:,} requests in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        times_ms = asyncio.run(measure(folder))
    slow = {page: ms for page, ms in times_ms.items() if ms > GOAL_MS}
    print("| page | server time, ms (median) | goal |\n|---|---:|---:|")
    for page, ms in times_ms.items():
        print(f"| {page} | {ms:.1f} | {GOAL_MS:g} |")
    slowest_ms = max(times_ms.values())
    print(f"\nbench dashboard: {'FAIL' if slow else 'PASS'} requests={asked.requests} slowest_ms={slowest_ms:.1f}")
    return 1 if slow else 0


def fill(path: Path, n_requests: int, *, seed: int) -> None:
    """Write the requests and their attempts, and sum them up."""
    engine = engine_at(path)
    connection = open_writer(path)
    made = rows(n_requests, seed)
    done = 0
    while done < n_requests:
        batch = [next(made) for _ in range(min(BATCH, n_requests - done))]
        with transaction(connection):
            insert(connection, "requests", [request for request, _ in batch])
            insert(connection, "attempts", [one for _, attempts in batch for one in attempts])
            insert(connection, "plans", [{"seq": request["seq"], "plan": PLAN} for request, _ in batch])
            done += len(batch)
            roll_up.add_up(engine, connection, upto=done)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def insert(connection: sqlite3.Connection, table: str, made: list[dict[str, Any]]) -> None:
    """All of them at once."""
    names = tuple(made[0])
    marks = ", ".join(f":{name}" for name in names)
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", made)


def rows(n_requests: int, seed: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Requests with their attempts, oldest first, spread over the last days; every tenth one meets a failure."""
    dice = random.Random(seed)
    end_ms = int(time.time() * 1000)
    step_ms = _DAYS * 86_400_000 / n_requests
    for seq in range(1, n_requests + 1):
        at_ms = int(end_ms - (n_requests - seq) * step_ms)
        provider, model = _MODELS[dice.randrange(3)]
        failed, absorbed = dice.random() < 0.01, dice.random() < 0.1
        n_attempts = 2 if absorbed else 1
        task = seq * SESSIONS // n_requests
        tokens = {
            "input_tokens": dice.randrange(200, 4000), "cache_read_tokens": dice.randrange(60_000),
            "cache_write_tokens": 0, "cache_write_1h_tokens": 0,
            "output_tokens": dice.randrange(10, 900), "reasoning_tokens": 0, "usage_estimated": 0,
        }  # fmt: skip
        request = {
            "seq": seq, "id": f"gen-{seq:022}", "at_ms": at_ms, "ended_ms": at_ms + 900, "account_id": "local",
            "key_id": f"key-{task % 5}", "client": _CLIENTS[task % 4], "session_id": f"ses-{task:06}",
            "session_step": seq % 100, "session_by": "call_id", "dialect": "openai_chat", "asked": "gammainfra/auto",
            "provider": provider, "model": model, "endpoint": "" if failed else f"{provider}/{model}", "region": "",
            "stream": 1, "n_tools": 12, **tokens, "input_nano": tokens["input_tokens"] * 3000,
            "cache_read_nano": tokens["cache_read_tokens"] * 300, "cache_write_nano": 0,
            "output_nano": tokens["output_tokens"] * 15_000, "absorbed_nano": 900 if absorbed else 0, "fee_nano": 0,
            "latency_us": dice.randrange(300_000, 30_000_000), "ttft_us": dice.randrange(200_000, 3_000_000),
            "overhead_us": dice.randrange(300, 2000), "ending": "failed" if failed else "served",
            "status": 503 if failed else 200, "finish_reason": "tool_calls",
            "error_code": "all_providers_failed" if failed else "", "n_attempts": n_attempts,
            "absorbed_attempts": int(absorbed and not failed), "label": "code", "route_reason": "auto",
            "router_version": "v1", "dial": None, "preference": "", "dropped_params": "[]", "dropped_context": "[]",
            "idempotency_hash": "", "end_user": "",
        }  # fmt: skip
        attempts = [
            {
                "seq": seq, "ordinal": n, "number": n, "endpoint": f"{provider}/{model}", "provider": provider,
                "upstream_model": model, "key_id": f"{provider}-1", "started_us": n * 1000, "first_token_us": None,
                "ended_us": 500_000, "outcome": "served" if n == n_attempts and not failed else "absorbed",
                "cause": "" if n == n_attempts and not failed else "rate_limit", "message": "", "cancelled_by": "",
                "status": 200, "upstream_request_id": "", **tokens, "cost_nano": 0,
            }
            for n in range(1, n_attempts + 1)
        ]  # fmt: skip
        yield request, attempts


async def measure(folder: Path) -> dict[str, float]:
    """The median server time of every page, in milliseconds."""
    async with gateway(folder) as app:
        got = await ask(app.asgi, "GET", f"/dashboard/login?token={app.links.make()}", headers=_HERE)
        browser = {**_HERE, "cookie": got.headers["set-cookie"].split(";")[0]}
        times_ms = {}
        for name, path in pages_of(app).items():
            several = [await one_ms(app, path, browser) for _ in range(ROUNDS)]
            times_ms[name] = statistics.median(several)
        return times_ms


async def one_ms(app: App, path: str, browser: dict[str, str]) -> float:
    """One page; AssertionError when it is not shown."""
    began = time.perf_counter()
    got = await ask(app.asgi, "GET", path, headers=browser)
    took_ms = (time.perf_counter() - began) * 1000
    assert got.status == 200, (path, got.status, got.body[:200])
    return took_ms


def pages_of(app: App) -> dict[str, str]:
    """Every page; lists also far down, and with filters that match nothing."""
    task = app.reader.sessions("local", limit=1).rows[0]
    request = app.reader.session("local", task.id, 1)
    assert request is not None
    deep = int((time.time() - 50 * 86_400) * 1000)
    return {
        "overview, 7 days": "/dashboard?period=7d",
        "overview, 90 days by client": "/dashboard?period=90d&by=client",
        "requests": "/dashboard/requests",
        "requests, far down": f"/dashboard/requests?cursor={deep}.1",
        "requests of a key": "/dashboard/requests?key=key-1",
        "requests, failed": "/dashboard/requests?status=failed",
        "requests, matching nothing": "/dashboard/requests?min_cost=1000",
        "requests, a cause that never was": "/dashboard/requests?cause=billing",
        "request": f"/dashboard/requests/{request.steps.rows[0].id}",
        "sessions": "/dashboard/sessions",
        "sessions by cost, 90 days": "/dashboard/sessions?sort=cost&period=90d",
        "session": f"/dashboard/sessions/{task.id}",
        "usage, 90 days": "/dashboard/usage?period=90d",
        "usage, 24 hours by key": "/dashboard/usage?period=24h&by=key",
        "models": "/dashboard/models?all=1",
        "keys": "/dashboard/keys",
        "providers": "/dashboard/providers",
        "settings": "/dashboard/settings",
    }


if __name__ == "__main__":
    sys.exit(main())
