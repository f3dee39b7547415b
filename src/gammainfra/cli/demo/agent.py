"""A tool-calling agent as people write them: the official ``openai`` client, a loop, three tools in a folder.

It does what the model says and decides nothing: no retry, no repair, no second look. Whatever goes wrong ends its task.
"""

from __future__ import annotations

import importlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import openai
from openai.types.chat import ChatCompletionChunk

# The SDK speaks through httpx or httpx2, by its version, and older ones let the errors of that through.
_HTTP_ERROR: Final[type[Exception]] = importlib.import_module(
    openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]
).HTTPError

_SYSTEM: Final = (
    "You are a coding agent. Read input.txt, then write one file for each of its lines, one file a turn, "
    "and check the result at the end. Use the tools; never ask back."
)
_COMMENT: Final = b": gammainfra "


def _tool(name: str, **parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string", "description": text} for parameter, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {
        "type": "function",
        "function": {"name": name, "description": f"{name} in the folder", "parameters": schema},
    }


TOOLS: Final = (
    _tool("read_file", path="the file to read"),
    _tool("write_file", path="the file to write", content="all of its new content"),
    _tool("run", command="a shell command"),
)


class TaskDied(Exception):
    """What would have ended an unattended run: an error that reached the loop, or an answer it cannot go on with."""


@dataclass(frozen=True, slots=True)
class Step:
    """One turn, as the client saw it. ``facts`` are the gateway's closing comment (empty without a gateway);

    ``usage`` is the last usage object, its numbers exact (int or Decimal).
    """

    number: int
    did: str
    answer_id: str
    facts: Mapping[str, str]
    usage: Mapping[str, Any]
    seconds: float

    @property
    def cost(self) -> Decimal:
        """``usage.cost`` in USD, exact; 0 when none was told."""
        return Decimal(self.usage.get("cost", 0))

    @property
    def absorbed_cost(self) -> Decimal:
        """What the provider bills for the attempts that failed, in USD."""
        return Decimal(self.usage.get("cost_details", {}).get("absorbed", 0))

    @property
    def endpoint(self) -> str:
        """Who served, as ``provider/model``."""
        return self.facts.get("endpoint", "")

    @property
    def absorbed(self) -> tuple[tuple[str, str], ...]:
        """The failures that the gateway absorbed, as (provider, cause)."""
        reasons = self.facts.get("fallback_reason", "")
        parts = (reason.partition("_") for reason in reasons.split(",") if reason)
        return tuple((provider, cause) for provider, _, cause in parts)


class TappedClient(openai.DefaultHttpxClient):
    """The SDK's own HTTP client, keeping a copy of the last answer's bytes: SDKs drop comments and round numbers."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)  # a proxy of the machine must not see loopback traffic
        self.heard = bytearray()

    def send(self, request: Any, **how: Any) -> Any:  # noqa: ANN401 - of httpx or of httpx2
        """As always, with a copy."""
        response: Any = super().send(request, **how)
        heard = self.heard = bytearray()
        read = response.iter_raw

        def iter_raw(chunk_size: int | None = None) -> Iterator[bytes]:
            for piece in read(chunk_size):
                heard.extend(piece)
                yield piece

        response.iter_raw = iter_raw
        return response


@dataclass(slots=True)
class _Answer:
    """A streamed answer, put together."""

    id: str = ""
    text: str = ""
    calls: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, chunk: ChatCompletionChunk) -> None:
        self.id = self.id or chunk.id
        for choice in chunk.choices:
            self.text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or ():
                call = self.calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += piece.id or ""
                if piece.function is not None:
                    call["name"] += piece.function.name or ""
                    call["arguments"] += piece.function.arguments or ""

    def message(self) -> dict[str, Any]:
        calls = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in self.calls.values()
        ]
        return {"role": "assistant", "content": self.text, **({"tool_calls": calls} if calls else {})}


class Agent:
    """One task at one base URL. ``max_retries`` is the SDK's; None leaves its default (2)."""

    def __init__(self, folder: Path, *, base_url: str, api_key: str, model: str, max_retries: int | None) -> None:
        self.done = False
        self.writes: Counter[str] = Counter()
        self._folder = folder
        self._model = model
        self._wire = TappedClient()
        retries: dict[str, Any] = {} if max_retries is None else {"max_retries": max_retries}
        self._client = openai.OpenAI(base_url=base_url, api_key=api_key, http_client=self._wire, **retries)
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": "Do the task in input.txt."},
        ]
        self._step = 0

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def take_step(self) -> Step:
        """Ask once, do what the answer says. Raises TaskDied, and then the same step can be taken again."""
        began = time.monotonic()
        answer = self._ask()
        if not answer.calls and not answer.text.strip():
            raise TaskDied("an empty answer, which a loop takes for the end")
        did = [self._do(call) for call in answer.calls.values()]
        self._messages.append(answer.message())
        for call, (_, result) in zip(answer.calls.values(), did, strict=True):
            self._messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        facts, usage = _read_tail(bytes(self._wire.heard))
        shown = ", ".join(what for what, _ in did) or "done"
        step = Step(self._step, shown, answer.id, facts, usage, time.monotonic() - began)
        self._step += 1
        self.done = not answer.calls
        return step

    def _ask(self) -> _Answer:
        answer = _Answer()
        create: Any = self._client.chat.completions.create
        try:
            with create(
                model=self._model,
                messages=self._messages,
                tools=list(TOOLS),
                stream=True,
                stream_options={"include_usage": True},
            ) as stream:
                for chunk in stream:
                    answer.add(chunk)
        except (openai.OpenAIError, _HTTP_ERROR) as error:
            raise TaskDied(f"{type(error).__name__}: {error}") from error
        return answer

    def _do(self, call: Mapping[str, str]) -> tuple[str, str]:
        """What was done, in words, and the tool's result."""
        try:
            arguments = json.loads(call["arguments"])
        except ValueError as error:
            raise TaskDied(f"the arguments of {call['name']} are no JSON") from error
        match call["name"]:
            case "read_file":
                return f"read {arguments['path']}", (self._folder / arguments["path"]).read_text("utf-8")
            case "write_file":
                path = self._folder / arguments["path"]
                path.write_text(arguments["content"], "utf-8")
                self.writes[path.name] += 1
                return f"write {path.name}", "written"
            case _:
                return "run checks", self._look(arguments["command"])

    def _look(self, command: str) -> str:
        """What the script's one command (show a file, count all) would print; no shell is started for it."""
        shown = self._folder / command.split()[1]
        text = shown.read_text("utf-8") if shown.is_file() else ""
        return f"{text}{sum(1 for _ in self._folder.iterdir())}\n"


def _read_tail(heard: bytes) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """The closing comment and the usage object of a stream, from its bytes."""
    facts: Mapping[str, str] = {}
    usage: Mapping[str, Any] = {}
    for line in heard.splitlines():
        if line.startswith(_COMMENT):
            facts = json.loads(line.removeprefix(_COMMENT))
        elif line.startswith(b"data: {"):
            usage = json.loads(line.removeprefix(b"data: "), parse_float=Decimal).get("usage") or usage
    return facts, usage
