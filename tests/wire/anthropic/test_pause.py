from __future__ import annotations

import json
from typing import Any

from gammainfra.domain.stream import Finished, Opaque, StreamEvent, TextDelta, ThinkingDelta
from gammainfra.wire.anthropic import continue_request
from gammainfra.wire.anthropic.blocks import THINKING_FORMAT

ASKED = [{"role": "user", "content": "find it"}]
USE = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}


def continued(*said: StreamEvent, fields: bytes = b"") -> dict[str, Any]:
    body = json.dumps({"model": "claude", "messages": ASKED, "tools": [{"type": "web_search"}]}).encode()
    decoded: dict[str, Any] = json.loads(continue_request(body, said, Finished("stop", native_fields=fields)))
    return decoded


def opaque(event: dict[str, Any]) -> Opaque:
    return Opaque("anthropic", json.dumps(event).encode())


def test_what_was_said_comes_back_as_it_was() -> None:
    asked = continued(
        ThinkingDelta("hm", index=0, format=THINKING_FORMAT),
        ThinkingDelta(signature="sig", index=0, format=THINKING_FORMAT),
        TextDelta("I "),
        TextDelta("look"),
        opaque({"type": "content_block_start", "index": 2, "content_block": USE}),
        opaque(
            {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}}
        ),
        opaque({"type": "content_block_stop", "index": 2}),
    )
    assert asked["messages"] == [
        *ASKED,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "text", "text": "I look"},
                USE,
            ],
        },
    ]
    assert asked["tools"] == [{"type": "web_search"}]
    assert "container" not in asked


def test_the_container_in_which_code_ran_is_named_again() -> None:
    assert continued(TextDelta("x"), fields=b'{"container":{"id":"c1","expires_at":"z"}}')["container"] == "c1"
    assert "container" not in continued(TextDelta("x"), fields=b'{"container":"odd"}')
