"""Short words for Responses: requests, items, and what the official SDK's strict types make of answers."""

from __future__ import annotations

import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.sketch import Sketch
from gammainfra.wire.openai_responses import CLIENT

Json = dict[str, Any]
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def message(role: str = "user", content: object = "hi", **more: object) -> Json:
    return {"type": "message", "role": role, "content": content, **more}


def call(call_id: str = "call_1", arguments: str = '{"x":1}', name: str = "f", **more: object) -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def output(call_id: str = "call_1", said: object = "r", **more: object) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": said, **more}


def function(name: str = "f", **more: object) -> Json:
    return {"type": "function", "name": name, "description": "d", "parameters": {"type": "object"}, **more}


def body(*items: object, **more: object) -> bytes:
    return json.dumps({"model": "m", "input": list(items) or "hi", **more}).encode()


def sketch(*items: object, **more: object) -> Sketch:
    return CLIENT.sketch(body(*items, **more))


def read(*items: object, **more: object) -> ChatRequest:
    return CLIENT.read_request(body(*items, **more))


def events(stream: bytes) -> list[Json]:
    """The events of a rendered stream, numbered without a gap, each accepted by the SDK's strict types."""
    found = []
    for block in stream.decode().split("\n\n"):
        if not block or block.startswith(":"):
            continue
        kind, shown = block.split("\n")
        event = json.loads(shown.removeprefix("data: "))
        assert kind == f"event: {event['type']}"
        _EVENT.validate_json(json.dumps(event), strict=True)
        found.append(event)
    first = found[0]["sequence_number"]
    assert [event["sequence_number"] for event in found] == list(range(first, first + len(found)))
    return found


def response(rendered: bytes) -> Json:
    """A rendered body, accepted by the SDK's strict types."""
    Response.model_validate_json(rendered, strict=True)
    shown: Json = json.loads(rendered)
    return shown
