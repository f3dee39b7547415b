"""Short words for Messages clients: requests, blocks, and what the official SDK makes of answers."""

from __future__ import annotations

import json
from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from gammainfra.domain.bill import Bill, Closing
from gammainfra.domain.money import Charge
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.stream import StreamEvent
from gammainfra.domain.target import Written
from gammainfra.domain.usage import Usage
from gammainfra.wire.anthropic import CLIENT, PROVIDER
from gammainfra.wire.anthropic.render import MessagesRenderer
from tests.wire.anthropic.rules import target

Json = dict[str, Any]
MARK: Json = {"type": "ephemeral"}
TOOL: Json = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
USAGE = Usage(input_tokens=5, cache_read_tokens=40, cache_write_tokens=3, cache_write_1h_tokens=2, output_tokens=7)
CLOSING = Closing(Bill(USAGE, Charge(1000, 200, 30, 5)), {"attempted_count": "1"})


def text(said: object = "hi", **more: object) -> Json:
    return {"type": "text", "text": said, **more}


def use(call_id: object = "toolu_1", given: object = None, **more: object) -> Json:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {"x": 1} if given is None else given, **more}


def result(call_id: str = "toolu_1", content: object = "r", **more: object) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def user(*content: object) -> Json:
    return {"role": "user", "content": list(content) or "hi"}


def assistant(*content: object) -> Json:
    return {"role": "assistant", "content": list(content)}


def body(*messages: Json, **more: object) -> bytes:
    asked = {"model": "m", "max_tokens": 100, "messages": list(messages) or [user()], **more}
    return json.dumps({name: value for name, value in asked.items() if value is not ...}).encode()


def sketch(*messages: Json, **more: object) -> Sketch:
    return CLIENT.sketch(body(*messages, **more))


def copied(*messages: Json, to: Json | None = None, **more: object) -> Written | None:
    raw = body(*messages, **more)
    return PROVIDER.copy_request(raw, CLIENT.sketch(raw), target(**(to or {})))


def sent(made: Written | None) -> Json:
    assert made is not None
    decoded: Json = json.loads(made.body)
    return decoded


def written(*messages: Json, to: Json | None = None, **more: object) -> Written:
    return PROVIDER.write_request(CLIENT.read_request(body(*messages, **more)), target(**(to or {})))


def renderer(*, stream: bool = True) -> MessagesRenderer:
    asked = sketch(stream=stream)
    made = CLIENT.renderer(asked, answer_id="gen-7", model="asked/for", created_at=0)
    assert isinstance(made, MessagesRenderer)
    return made


def events(stream: bytes) -> list[Json]:
    """The events of a rendered stream, each accepted by the official SDK's strict types."""
    frames = [frame.split("\n") for frame in stream.decode().split("\n\n") if frame and not frame.startswith(":")]
    shown: list[Json] = []
    for name, line in frames:
        one = json.loads(line.removeprefix("data: "))
        assert name == f"event: {one['type']}"
        if one["type"] not in {"error", "ping"}:
            EVENT.validate_json(line.removeprefix("data: "), strict=True)
        shown.append(one)
    return shown


def message(rendered: bytes) -> Json:
    """A rendered body, accepted by the official SDK's strict types."""
    Message.model_validate_json(rendered, strict=True)
    shown: Json = json.loads(rendered)
    return shown


def streamed(*said: StreamEvent, closing: Closing = CLOSING) -> list[Json]:
    return events(renderer().tail(said, closing))


def whole(*said: StreamEvent, closing: Closing = CLOSING) -> Json:
    return message(renderer(stream=False).whole(said, closing))
