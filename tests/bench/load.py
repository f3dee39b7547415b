"""The client of the bench, a process of its own: ``python -m tests.bench.load``, a Job on standard input, JSON out.

A closed loop (every connection asks again when it has its answer), or with a rate a fixed number of requests a second
that go to the targets in turn. It believes nothing: an answer counts when status, text, number of events, end and the
number of attempts are right, and every other one is reported with its reason.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import Final, cast

import msgspec
from httptools import HttpResponseParser

from tests.bench import bodies
from tests.bench.machine import LOAD_CORE, pin, run_loop

_LAST_ANSWER_S: Final = 20.0  # after the end of the run
# What an SDK sends along: reading it is part of a request's cost.
_HEADERS: Final = (
    "accept: application/json\r\ncontent-type: application/json\r\naccept-encoding: gzip, deflate\r\n"
    "user-agent: OpenAI/JS 6.1.0\r\nhttp-referer: https://github.com/example/agent\r\nx-title: Agent\r\n"
    "x-stainless-retry-count: 0\r\nx-stainless-lang: js\r\nx-stainless-package-version: 6.1.0\r\n"
    "x-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-runtime: node\r\n"
    "x-stainless-runtime-version: v22.0.0\r\nconnection: keep-alive\r\n"
)
_TEXT_EVENT: Final = b'"delta":{"content":"'
_END: Final = bodies.END.encode()


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask what. ``attempts`` is how many the gateway must need, None where no gateway is asked."""

    port: int
    key: str
    models: tuple[str, ...]
    size: bodies.Size = "1 KB"
    stream: bool = False
    attempts: int | None = 1
    connections: int = 16


class Job(msgspec.Struct, frozen=True):
    """A run. ``rate`` is requests a second over all targets, None for the closed loop (of one target)."""

    targets: list[Target]
    seconds: float
    rate: float | None = None


class Outcome(msgspec.Struct):
    """What became of one target's requests; ``wrong`` counts reasons, and must be empty."""

    latencies_us: list[int] = []
    wrong: dict[str, int] = {}
    elapsed_s: float = 0.0


class Asking:
    """One run against one target. Serial numbers go on over all its connections."""

    def __init__(self, target: Target, start_number: int) -> None:
        self.target = target
        self.latencies_us: list[int] = []
        self.wrong: Counter[str] = Counter()
        self.connections: list[Connection] = []
        self.last_at = 0.0
        self._serial = start_number

    def serial(self) -> int:
        """The next number."""
        self._serial += 1
        return self._serial

    def outcome(self, began: float) -> Outcome:
        """What the driver gets."""
        return Outcome(self.latencies_us, dict(self.wrong), self.last_at - began)


class Connection(asyncio.Protocol):
    """One agent: asks, checks the answer, and in a closed loop asks again until ``until``."""

    def __init__(self, asking: Asking, number: int, until: float | None) -> None:
        target = asking.target
        self._asking = asking
        self._until = until
        self._template = bodies.template(target.size, target.models, stream=target.stream, task=number)
        self._head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{target.port}\r\n"
            f"authorization: Bearer {target.key}\r\n{_HEADERS}content-length: {len(self._template.fill(0))}\r\n\r\n"
        ).encode()
        self._attempts = None if target.attempts is None else str(target.attempts).encode()
        self._pieces: list[bytes] = []
        self._attempted: bytes | None = None
        self._began = 0.0
        self.answered = False
        self.idle = asyncio.Event()
        self.idle.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = HttpResponseParser(self)

    def ask(self) -> None:
        """Send the next request."""
        self.idle.clear()
        body = self._template.fill(self._asking.serial())
        self._began = time.perf_counter()
        self._transport.write(self._head + body)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"x-gammainfra-attempted-count":
            self._attempted = value

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        wrong = self._fault(b"".join(self._pieces))
        if wrong:
            self._asking.wrong[wrong] += 1
        else:
            self._asking.latencies_us.append(round((now - self._began) * 1e6))
            self._asking.last_at = now
            self.answered = True
        self._pieces.clear()
        self._attempted = None
        if self._until is not None and now < self._until:
            self.ask()
        else:
            self.idle.set()

    def _fault(self, body: bytes) -> str:
        """Why this is not the answer; "" when it is."""
        status = self._parser.get_status_code()
        if status != 200:
            return f"status {status}: {body[:200].decode('utf-8', 'replace')}"
        if _END not in body:
            return "the text is not complete"
        if self._attempted != self._attempts:
            return f"{self._attempted!r} attempts"
        if self._asking.target.stream:
            events = body.count(_TEXT_EVENT)
            if events != bodies.CHUNKS:
                return f"{events} text events"
            if not body.endswith(b"data: [DONE]\n\n"):
                return "no end of the stream"
        return ""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.idle.is_set():
            self._asking.wrong["the connection was lost"] += 1
            self.idle.set()


async def load(job: Job) -> list[Outcome]:
    """Do the job."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + job.seconds if job.rate is None else None
    askings = [Asking(target, place * 10_000_000) for place, target in enumerate(job.targets)]
    for asking in askings:
        for number in range(asking.target.connections):
            made = Connection(asking, number, until)
            await loop.create_connection(lambda made=made: made, "127.0.0.1", asking.target.port)  # type: ignore[misc]
            asking.connections.append(made)
    began = time.perf_counter()
    if job.rate is None:
        for asking in askings:
            for connection in asking.connections:
                connection.ask()
                # Streams that began together would share every wake-up of the gateway; agents do not.
                await asyncio.sleep(bodies.GAP_S / len(asking.connections) if asking.target.stream else 0)
        await asyncio.sleep(job.seconds)
    else:
        await _ask_in_turn(askings, job.seconds, job.rate)
    for asking in askings:
        for connection in asking.connections:
            try:
                await asyncio.wait_for(connection.idle.wait(), _LAST_ANSWER_S)
            except TimeoutError:
                asking.wrong["no answer"] += 1
            if job.rate is None and not connection.answered:
                asking.wrong["a connection never got a right answer"] += 1
    return [asking.outcome(began) for asking in askings]


async def _ask_in_turn(askings: list[Asking], seconds: float, rate: float) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(round(seconds * rate)):
        await asyncio.sleep(max(0.0, start + number / rate - loop.time()))
        asking = askings[number % len(askings)]
        free = next((one for one in asking.connections if one.idle.is_set()), None)
        if free is None:
            asking.wrong["all connections were busy"] += 1
        else:
            free.ask()


async def main() -> None:
    """Read the job, do it, write what came of it."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(await load(job)))


if __name__ == "__main__":
    pin(LOAD_CORE)
    run_loop(main())
