"""One simulated provider on loopback: it reads a request, lets the vendor judge it, the schedule pick a fault
and the script speak, writes the reply and appends a record. It decides the order of these steps and nothing
of a vendor's JSON.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
from aiohttp import web

from gammainfra.simulate import control, prepare
from gammainfra.simulate.anthropic import Anthropic
from gammainfra.simulate.azure import Azure
from gammainfra.simulate.bedrock import Bedrock
from gammainfra.simulate.cache import PrefixMemory
from gammainfra.simulate.deepseek import DeepSeek
from gammainfra.simulate.faults import REFUSALS, Fault, applies
from gammainfra.simulate.gemini import Gemini
from gammainfra.simulate.groq import Groq
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.log import Log, Record
from gammainfra.simulate.mistral import Mistral
from gammainfra.simulate.openai import OpenAI
from gammainfra.simulate.openrouter import OpenRouter
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Reply
from gammainfra.simulate.schedule import Dispatch, Schedule, StepMemory
from gammainfra.simulate.script import Ask, Raw, Script, Turn
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.vendor import Body, Moment, Vendor
from gammainfra.simulate.writing import Written, write_reply
from gammainfra.simulate.xai import XAI

MAX_BODY_BYTES = 32 * 1024 * 1024
HOST = "127.0.0.1"
VENDORS: Mapping[str, Callable[[bool], Vendor]] = {
    "openai": lambda _: OpenAI(),
    "anthropic": lambda bind: Anthropic(bind_thinking=bind),
    "deepseek": lambda _: DeepSeek(),
    "mistral": lambda _: Mistral(),
    "groq": lambda _: Groq(),
    "xai": lambda _: XAI(),
    "openrouter": lambda _: OpenRouter(),
    "azure": lambda _: Azure(),
    "bedrock": lambda bind: Bedrock(bind_thinking=bind),
    "gemini": lambda _: Gemini(),
    "vertex": lambda _: Gemini("vertex", "/v1/projects/simulated/locations/global"),
}


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One server of a world. ``keys=None`` accepts any key that is not empty; ``script``, ``schedule`` and
    ``pace`` replace the world's own; ``name`` is the vendor's unless there are several of one vendor.
    """

    vendor: str
    name: str = ""
    port: int = 0
    keys: frozenset[str] | None = None
    context_tokens: int = 1_000_000
    bind_thinking: bool = False
    script: Script | None = None
    schedule: Schedule | None = None
    pace: Pace | None = None


class Request(Protocol):
    """What a provider reads of a request; aiohttp's is one."""

    @property
    def method(self) -> str:
        """The verb, in capitals."""
        ...

    @property
    def path(self) -> str:
        """Without the query."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Found in any case."""
        ...

    async def read(self) -> bytes:
        """The whole body."""
        ...


@dataclass(slots=True)
class Exchange:
    """What is known of a request so far; becomes a record. ``written`` is kept by whoever writes the reply."""

    at_s: float
    request_id: str
    request: Request
    key: str = ""
    model: str = ""
    fault: Fault | None = None
    dispatch: int = 0
    ask: Ask | None = None
    reply: Reply | None = None
    hung_up: bool = False
    refusal: str = ""
    written: Written = field(default_factory=Written)


class SimulatedProvider:
    """A server of one vendor, made by a World; ``script``, ``schedule`` and ``pace`` may be set."""

    def __init__(
        self,
        spec: ServerSpec,
        *,
        script: Script,
        schedule: Schedule,
        pace: Pace,
        steps: StepMemory,
        clock: Callable[[], float],
        seed: int,
    ) -> None:
        if spec.vendor not in VENDORS:
            raise ValueError(f"vendor {spec.vendor!r} is none of {', '.join(VENDORS)}")
        self.name = spec.name or spec.vendor
        self.vendor = VENDORS[spec.vendor](spec.bind_thinking)
        self.keys = spec.keys
        self.context_tokens = spec.context_tokens
        self.script = spec.script or script
        self.schedule = spec.schedule or schedule
        self.pace = spec.pace or pace
        self.log = Log()
        self.in_flight = 0
        self.port = spec.port
        self._steps = steps
        self._clock = clock
        self._memory = PrefixMemory(clock)
        self._mint = Mint(f"{seed}:{self.name}")
        self._repeated_id = self.vendor.make_call_id(Mint(f"{seed}:{spec.vendor}:repeated"), 0)
        self._dispatched = 0
        self._runner: web.AppRunner | None = None
        self._stopping = False

    # Life.

    @property
    def origin(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://{HOST}:{self.port}"

    @property
    def base_url(self) -> str:
        """What an official SDK of this vendor takes as its base URL."""
        return self.origin + self.vendor.base_path

    async def start(self) -> None:
        """Listens. After ``stop`` it listens on the same port again."""
        self._stopping = False
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        control.add_routes(app, self)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self.port, backlog=1024, reuse_address=True)
        await site.start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Closes everything; from then on connections are refused."""
        self._stopping = True
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def reset(self) -> None:
        """Forgets the log, the prompt cache and the count of requests; keeps script, schedule and pace."""
        self.log.clear()
        self._memory.clear()
        self._steps.clear()
        self._dispatched = 0

    # One request.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        async with self.visit(request) as (reply, written):
            return await write_reply(request, reply, self.pace, written)

    @asynccontextmanager
    async def visit(self, request: Request) -> AsyncIterator[tuple[Reply, Written]]:
        """Decide on a request, whatever wire it came by, and log it when the writer of the reply is done."""
        exchange = Exchange(self._clock(), self.vendor.make_request_id(self._mint), request)
        self.in_flight += 1
        try:
            exchange.reply = await self._decide(exchange)
            yield exchange.reply, exchange.written
        finally:
            exchange.hung_up = not (self._stopping or exchange.written.reset or exchange.written.finished)
            self.in_flight -= 1
            self.log.append(self._record(exchange))

    async def _decide(self, exchange: Exchange) -> Reply:
        started_s = time.perf_counter()
        try:
            return await self._answer(exchange, started_s)
        except Refusal as refusal:
            exchange.refusal = refusal.message
            headers = self._headers(exchange, started_s, 0)
            return prepare.prepare_refusal(self.vendor, refusal, exchange.request_id, headers)

    async def _answer(self, exchange: Exchange, started_s: float) -> Reply:
        request, vendor = exchange.request, self.vendor
        exchange.key = vendor.read_key(request.headers)
        if not exchange.key or (self.keys is not None and exchange.key not in self.keys):
            raise vendor.refuse_key(exchange.key)
        if request.method == "GET" and request.path in vendor.model_paths:
            headers = (prepare.JSON_TYPE, *self._headers(exchange, started_s, 0))
            return prepare.prepare_body(vendor.render_models(), headers)
        counts = request.path in vendor.count_paths
        if request.method != "POST" or not (counts or request.path in vendor.generate_paths):
            raise vendor.refuse_path(request.method, request.path)
        body = await self._read_body(request)
        if isinstance(vendor, Bedrock | Gemini):
            body = vendor.translate(request.path, body)
        model = body.get("model")
        exchange.model = model if isinstance(model, str) else ""
        if counts and isinstance(vendor, Anthropic):
            vendor.check_count(body, request.headers)
            headers = (prepare.JSON_TYPE, *self._headers(exchange, started_s, 0))
            return prepare.prepare_body(vendor.render_count(vendor.count_prompt(body)), headers)
        vendor.check(body, request.headers)
        return self._generate(exchange, body, started_s)

    async def _read_body(self, request: Request) -> Body:
        try:
            body: object = msgspec.json.decode(await request.read())
        except web.HTTPRequestEntityTooLarge:
            raise self.vendor.refuse_size() from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.vendor.refuse_syntax() from None
        if not isinstance(body, dict):
            raise self.vendor.refuse_syntax()
        return body

    def _generate(self, exchange: Exchange, body: Body, started_s: float) -> Reply:
        ask = exchange.ask = self.vendor.read(body)
        prompt_tokens = self.vendor.count_prompt(body)
        if prompt_tokens > self.context_tokens:
            raise self.vendor.refuse_length(prompt_tokens, self.context_tokens)
        self._dispatched += 1
        exchange.dispatch = self._dispatched
        first = self._steps.note_first(ask)
        said = self.script(ask)
        if isinstance(said, Raw):
            return prepare.prepare_raw(said)
        exchange.fault = self._pick_fault(Dispatch(self.name, self._dispatched, first, ask), said)
        order = prepare.Order(
            vendor=self.vendor,
            ask=ask,
            body=body,
            turn=said,
            fault=exchange.fault,
            pace=self.pace,
            now_s=exchange.at_s,
            cache_root=f"{exchange.key}\n{ask.model}",
            headers=self._headers(exchange, started_s, prompt_tokens),
        )
        if exchange.fault in REFUSALS:
            return prepare.prepare_fault_refusal(order, exchange.request_id)
        repeated = ask.call_ids[-1] if ask.call_ids else self._repeated_id
        return prepare.prepare_answer(order, self._memory, self._mint, repeated)

    def _pick_fault(self, dispatch: Dispatch, turn: Turn) -> Fault | None:
        fault = self.schedule(dispatch)
        if fault is None or not applies(fault, stream=dispatch.ask.stream, calls=bool(turn.calls)):
            return None
        return fault

    def _headers(self, exchange: Exchange, started_s: float, tokens: int) -> tuple[tuple[str, str], ...]:
        taken_ms = int((time.perf_counter() - started_s + self.pace.first_token_s) * 1000)
        moment = Moment(exchange.request_id, exchange.at_s, taken_ms, exchange.dispatch, tokens)
        return self.vendor.render_headers(moment)

    def _record(self, exchange: Exchange) -> Record:
        ask, reply, written = exchange.ask, exchange.reply, exchange.written
        usage = reply.usage if reply is not None else SimulatedUsage()
        complete = reply is not None and reply.complete and written.finished
        if not complete:
            usage = _cut_usage(usage, written.tokens)
        return Record(
            at_s=exchange.at_s,
            ended_at_s=self._clock(),
            request_id=exchange.request_id,
            server=self.name,
            vendor=self.vendor.name,
            method=exchange.request.method,
            path=exchange.request.path,
            model=exchange.model,
            key=exchange.key,
            status=written.status,
            fault=exchange.fault,
            dispatch=exchange.dispatch,
            step=ask.step if ask else 0,
            stream=ask.stream if ask else False,
            usage=usage,
            complete=complete,
            hung_up=exchange.hung_up,
            bytes_sent=written.bytes_sent,
            call_ids=tuple(written.call_ids) or (reply.call_ids if reply is not None and complete else ()),
            message_count=ask.message_count if ask else 0,
            refusal=exchange.refusal,
        )


def _cut_usage(usage: SimulatedUsage, tokens: int) -> SimulatedUsage:
    """Usage of an answer that was cut: the whole prompt, and no more output than had been written."""
    output = min(usage.output_tokens, tokens)
    return replace(usage, output_tokens=output, reasoning_tokens=min(usage.reasoning_tokens, output))
