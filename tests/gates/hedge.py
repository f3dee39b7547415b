"""gate-hedge: where endpoints are now and then very slow, a second leg takes the tail away and costs next to nothing.

The first part runs the whole gateway on a virtual clock against two providers with a heavy tail, with hedging and
without, on the same dice: exact and fast. The second runs it as a process on loopback, where sockets really close.
Passed is: the 99th percentile of the time to the first token falls by 60 % at 5 % more requests or fewer; nothing a
client got came from a leg with an error; every loser was closed when the winner spoke, and stands in the books.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from gammainfra.domain.attempt import Cancelled
from gammainfra.domain.policy import NO_HEDGING, Hedging
from gammainfra.domain.record import RequestRecord
from gammainfra.simulate import Fault, Fixed, Pace, Seeded, ServerSpec, Turn, World
from gammainfra.wire import openai_chat
from tests.clients.gateway import KEY, read_books, running
from tests.conversations.playbook import After, Ask, Book, ask
from tests.conversations.saying import begin, error, finish, text

LEAST_CUT_PCT: Final = 60.0
MOST_EXTRA_PCT: Final = 5.0
CLOSED_WITHIN_S: Final = 0.05
ERROR_TEXT: Final = "words of a broken leg"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run came to. Times are seconds to the first token, sorted."""

    ttft_s: Sequence[float]
    extra: float  # further dispatches beside the first, of those that were hedges, as a share of the requests
    error_wins: int
    losers: int
    open_losers: int  # losers that were not closed in time
    unbooked: int  # losers that are missing from the books, or whose cost is

    def quantile(self, share: float) -> float:
        return self.ttft_s[min(math.ceil(share * len(self.ttft_s)), len(self.ttft_s)) - 1]

    def show(self, name: str) -> None:
        times = " ".join(f"p{share * 100:g}={self.quantile(share):.3f}s" for share in (0.5, 0.9, 0.95, 0.99, 0.999))
        print(
            f"{name:22} requests={len(self.ttft_s)} {times} extra={self.extra:.2%} error_wins={self.error_wins} "
            f"losers={self.losers} open={self.open_losers} unbooked={self.unbooked}",
            flush=True,
        )


class TailedBook(Book):
    """A gateway whose providers answer by themselves, after times with a heavy tail.

    An answer begins after about half a second; one of thirty takes seconds to minutes, one of fifty says at once
    that it begins and then breaks.
    """

    def __init__(self, hedging: Hedging, seed: int) -> None:
        super().__init__(("acme", "bolt", "corp"), openai_chat.CLIENT, {}, {}, closings=False, hedging=hedging)
        self._dice = random.Random(seed)

    def left(self, what: str) -> None:
        if what.endswith(" asked"):
            self.answer()

    def answer(self) -> None:
        line, dice = self.upstream.lines[-1], self._dice
        slow = dice.random() < 1 / 30
        ttft_s = 3.0 * dice.paretovariate(1.1) if slow else dice.lognormvariate(math.log(0.5), 0.3)
        if dice.random() < 1 / 50:
            line.say(begin())
            self.loop.call_later(min(ttft_s, 2.0), line.say, error(ERROR_TEXT))
        else:
            line.say(b": ping\n\n", begin())
            self.loop.call_later(min(ttft_s, 55.0), line.say, text("Yes"), *finish())


def run_virtual(hedging: Hedging, n_requests: int, seed: int) -> Figures:
    """Requests that arrive at random, five in a second."""
    book, dice = TailedBook(hedging, seed), random.Random(seed + 1)
    for number in range(n_requests):
        book.arrive(After(dice.expovariate(5.0)))
        book.arrive(_question(number))
    book.arrive(After(300.0))
    book.clear()
    book.check_over(turns=n_requests)
    lost = [(record, one) for record in book.notes.records for one in record.attempts if _lost(one.outcome)]
    closed_late = sum(line.closed_at_s is None for line in book.upstream.lines)
    for record, loser in lost:
        winner = next(one for one in record.attempts if one.number != loser.number and one.first_token_ms is not None)
        closed_late += (loser.ended_ms or math.inf) - (winner.first_token_ms or 0.0) > CLOSED_WITHIN_S * 1000
    figures = Figures(
        sorted((record.ttft_ms or 300_000.0) / 1000 for record in book.notes.records),
        sum(one.hedge for record in book.notes.records for one in record.attempts) / n_requests,
        sum(map(_error_won, book.notes.records))
        + sum(ERROR_TEXT.encode() in client.body for client in book.clients.values()),
        len(lost),
        closed_late,
        sum(one.cost_nano is None or record.absorbed_nano < one.cost_nano for record, one in lost),
    )
    book.close()
    return figures


def _question(number: int) -> Ask:
    words = [{"role": "user", "content": f"Question number {number}: is it so?"}]
    return ask(f"caller {number}", model="gammainfra/fast", messages=words)


def _lost(outcome: object) -> bool:
    return isinstance(outcome, Cancelled) and outcome.by == "hedge"


def _error_won(record: RequestRecord) -> bool:
    """Whether a leg was closed for another one that then gave no answer."""
    return record.ending != "served" and any(_lost(one.outcome) for one in record.attempts)


# ---- loopback --------------------------------------------------------------------------------------------------------
async def run_loopback(*, hedged: bool, n_requests: int) -> Figures:
    """The same over sockets: one of thirty answers begins after two seconds, one of fifty is an error."""
    schedule = Seeded(7, 1 / 30 + 1 / 50, (Fault.SLOW_FIRST_TOKEN,) * 5 + (Fault.EARLY_ERROR,) * 3)
    servers = [ServerSpec("openai"), ServerSpec("deepseek")]
    pace = Pace(first_token_s=0.02, slow_first_token_s=2.0)
    settings = {
        "GAMMAINFRA_HEDGING_ENABLED": "true" if hedged else "false",
        "GAMMAINFRA_HEDGING_DELAY": "250",
    }
    with tempfile.TemporaryDirectory(prefix="gate-hedge-") as named:
        folder = Path(named)
        async with World(servers, script=Fixed(Turn(text="Yes, it is.")), schedule=schedule, pace=pace) as world:
            async with running(world, folder, settings) as gateway, aiohttp.ClientSession() as session:
                turns = asyncio.Semaphore(6)
                got = await asyncio.gather(
                    *(_ask_once(session, gateway.base_url, turns, number) for number in range(n_requests))
                )
            dispatches = [record for server in world for record in server.log if record.dispatch]
        books = read_books(folder)
    slow = [record for record in dispatches if record.fault is Fault.SLOW_FIRST_TOKEN and record.hung_up]
    return Figures(
        sorted(ttft_s for ttft_s, _ in got),
        (len(dispatches) - sum(record.fault is Fault.EARLY_ERROR for record in dispatches) - n_requests) / n_requests,
        sum(not fine for _, fine in got),
        len(slow),
        sum(record.ended_at_s - record.at_s > 1.9 for record in slow),
        0 if sum(row.n_attempts for row in books) == len(dispatches) else 1,
    )


async def _ask_once(
    session: aiohttp.ClientSession, base_url: str, turns: asyncio.Semaphore, number: int
) -> tuple[float, bool]:
    body = {
        "model": "gammainfra/fast",
        "stream": True,
        "messages": [{"role": "user", "content": f"Question number {number}: is it so?"}],
    }
    async with turns:
        began = time.perf_counter()
        async with session.post(
            f"{base_url}/chat/completions",
            data=msgspec.json.encode(body),
            headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
        ) as response:
            first = await response.content.readany()
            ttft_s = time.perf_counter() - began
            rest = await response.content.read()
    said = first + rest
    return ttft_s, response.status == 200 and b"Yes" in said and b'"error"' not in said


def main() -> int:
    """Print a line for each run and the verdict."""
    parser = argparse.ArgumentParser(prog="gate-hedge")
    parser.add_argument("--reduced", action="store_true", help="fewer requests")
    reduced = parser.parse_args().reduced
    n_virtual, n_loopback = (1_000, 200) if reduced else (4_000, 600)
    seed = 20
    plain = run_virtual(NO_HEDGING, n_virtual, seed)
    plain.show("virtual, plain")
    hedged = run_virtual(Hedging(enabled=True), n_virtual, seed)
    hedged.show("virtual, hedged")
    local_plain = asyncio.run(run_loopback(hedged=False, n_requests=n_loopback))
    local_plain.show("loopback, plain")
    local = asyncio.run(run_loopback(hedged=True, n_requests=n_loopback))
    local.show("loopback, hedged")
    cuts_pct = [100 * (1 - b.quantile(0.99) / a.quantile(0.99)) for a, b in ((plain, hedged), (local_plain, local))]
    extra_pct = 100 * max(hedged.extra, local.extra)
    both = (hedged, local)
    wins, left_open, unbooked = (
        sum(one.error_wins for one in both), sum(one.open_losers for one in both), sum(one.unbooked for one in both)
    )  # fmt: skip
    passed = min(cuts_pct) >= LEAST_CUT_PCT and extra_pct <= MOST_EXTRA_PCT and min(one.losers for one in both) > 0
    passed = passed and wins == left_open == unbooked == 0
    print(
        f"gate hedge: {'PASS' if passed else 'FAIL'} p99_cut_pct={cuts_pct[0]:.1f} "
        f"loopback_p99_cut_pct={cuts_pct[1]:.1f} extra_pct={extra_pct:.2f} error_wins={wins} "
        f"losers={hedged.losers + local.losers} open_losers={left_open} unbooked_losers={unbooked}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
