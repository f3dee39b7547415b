"""What one dialect alone understands never reaches a host of another one; it is named instead."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gammainfra.wire import anthropic, openai_chat
from tests.wire.anthropic import rules, spoken
from tests.wire.openai_chat import shapes

FOREIGN = {"type": "search_result", "source": "s", "title": "t", "content": []}


def test_what_anthropic_alone_understands_does_not_reach_openai() -> None:
    request = anthropic.CLIENT.read_request(
        spoken.body(
            spoken.user(spoken.text(), FOREIGN),
            spoken.assistant(
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                spoken.text("so", citations=[]),
                spoken.use(),
            ),
            spoken.user(spoken.result(content=[spoken.text("r"), FOREIGN])),
            tools=[spoken.TOOL, {"type": "web_search_20250305", "name": "web_search"}],
            context_management={"edits": []},
        )
    )
    made = openai_chat.PROVIDER.write_request(request, shapes.target(owns_dialect=True))
    sent: dict[str, Any] = json.loads(made.body)
    assert sent.keys() == {"model", "messages", "tools", "max_tokens"}
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["f"]
    assert sent["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "so", "tool_calls": [shapes.call("toolu_1")]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "r"},
    ]
    assert set(made.dropped_params) >= {"tools", "context_management", "messages.search_result"}


def test_what_openai_alone_understands_does_not_reach_anthropic() -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}
    raw = shapes.body(shapes.user([{"type": "text", "text": "hi"}, audio]), store=True, future=1, seed=3)
    made = anthropic.PROVIDER.write_request(openai_chat.CLIENT.read_request(raw), rules.target())
    sent: dict[str, Any] = json.loads(made.body)
    assert rules.refusals(sent) == []
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert set(made.dropped_params) >= {"input_audio", "seed"}


def test_a_clients_name_for_its_user_fits_everywhere() -> None:
    asked = anthropic.CLIENT.read_request(spoken.body(spoken.user(spoken.text()), metadata={"user_id": "u" * 65}))
    sent: dict[str, Any] = json.loads(openai_chat.PROVIDER.write_request(asked, shapes.target(owns_dialect=True)).body)
    assert len(sent["user"]) == 64
    short = replace(asked, user="u" * 64)
    sent = json.loads(openai_chat.PROVIDER.write_request(short, shapes.target(owns_dialect=True)).body)
    assert sent["user"] == "u" * 64
