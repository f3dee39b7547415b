"""A conversation with the real gateway, written as a script: ``>>`` what arrives, ``<<`` what leaves.

    b = book() >> ask() << "acme asked" >> says("acme", text("Hi")) << "200" << "'Hi'"
    (b >> says("acme", *finish()) << "stop | done | end").check_over()

Everything is real (serve, Turn, Attempt, Run, codecs, boards) but the wire on both sides and the time. What leaves is
written in words: pieces of one write are joined by `` | ``; whatever the caller called ``x`` gets begins with ``x: ``.
``check_over`` ends a book: nothing more may have left, and the gateway must have given everything back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gammainfra.catalog.load import compile_files
from gammainfra.catalog.snapshot import build
from gammainfra.domain.attempt import Absorbed, Cancelled, LegFailed
from gammainfra.domain.failure import Refused
from gammainfra.domain.policy import NO_HEDGING, Hedging, RateLimits
from gammainfra.domain.record import ApiKey, Caller, RequestRecord
from gammainfra.domain.secret import Secret
from gammainfra.gateway.admission import Admission, Permit
from gammainfra.gateway.billing import Billing
from gammainfra.gateway.call import Call
from gammainfra.gateway.host import Host, HostKey
from gammainfra.gateway.idempotency import Given, Idempotency
from gammainfra.gateway.large_bodies import LargeBodies
from gammainfra.gateway.means import Means
from gammainfra.gateway.reply import Head, Piece, Reply
from gammainfra.gateway.serve import serve
from gammainfra.gateway.services import Services
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.hedge_budget import HedgeBudget
from gammainfra.gateway.state.rate_limits import RateBoard
from gammainfra.gateway.state.session_board import SessionBoard
from gammainfra.gateway.turns import Turns
from gammainfra.providers import anthropic
from gammainfra.providers.compatible import compatible
from gammainfra.providers.provider import Provider
from gammainfra.routing.roster import enrol
from gammainfra.wire import openai_chat
from gammainfra.wire.dialect import ClientDialect
from tests.conversations.upstream import FakeUpstream, Saying
from tests.conversations.virtual import LoopClock, VirtualLoop

CATALOG = """
[models."acme/one"]
limit = {context = 100_000, output = 8_000}
chain = ["bolt/two", "corp/three", "dust/four"]
[[models."acme/one".endpoints]]
provider = "acme"
cost = {input = "1", output = "10"}

[models."bolt/two"]
limit = {context = 50_000, output = 8_000}
[[models."bolt/two".endpoints]]
provider = "bolt"
cost = {input = "2", output = "20"}

[models."corp/three"]
limit = {context = 400_000, output = 8_000}
[[models."corp/three".endpoints]]
provider = "corp"
cost = {input = "3", output = "30"}

[models."dust/four"]
limit = {context = 400_000, output = 8_000}
[[models."dust/four".endpoints]]
provider = "dust"
ttft_ms = 30_000
cost = {input = "4", output = "40"}

[models."anthropic/claude"]
limit = {context = 200_000, output = 8_000}
does = ["tools", "thinking"]
thinking = "adaptive"
chain = ["acme/one"]
[[models."anthropic/claude".endpoints]]
provider = "anthropic"
cost = {input = "5", output = "50"}
"""
TABLES = compile_files([("test.toml", CATALOG)])
TOOL = {"type": "function", "function": {"name": "write", "parameters": {"type": "object"}}}
KEY = ApiKey("key", "account", "test", "1234", 0.0)
BODY: Mapping[str, Any] = {"model": "acme/one", "messages": [{"role": "user", "content": "Hi there"}]}


# ---- what arrives ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ask:
    """A caller asks."""

    raw: bytes
    caller: str = "caller"
    key: str = "key"
    headers: Mapping[str, str] = field(default_factory=dict)


def ask(
    caller: str = "caller",
    *,
    tools: bool = False,
    stream: bool = True,
    key: str = "key",
    retry: int = 0,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Ask:
    """A chat request; ``retry`` is what an SDK counts, ``more`` are further fields of the body."""
    body = {**BODY, "stream": stream, **({"tools": [TOOL]} if tools else {}), **more}
    sent = {**(headers or {}), **({"x-stainless-retry-count": str(retry)} if retry else {})}
    return Ask(json.dumps(body).encode(), caller, key, sent)


@dataclass(frozen=True, slots=True)
class Says:
    """A provider says something to its newest dispatch."""

    provider: str
    says: tuple[Saying, ...]


def says(provider: str, *said: Saying) -> Says:
    return Says(provider, said)


@dataclass(frozen=True, slots=True)
class After:
    """Time passes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Leaves:
    """A caller hangs up."""

    caller: str = "caller"


@dataclass(frozen=True, slots=True)
class StopsReading:
    """A caller's socket takes nothing more until ``ReadsOn``."""

    caller: str = "caller"


@dataclass(frozen=True, slots=True)
class ReadsOn:
    caller: str = "caller"


@dataclass(frozen=True, slots=True)
class Ends:
    """The process is told to end, and waits this long for running answers."""

    drain_s: float = 120.0


Arrival = Ask | Says | After | Leaves | StopsReading | ReadsOn | Ends


# ---- the world -------------------------------------------------------------------------------------------------------
class _Accounts:
    def __init__(self, key: ApiKey) -> None:
        self._key = key

    def authenticate(self, credential: str | None) -> Caller:
        if credential is None:
            raise Refused(401, "invalid_api_key", "There is no key.", retry=False)
        return Caller(replace(self._key, id=credential, account_id=f"account of {credential}"), b"salt")


class _Counting:
    """Implements domain.ports.Random without any randomness."""

    def __init__(self) -> None:
        self.made = 0

    def bytes(self, n: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(n, "big")

    def uniform(self) -> float:
        return 0.5


@dataclass(slots=True)
class _Notes:
    """Implements Records and Observer."""

    records: list[RequestRecord] = field(default_factory=list)
    observed: list[RequestRecord] = field(default_factory=list)
    defects: list[BaseException] = field(default_factory=list)
    fails: bool = False  # whether the observer has a mistake

    def add(self, record: RequestRecord) -> bool:
        self.records.append(record)
        return True

    def turn_ended(self, record: RequestRecord) -> None:
        self.observed.append(record)
        if self.fails:
            raise KeyError("made up")

    def defect(self, request_id: str, error: BaseException) -> None:
        self.defects.append(error)


class _Client:
    """One caller's socket."""

    def __init__(self, name: str, book: Book) -> None:
        self.name = name
        self.book = book
        self.reply: Reply | None = None
        self.head: Head | None = None
        self.body = b""
        self.writes: list[bytes] = []
        self.is_over = False
        self.refused: Refused | None = None
        self.task: asyncio.Task[None] | None = None
        self.reads = asyncio.Event()
        self.reads.set()

    async def run(self, asked: Ask, dialect: ClientDialect, on: Services) -> None:
        async def body(permit: Permit) -> bytes:
            permit.grow(len(asked.raw))
            return asked.raw

        call = Call(dialect, asked.headers, asked.key or None, len(asked.raw), body)
        try:
            self.reply = await serve(call, on)
        except Refused as refused:
            self.is_over, self.refused = True, refused
            self.told(f"refused {refused.status} {refused.code}")
            return
        async for part in self.reply:
            await self.reads.wait()
            self.take(part)

    def take(self, part: Head | Piece) -> None:
        match part:
            case Head(status):
                assert self.head is None, "two heads"
                self.head = part
                self.told(str(status))
            case Piece(piece, last):
                assert self.head is not None, "a body before its head"
                assert not self.is_over, "something after the end"
                self.is_over = last
                self.body += piece
                self.writes.append(piece)
                told = words(piece, self.head) + (["end"] if last else [])
                if last:
                    settled = {record.id for record in self.book.notes.records}
                    assert dict(self.head.headers)[b"x-request-id"].decode() in settled, "an end before its settle"
                else:
                    assert not any("done" in word or " = write(" in word for word in told), "a tail in pieces"
                self.told(" | ".join(told))

    def told(self, what: str) -> None:
        self.book.left(what if self.name == "caller" else f"{self.name}: {what}")


def words(piece: bytes, head: Head) -> list[str]:
    """What a piece of an answer says, in words."""
    headers = dict(head.headers)
    if not headers[b"content-type"].startswith(b"text/event-stream"):
        return whole_words(json.loads(piece))
    told: list[str] = []
    assert piece == b"" or piece.endswith(b"\n\n"), "a piece ends inside an event"
    for event in piece.split(b"\n\n")[:-1]:
        if event == b": keepalive":
            told.append("keepalive")
        elif event.startswith(b": gammainfra "):
            continue
        elif event == b"data: [DONE]":
            told.append("done")
        else:
            told += chunk_words(json.loads(event.removeprefix(b"data: ")))
    joined: list[str] = []
    for word in told:  # neighbouring pieces of text read as one
        if joined and word.startswith("'") and joined[-1].startswith("'"):
            joined[-1] = joined[-1][:-1] + word[1:]
        else:
            joined.append(word)
    return joined


def chunk_words(chunk: Mapping[str, Any]) -> list[str]:
    if "error" in chunk:
        return [f"error {chunk['error']['code']}"]
    told = []
    for choice in chunk["choices"]:
        delta = choice["delta"]
        if delta.get("reasoning_content"):
            told.append(f"thinks {delta['reasoning_content']}")
        if delta.get("content"):
            told.append(f"'{delta['content']}'")
        told += [call_words(call) for call in delta.get("tool_calls", ())]
        if choice["finish_reason"]:
            told.append(choice["finish_reason"])
    return told


def whole_words(body: Mapping[str, Any]) -> list[str]:
    if "error" in body:
        return [f"error {body['error']['code']}"]
    told = []
    for choice in body["choices"]:
        message = choice["message"]
        if message.get("content"):
            told.append(f"'{message['content']}'")
        told += [call_words(call) for call in message.get("tool_calls") or ()]
        told.append(choice["finish_reason"])
    return told


def call_words(call: Mapping[str, Any]) -> str:
    return f"{call['id']} = {call['function']['name']}({call['function']['arguments']})"


opened: list[Book] = []  # by the running test; conftest closes them


class Book:
    """One gateway, its providers and its callers."""

    def __init__(
        self,
        providers: Sequence[str],
        dialect: ClientDialect,
        hosts: Mapping[str, Provider],
        keys: Mapping[str, int],
        *,
        closings: bool,
        hedging: Hedging = NO_HEDGING,
        key: ApiKey = KEY,
        charged: bool = False,
        billing: Billing | None = None,
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = LoopClock(self.loop)
        self.notes = _Notes()
        self._left: list[str] = []
        self.upstream = FakeUpstream(self.loop.time, self.left, says_when_closed=closings)
        self._ids = _Counting()
        rates = RateBoard(self.clock, RateLimits())
        self.admission, self.health, self.sessions = Admission(rates), HealthBoard(self._ids.uniform), SessionBoard()
        catalog = build(TABLES, providers, {}, {})
        self.hosts = {name: _host(hosts.get(name) or _provider(name), keys.get(name, 1)) for name in providers}
        seam: Any = self.upstream  # a Means names the class, and all it wants is ``exchange``
        self.hedges = HedgeBudget(hedging.extra_max)
        self.written: dict[str, Given] = {}  # what the store knows of idempotency keys, by digest
        once = Idempotency(self._stored, self.clock, must_know=charged or billing is not None)
        means = Means(
            self.hosts,
            seam, self.health, self.sessions, self.notes, self.notes, self.clock, self.hedges, once, rates,
            billing=billing, charged=charged,
        )  # fmt: skip
        self.services = Services(
            _Accounts(key), self.admission, self.sessions, self.health, enrol(catalog), Turns(means), self.clock,
            self._ids, once, LargeBodies(self.clock), hedging,
        )  # fmt: skip
        self._dialect = dialect
        self.clients: dict[str, _Client] = {}
        self.asked: list[Ask] = []
        self._ending: asyncio.Task[None] | None = None
        self.is_over = False
        self.store_is_slow = False
        opened.append(self)

    # ---- writing a script -------------------------------------------------------------------------------------------
    def __rshift__(self, arrival: Arrival) -> Book:
        """This arrives, and everything happens that follows from it now."""
        assert not self._left, f"this has left, and the script does not say so: {self._left}"
        self.arrive(arrival)
        return self

    def __lshift__(self, expected: str) -> Book:
        """This, and not something else, leaves next."""
        assert self._left[:1] == [expected], f"expected {expected!r}, but this has left: {self._left}"
        del self._left[0]
        return self

    def arrive(self, arrival: Arrival) -> None:
        seconds = 0.0
        match arrival:
            case Ask():
                self._ask(arrival)
            case Says(provider, said):
                self.upstream.line(provider).say(*said)
            case After(seconds):
                pass
            case Leaves(caller):
                self.loop.call_soon(self._leave, self.clients[caller])
            case StopsReading(caller):
                self.clients[caller].reads.clear()
            case ReadsOn(caller):
                self.clients[caller].reads.set()
            case Ends(drain_s):
                self.admission.draining = True
                self._ending = self.loop.create_task(self.services.turns.drain(drain_s))
        self.loop.advance(seconds)
        assert self.loop.mistakes == []

    def _ask(self, asked: Ask) -> None:
        client = self.clients[asked.caller] = _Client(asked.caller, self)
        self.asked.append(asked)
        client.task = self.loop.create_task(client.run(asked, self._dialect, self.services))

    async def _stored(self, account_id: str, digest: str, since: float) -> Given | None:
        if self.store_is_slow:
            await asyncio.sleep(60.0)
        found = self.written.get(f"{account_id} {digest}")
        return found if found is not None and found.at >= since else None

    def _leave(self, client: _Client) -> None:
        if client.reply is not None:
            client.reply.leave()

    def left(self, what: str) -> None:
        self._left.append(what)

    @property
    def outcome(self) -> list[str]:
        """What has left and was not read yet, and is now."""
        left, self._left = self._left, []
        return left

    def clear(self) -> None:
        """What has left does not matter."""
        self._left.clear()

    @property
    def told(self) -> str:
        """The same in one line, for where it does not matter how many writes there were."""
        return " | ".join(self.outcome)

    @property
    def ending_is_over(self) -> bool:
        """Whether the process may end."""
        return self._ending is not None and self._ending.done()

    # ---- what became of it ------------------------------------------------------------------------------------------
    @property
    def turns(self) -> int:
        """How many Turns there were."""
        return self._ids.made

    @property
    def record(self) -> RequestRecord:
        """The record of the only Turn."""
        assert len(self.notes.records) == 1
        return self.notes.records[0]

    def attempts(self, number: int = 0) -> list[str]:
        """The attempts of a record, in words."""
        return [f"{one.provider} {_outcome_words(one.outcome)}" for one in self.notes.records[number].attempts]

    def facts(self, caller: str = "caller") -> dict[str, str]:
        """The closing comment of a caller's stream."""
        lines = self.clients[caller].body.split(b"\n\n")
        comment = next(line for line in lines if line.startswith(b": gammainfra "))
        facts: dict[str, str] = json.loads(comment.removeprefix(b": gammainfra "))
        return facts

    def headers(self, caller: str = "caller") -> dict[str, str]:
        """The headers that a caller got."""
        head = self.clients[caller].head
        assert head is not None
        return {name.decode(): value.decode() for name, value in head.headers}

    def refused(self, caller: str = "caller") -> Refused:
        """What a caller was told instead of being let in."""
        refused = self.clients[caller].refused
        assert refused is not None
        return refused

    def error(self, caller: str = "caller") -> dict[str, Any]:
        """The error object that a caller got, by status or in-band."""
        shown: dict[str, Any] = json.loads(self.clients[caller].body.split(b"data: ")[-1])["error"]
        return shown

    def check_over(self, turns: int = 1, defects: int = 0) -> Book:
        """Nothing more has left or leaves; everything was given back; every Turn was recorded once."""
        self.loop.advance(3.0)
        assert self._left == []
        assert len(self.notes.defects) == defects, self.notes.defects
        self.check_at_rest(turns)
        return self

    def check_at_rest(self, turns: int) -> None:
        """Three seconds after the last thing happened, nothing of it is left."""
        assert self.loop.mistakes == []
        assert (self.admission.requests, self.admission.n_bytes) == (0, 0)
        assert self.services.turns.running == 0
        assert len({record.id for record in self.notes.records}) == len(self.notes.records) == turns
        assert self.notes.observed == self.notes.records
        tasks = {task.get_name() for task in asyncio.all_tasks(self.loop)}
        assert [name for name in tasks if name.startswith("gen-")] == []
        for client in self.clients.values():
            assert client.task is not None
            if client.task.done() and not client.task.cancelled():
                client.task.result()
        assert self.loop.timers() == []
        self.is_over = True

    def close(self) -> None:
        """Let go of the loop, whatever is still in it."""
        if not self.loop.is_closed():
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.advance(0.0)
            self.loop.close()


def _outcome_words(outcome: object) -> str:
    match outcome:
        case Absorbed(failure):
            return f"absorbed {failure.cause}"
        case LegFailed(failure):
            return f"failed {failure.cause}"
        case Cancelled(by):
            return f"cancelled by {by}"
        case _:
            return "served"


def _provider(name: str) -> Provider:
    return anthropic.PROVIDER if name == "anthropic" else compatible(name, f"http://{name}.test/v1")


def _host(provider: Provider, n_keys: int) -> Host:
    keys = [
        HostKey(f"{provider.name}-{n}", Secret("secret" if n == 1 else f"secret-{n}")) for n in range(1, n_keys + 1)
    ]
    return Host(provider, provider.url(), tuple(keys))


def book(
    *providers: str,
    dialect: ClientDialect = openai_chat.CLIENT,
    hosts: Mapping[str, Provider] | None = None,
    keys: Mapping[str, int] | None = None,
    closings: bool = False,
    hedging: Hedging = NO_HEDGING,
    key: ApiKey = KEY,
    charged: bool = False,
    billing: Billing | None = None,
) -> Book:
    """A gateway with these providers (acme and bolt without any), which are asked in their alphabetical order.

    ``keys`` says how many keys a provider has where it is not one. With ``closings`` the script reads of every exchange
    that the gateway closes before its end.
    """
    return Book(
        providers or ("acme", "bolt"),
        dialect,
        hosts or {},
        keys or {},
        closings=closings,
        hedging=hedging,
        key=key,
        charged=charged,
        billing=billing,
    )


def with_decoder(name: str, decoder: Any) -> Provider:
    """A provider whose answers are decoded by ``decoder()``."""
    provider = _provider(name)
    return replace(provider, dialect=_Dialect(provider.dialect, decoder))


class _Dialect:
    """A provider's dialect with another decoder."""

    def __init__(self, dialect: Any, decoder: Any) -> None:
        self._dialect = dialect
        self._decoder = decoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def decoder(self, *, streamed: bool) -> Any:
        return self._decoder(self._dialect.decoder(streamed=streamed))
