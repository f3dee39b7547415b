"""gate-wire-core: a client sees what a provider said. Recordings are replayed behind the real gateway, over HTTP.

``n`` records, ``core`` and ``full`` in percent over every run: bodies whole, and in fragments of 1 and of 7 bytes. The
recordings of tests/gates/wire/record.py when there are any, and always the fixtures made by hand beside it. Options:
``--reduced`` (fixtures only), ``--fragment N`` (one run), ``--also vercel_chat,...`` (shown, not judged).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import uvicorn

from gammainfra import app
from gammainfra.settings import read_settings
from tests.gates.wire import record as recordings
from tests.gates.wire.fixtures import FIXTURES
from tests.gates.wire.heard import Heard, listen
from tests.gates.wire.judge import Verdict, judge, judge_return
from tests.gates.wire.oracle import Expected, expected
from tests.gates.wire.record import Record
from tests.gates.wire.replay import Replay, mark

CORE_PERCENT: Final = 99.8
FULL_PERCENT: Final = 99.0
GROUP_RECORDS: Final = 20  # a provider with fewer recordings counts in the whole only
FRAGMENTS: Final = (0, 1, 7)
_AT_ONCE: Final = 8
_AT_ONCE_IN_PIECES: Final = 2  # a loop that carries too many pieces is late for the counts behind a finish
_ANSWER_S: Final = 120.0
_KEY: Final = "sk-test-wire-core-0123456789abcdef"
_HEADERS: Final = {"authorization": f"Bearer {_KEY}", "x-gammainfra-allow-fallbacks": "none"}
_MODES: Final = ("full", "minimal")


@dataclass(frozen=True, slots=True)
class Judged:
    """One record and how it fared."""

    record: Record
    verdict: Verdict


class Client:
    """Asks the gateway at ``origin`` in Chat Completions, as an agent would."""

    def __init__(self, origin: str, replay: Replay, session: aiohttp.ClientSession, at_once: int) -> None:
        self._url = f"{origin}/v1/chat/completions"
        self._replay = replay
        self._session = session
        self._room = asyncio.Semaphore(at_once)

    async def try_record(self, record: Record) -> Judged:
        """Ask for the record, judge the answer, and send a tool turn back in both ways in which clients do."""
        async with self._room:
            want = expected(record)
            heard = await self._ask(record, _first(record, want), streamed=record.streamed)
            verdict = judge(want, heard)
            if want.choices[0].calls and want.outcome == "answer" and verdict.core and _can_return(want):
                for mode in _MODES:
                    await self._ask(record, _second(record, want, heard, mode), streamed=False)
                    sent = self._replay.received.get((record.id, mode))
                    verdict.add(judge_return(record, want, heard, sent, echoed=mode == "full"), f"{mode}_")
            return Judged(record, verdict)

    async def _ask(self, record: Record, body: dict[str, Any], *, streamed: bool) -> Heard:
        async with self._session.post(self._url, json=body) as response:
            raw = await response.read()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return listen(response.status, headers, raw, streamed=streamed)


def _can_return(want: Expected) -> bool:
    """Calls that a model broke have no right form upstream; the repair's own tests hold what is sent for them."""
    return len(want.choices) == 1 and all(isinstance(call.arguments, dict) for call in want.choices[0].calls)


def _first(record: Record, want: Expected) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": f"{record.provider}/{record.model}",
        "messages": [{"role": "user", "content": f"{mark(record, 'first')} go on"}],
        "max_tokens": 1024,
        "stream": record.streamed,
    }
    tools = _tools(record, want)
    if tools:
        body["tools"] = tools
    if record.streamed:
        body["stream_options"] = {"include_usage": True}
    if len(want.choices) > 1:
        body["n"] = len(want.choices)
    return body


def _tools(record: Record, want: Expected) -> list[dict[str, Any]]:
    names = dict.fromkeys([*record.tools, *(call.name for choice in want.choices for call in choice.calls)])
    parameters = {"type": "object", "properties": {}}
    return [{"type": "function", "function": {"name": name, "parameters": parameters}} for name in names if name]


def _second(record: Record, want: Expected, heard: Heard, mode: str) -> dict[str, Any]:
    """The next request of an agent: everything it got, or no more than the text and the calls."""
    kept = heard.message if mode == "full" else {name: heard.message.get(name) for name in ("content", "tool_calls")}
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"result {number}"}
        for number, call in enumerate(heard.message["tool_calls"])
    ]
    return {
        "model": f"{record.provider}/{record.model}",
        "messages": [
            {"role": "user", "content": f"{mark(record, mode)} go on"},
            {**kept, "role": "assistant"},
            *results,
        ],
        "max_tokens": 1024,
        "tools": _tools(record, want),
    }


async def run(records: Sequence[Record], fragment: int) -> list[Judged]:
    """Every record through a gateway of its own making."""
    async with Replay(records, fragment) as replay:
        with tempfile.TemporaryDirectory() as folder:
            listening = app.free_socket("127.0.0.1", 0)
            origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
            server = app.Server(app.build(_settings(Path(folder), replay.origin)))
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
            connector = aiohttp.TCPConnector(limit=_AT_ONCE)
            async with aiohttp.ClientSession(headers=_HEADERS, timeout=timeout, connector=connector) as session:
                client = Client(origin, replay, session, _AT_ONCE_IN_PIECES if fragment else _AT_ONCE)
                judged = await asyncio.gather(*(client.try_record(record) for record in records))
            server.should_exit = True
            await serving
    return judged


def _settings(folder: Path, origin: str) -> Any:
    """A gateway whose providers are all the replay."""
    environ = {"GAMMAINFRA_BOOTSTRAP_KEY": _KEY, "GAMMAINFRA_LOG_LEVEL": "error"}
    environ |= {"GAMMAINFRA_DATA_DIR": str(folder)}
    for name, _ in recordings.FILES.values():
        environ |= {
            f"GAMMAINFRA_PROVIDERS_{name.upper()}_BASE_URL": origin,
            f"GAMMAINFRA_PROVIDERS_{name.upper()}_API_KEY": "sk-upstream",
        }
    return read_settings(flags={}, environ=environ, folder=folder)


def report(judged: Sequence[Judged]) -> tuple[float, float]:
    """Print a row for every group; core and full of all of them in percent."""
    groups = dict.fromkeys(sorted(one.record.kind for one in judged))
    for kind in groups:
        row = [one.verdict for one in judged if one.record.kind == kind]
        failed = Counter(name for verdict in row for name in verdict.failed)
        shown = ", ".join(f"{name} {count}" for name, count in failed.most_common()) or "-"
        core, full = _percents(row)
        print(f"  {kind:28} n={len(row):4} core={core:6.2f} full={full:6.2f}  fails: {shown}")
    for one in judged:
        for name, why in one.verdict.failed.items():
            print(f"    {one.record.kind} {one.record.id} {name}: {why}")
    return _percents([one.verdict for one in judged])


def weak_groups(judged: Sequence[Judged]) -> list[str]:
    """The providers with enough recordings whose own share is too low."""
    weak = []
    for group in dict.fromkeys(one.record.group for one in judged):
        row = [one.verdict for one in judged if one.record.group == group]
        core, full = _percents(row)
        if len(row) >= GROUP_RECORDS and (core < CORE_PERCENT or full < FULL_PERCENT):
            weak.append(f"{group} core={core:.2f} full={full:.2f}")
    return weak


def _percents(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    n = max(1, len(verdicts))
    return 100 * sum(one.core for one in verdicts) / n, 100 * sum(one.full for one in verdicts) / n


def disagreements() -> list[str]:
    """Fixtures whose expectation, written by hand, the oracle does not share: it would judge nothing well."""
    return [one.record.id for one in FIXTURES if expected(one.record) != one.expected]


def main() -> int:
    """Run the gate and return its exit code."""
    parser = argparse.ArgumentParser(prog="gate-wire-core")
    parser.add_argument("--reduced", action="store_true", help="the fixtures only")
    parser.add_argument("--fragment", type=int, help="one run, with bodies in pieces of so many bytes (0: whole)")
    parser.add_argument("--also", default="", help="further files of recordings, by name: shown, not judged")
    asked = parser.parse_args()
    place = None if asked.reduced else recordings.folder()
    made = [one.record for one in FIXTURES]
    recorded, left_out = recordings.read_folder(place, recordings.REQUIRED) if place else ([], [])
    also = recordings.read_folder(place, tuple(filter(None, asked.also.split(",")))) if place else ([], [])
    for line in [*left_out, *also[1]]:
        print(f"  left out: {line}")
    wrong = disagreements()
    for name in wrong:
        print(f"  the oracle disagrees with the fixture {name}")
    passed, n, cores, fulls, groups = not wrong, 0, [], [], 0
    for fragment in FRAGMENTS if asked.fragment is None else (asked.fragment,):
        began = time.monotonic()
        with asyncio.Runner(
            loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()
        ) as runner:  # the product's own loop
            judged = runner.run(run([*made, *recorded, *also[0]], fragment))
        print(f"bodies {f'in pieces of {fragment}' if fragment else 'whole'}: {time.monotonic() - began:.1f} s")
        report([one for one in judged if one.record in also[0]]) if also[0] else None
        judged = [one for one in judged if one.record not in also[0]]
        core, full = report(judged)
        fixtures_core = all(one.verdict.core for one in judged if one.record in made)
        weak = weak_groups(judged)
        for line in weak:
            print(f"  too low: {line}")
        passed = passed and core >= CORE_PERCENT and full >= FULL_PERCENT and fixtures_core and not weak
        n, groups = len(judged), len({one.record.kind for one in judged})
        cores.append(core)
        fulls.append(full)
    fields = f"n={n} core={min(cores):.2f} full={min(fulls):.2f} groups={groups} runs={len(cores)}"
    more = f"recorded={len(recorded)} fixtures={len(made)} left_out={len(left_out)} oracle_wrong={len(wrong)}"
    print(f"gate wire-core: {'PASS' if passed else 'FAIL'} {fields} {more}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
