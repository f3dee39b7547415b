"""One question, written for whoever is asked: verbatim, over the hub, or repaired."""

from __future__ import annotations

import json
from typing import Any

from tests.conversations.playbook import ask, book, says
from tests.conversations.saying import END, finish, refuses, text
from tests.conversations.upstream import EVENT_STREAM, Head

SIGNATURE = "messages.1.content.0: Invalid `signature` in `thinking` block"
THOUGHT = {"type": "reasoning.text", "text": "hm", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}
HISTORY = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello", "reasoning_details": [THOUGHT]},
    {"role": "user", "content": "More"},
]


def test_another_dialect_gets_the_question_over_the_hub_and_the_hub_is_read_once() -> None:
    b = book("anthropic", "acme")
    b >> ask(model="anthropic/claude") << "anthropic asked"
    sent = json.loads(b.upstream.lines[0].ask.body)
    assert sent["messages"][0]["role"] == "user"
    assert b.upstream.lines[0].ask.headers["x-api-key"] == "secret"
    b >> says("anthropic", *refuses(500)) << "acme asked" >> says("acme", text("Yes"), *finish())
    b.clear()
    b.check_over()


def test_a_signature_that_is_refused_is_left_out_and_named() -> None:
    b = book("anthropic")
    b >> ask(model="anthropic/claude", messages=HISTORY) << "anthropic asked"
    assert b"c2ln" in b.upstream.lines[0].ask.body
    refused = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": SIGNATURE}}).encode()
    b >> says("anthropic", Head(400, {"content-type": "application/json"}), refused, END) << "anthropic asked"
    assert b"c2ln" not in b.upstream.lines[1].ask.body
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": {"id": "msg_1", "usage": {"input_tokens": 10, "output_tokens": 1}}}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Yes"}}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}),
        ("message_stop", {}),
    ]
    said = [f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode() for kind, more in events]
    b >> says("anthropic", Head(200, EVENT_STREAM), *said, END)
    assert b.told == "200 | 'Yes' | stop | done | end"
    assert b.attempts() == ["anthropic absorbed invalid_signature", "anthropic served"]
    assert b.record.usage.completion_tokens == 5
    b.check_over()
