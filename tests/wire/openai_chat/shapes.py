"""Short words for Chat Completions: requests, messages, chunks and what the official SDK makes of answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.stream import StreamEvent
from gammainfra.domain.target import Target, Written
from gammainfra.wire.openai_chat import CLIENT, PROVIDER

Json = dict[str, Any]
EVERYTHING = Capabilities(
    context_tokens=200_000,
    max_output_tokens=32_000,
    does=frozenset({"tools", "images", "json_schema", "json_object"}),
    thinking="effort",
)
TOOL: Json = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}


def user(content: object = "hi", **more: object) -> Json:
    return {"role": "user", "content": content, **more}


def call(call_id: str | None = "call_1", arguments: object = '{"x":1}', name: str = "f", **more: object) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def calls(*made: Json, content: object = None, **more: object) -> Json:
    return {"role": "assistant", "content": content, "tool_calls": list(made), **more}


def tool(call_id: str = "call_1", content: object = "r", **more: object) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def body(*messages: Json, **more: object) -> bytes:
    return json.dumps({"model": "m", "messages": list(messages) or [user()], **more}).encode()


def sketch(*messages: Json, **more: object) -> Sketch:
    return CLIENT.sketch(body(*messages, **more))


def target(**more: Any) -> Target:
    return Target(**{"provider": "p", "dialect": "openai_chat", "model": "up", "capabilities": EVERYTHING, **more})


def copied(to: Target, *messages: Json, **more: object) -> Written | None:
    raw = body(*messages, **more)
    return PROVIDER.copy_request(raw, CLIENT.sketch(raw), to)


def written(to: Target, *messages: Json, **more: object) -> Written:
    return PROVIDER.write_request(CLIENT.read_request(body(*messages, **more)), to)


def sent(made: Written | None) -> Json:
    assert made is not None
    decoded: Json = json.loads(made.body)
    return decoded


def chunk(delta: object = None, finish: str | None = None, **more: object) -> bytes:
    shown = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return event({"id": "c1", "model": "up", "choices": [shown], **more})


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def decoded(*pieces: bytes, streamed: bool = True) -> list[StreamEvent]:
    decoder = PROVIDER.decoder(streamed=streamed)
    return [one for piece in pieces for one in decoder.feed(piece)] + decoder.eof()


def chunks(stream: bytes) -> list[Json]:
    """The chunks of a rendered stream, each accepted by the official SDK's strict types."""
    data = [line[6:] for line in stream.decode().split("\n") if line.startswith("data: ") and line[6] == "{"]
    for one in data:
        ChatCompletionChunk.model_validate_json(one, strict=True)
    return [json.loads(one) for one in data]


def completion(rendered: bytes) -> Json:
    """A rendered body, accepted by the official SDK's strict types."""
    ChatCompletion.model_validate_json(rendered, strict=True)
    shown: Json = json.loads(rendered)
    return shown


def deltas(stream: Iterable[Json]) -> list[Json]:
    return [one["choices"][0]["delta"] for one in stream if one["choices"]]
