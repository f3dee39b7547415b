"""What providers say, in the words of Chat Completions."""

from __future__ import annotations

import json
from typing import Any

from tests.conversations.upstream import JSON, Broken, EndOfBody, Head, Saying

END = EndOfBody()
CUT = Broken()
DONE = b"data: [DONE]\n\n"
PROMPT_TOKENS, ANSWER_TOKENS = 100, 10
USAGE = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS, "total_tokens": 110}


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return event({"id": "up-1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def begin() -> bytes:
    """The first event, which says nothing useful."""
    return chunk({"role": "assistant", "content": ""})


def text(said: str) -> bytes:
    return chunk({"content": said})


def thinking(said: str) -> bytes:
    return chunk({"reasoning_content": said})


def call(call_id: str, arguments: str = '{"a":1}', *, index: int = 0, name: str = "write") -> bytes:
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})


def arguments(said: str, *, index: int = 0) -> bytes:
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": said}}]})


def stop(reason: str = "stop") -> bytes:
    return chunk({}, reason)


def usage() -> bytes:
    return event({"id": "up-1", "choices": [], "usage": USAGE})


def finish(reason: str = "stop") -> tuple[Saying, ...]:
    """The whole end of a stream."""
    return stop(reason), usage(), DONE, END


def error(message: str, **more: Any) -> bytes:
    """An error inside a stream."""
    return event({"error": {"message": message, **more}})


def refuses(status: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> tuple[Saying, ...]:
    """An answer that is none."""
    body = json.dumps({"error": {"message": message, **more}}).encode()
    return Head(status, {**JSON, **(headers or {})}), body, END


def whole(said: str = "", calls: tuple[tuple[str, str], ...] = (), reason: str = "stop") -> tuple[Saying, ...]:
    """An answer in one body; ``calls`` are (id, arguments)."""
    message: dict[str, Any] = {"role": "assistant", "content": said or None}
    if calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": "write", "arguments": given}}
            for call_id, given in calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return Head(200, JSON), json.dumps({"id": "up-1", "choices": [choice], "usage": USAGE}).encode(), END
