"""What travels in the bench: requests of an agent at two sizes, and a provider's answers in both dialects.

Everything is made up and always the same but for a serial number: no two requests of a run are equal, because the
gateway knows a repeated question, and no real agent sends one. Every connection is an agent task of its own.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any, Final, Literal

Size = Literal["1 KB", "50 KB"]
Dialect = Literal["openai", "anthropic"]

CHUNKS: Final = 200  # text events of one streamed answer
GAP_S: Final = 0.005  # between them, where a stream is paced
END: Final = "end-of-the-answer"  # every answer ends with it, so a cut one is seen

# What the simulated provider does follows from the model that it is asked for.
OPENAI: Final = "openai/gpt-6.1-sol"
ANTHROPIC: Final = "anthropic/claude-sonnet-5-5"
OPENAI_PACED: Final = "openai/gpt-6.1-terra"
ANTHROPIC_PACED: Final = "anthropic/claude-haiku-5-5"
REFUSING: Final = "deepseek/deepseek-v4-pro"
AUTO: Final = "gammainfra/auto"
PACED_MODELS: Final = frozenset({b"gpt-6.1-terra", b"claude-haiku-5-5"})
REFUSING_MODELS: Final = frozenset({b"deepseek-v4-pro"})

_SERIAL: Final = "serial-00000000"
_PROSE: Final = (
    "def return import class self value error line path raise None assert for while with yield async await list dict"
    " reads writes the file and runs tests until they pass then looks at what changed in module config parser schema"
)
_WORDS: Final = _PROSE.split()
_TURNS: Final = 20
_TOOLS: Final = 20


@dataclass(frozen=True, slots=True)
class Template:
    """A request body around its serial number."""

    before: bytes
    after: bytes

    def fill(self, serial: int) -> bytes:
        """Return the body with this number in it; all of one template are equally long."""
        return b"%bserial-%08d%b" % (self.before, serial, self.after)


def template(size: Size, models: tuple[str, ...], *, stream: bool, task: int) -> Template:
    """Return the request of agent task number ``task``; with several models, the later ones are its fallbacks."""
    made = random.Random(task)
    body: dict[str, Any] = {"model": models[0]} if len(models) == 1 else {"model": models[0], "models": models[1:]}
    body |= _small(made) if size == "1 KB" else _agent(made, task)
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    before, after = json.dumps(body).split(_SERIAL)
    return Template(before.encode(), after.encode())


def _small(made: random.Random) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": _text(made, 60)},
            {"role": "user", "content": f"{_text(made, 85)} {_SERIAL}"},
        ],
        "max_completion_tokens": 256,
    }


def _agent(made: random.Random, task: int) -> dict[str, Any]:
    """Return an agent's request after 20 steps: system text, 20 tools, 20 calls with their results."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": _text(made, 700)},
        {"role": "user", "content": _text(made, 90)},
    ]
    for turn in range(_TURNS):
        call = f"call_{task:04d}x{turn:019d}"
        arguments = json.dumps({"path": f"src/{made.choice(_WORDS)}_{turn}.py", "content": _code(made, 4)})
        function = {"name": f"tool_{turn:02d}", "arguments": arguments}
        shown = {"id": call, "type": "function", "function": function}
        messages.append({"role": "assistant", "content": _text(made, 20), "tool_calls": [shown]})
        messages.append({"role": "tool", "tool_call_id": call, "content": _code(made, 14)})
    messages.append({"role": "user", "content": f"{_text(made, 20)} {_SERIAL}"})
    return {
        "messages": messages,
        "tools": [_tool(made, number) for number in range(_TOOLS)],
        "tool_choice": "auto",
        "max_completion_tokens": 4096,
    }


def _tool(made: random.Random, number: int) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": _text(made, 12)} for name in ("path", "content", "mode")}
    schema = {"type": "object", "properties": properties, "required": ["path"]}
    function = {"name": f"tool_{number:02d}", "description": _text(made, 45), "parameters": schema}
    return {"type": "function", "function": function}


def _text(made: random.Random, words: int) -> str:
    return " ".join(made.choices(_WORDS, k=words))


def _code(made: random.Random, lines: int) -> str:
    """Return text with the quotes and line ends of code, which JSON has to escape."""
    return "\n".join(f'    {made.choice(_WORDS)} = "{_text(made, 10)}"  # {number}' for number in range(lines))


# ---- answers ---------------------------------------------------------------------------------------------------------
def whole(dialect: Dialect) -> bytes:
    """Return a provider's answer as one body."""
    text = f"{_text(random.Random(0), 60)} {END}"
    return json.dumps(_openai_whole(text) if dialect == "openai" else _anthropic_whole(text)).encode()


def streamed(dialect: Dialect) -> list[bytes]:
    """Return a provider's answer as server-sent events, the one with the last words and all that follow it as one."""
    pieces = [f" word{number:03d}" for number in range(CHUNKS - 1)] + [f" {END}"]
    events = _openai_events(pieces) if dialect == "openai" else _anthropic_events(pieces)
    return [event.encode() for event in events]


def too_many() -> bytes:
    """Return the body of a 429."""
    error = {"message": "Too many requests.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    return json.dumps({"error": error}).encode()


def _openai_whole(text: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _openai("chat.completion") | {"choices": [choice], "usage": _OPENAI_USAGE}


def _anthropic_whole(text: str) -> dict[str, Any]:
    return _ANTHROPIC | {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}


def _openai(kind: str) -> dict[str, Any]:
    named = {"id": "chatcmpl-0123456789abcdefghijABCDEFGHI", "object": kind, "created": 1_790_000_000}
    return named | {"model": "gpt-6.1-sol", "service_tier": "default", "system_fingerprint": "fp_0123456789"}


_OPENAI_USAGE: Final = {
    "prompt_tokens": 1200,
    "completion_tokens": CHUNKS,
    "total_tokens": 1200 + CHUNKS,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
_ANTHROPIC: Final[dict[str, Any]] = {
    "id": "msg_0123456789abcdefghijklmn",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {
        "input_tokens": 1200,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 1024,
        "output_tokens": CHUNKS,
    },
}


def _openai_events(pieces: list[str]) -> list[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(_openai("chat.completion.chunk") | {"choices": [choice], "usage": None})

    first = chunk({"role": "assistant", "content": "", "refusal": None})
    counts = _event(_openai("chat.completion.chunk") | {"choices": [], "usage": _OPENAI_USAGE})
    events = [chunk({"content": piece}) for piece in pieces]
    return [first + events[0], *events[1:-1], events[-1] + chunk({}, "stop") + counts + "data: [DONE]\n\n"]


def _anthropic_events(pieces: list[str]) -> list[str]:
    def named(kind: str, **fields: object) -> str:
        return f"event: {kind}\n{_event({'type': kind, **fields})}"

    start = named("message_start", message=_ANTHROPIC) + named(
        "content_block_start", index=0, content_block={"type": "text", "text": ""}
    )
    texts = [named("content_block_delta", index=0, delta={"type": "text_delta", "text": piece}) for piece in pieces]
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    end = named("content_block_stop", index=0)
    end += named("message_delta", delta=stop, usage={"output_tokens": CHUNKS}) + named("message_stop")
    return [start + texts[0], *texts[1:-1], texts[-1] + end]


def _event(fields: dict[str, Any]) -> str:
    return f"data: {json.dumps(fields, separators=(',', ':'))}\n\n"
