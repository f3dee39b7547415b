from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.chat import Message, ToolSpec
from gammainfra.domain.target import Target
from gammainfra.wire.anthropic import PROVIDER
from tests.wire.anthropic.rules import refusals, request, target
from tests.wire.conversations import closed_prefixes, conversations

TARGETS = st.sampled_from(
    [
        target(),
        target(automatic_cache_marks=True),
        target(drop_thinking=True),
        target(owns_dialect=False, provider="other"),
        target(origin_account="key-1"),
    ]
)
TOOLS = (ToolSpec("f"), ToolSpec("g"))


def sent(messages: tuple[Message, ...], to: Target) -> dict[str, Any]:
    asked = request(*messages, tools=TOOLS, effort="high")
    return msgspec.json.decode(PROVIDER.write_request(asked, to).body, type=dict[str, Any])


def stable(body: dict[str, Any]) -> list[Any]:
    """B(h), what a target is sent of a history h: (system, tools), then (role, block) pairs, canonical, unmarked."""
    unmarked = [
        (message["role"], {key: value for key, value in block.items() if key != "cache_control"})
        for message in body["messages"]
        for block in message["content"]
    ]
    head = [
        [{k: v for k, v in b.items() if k != "cache_control"} for b in body.get(n, [])] for n in ("system", "tools")
    ]
    return [msgspec.json.encode(one, order="sorted") for one in (head, *unmarked)]


@given(conversations(), TARGETS)
def test_what_was_sent_before_is_sent_again(messages: tuple[Message, ...], to: Target) -> None:
    whole = stable(sent(messages, to))
    for end in closed_prefixes(messages):
        before = stable(sent(messages[:end], to))
        assert whole[: len(before)] == before


@given(conversations(), TARGETS)
def test_no_conversation_is_refused(messages: tuple[Message, ...], to: Target) -> None:
    assert refusals(sent(messages, to)) == []


@given(conversations(max_size=5))
def test_marks_are_laid_on_without_touching_anything_else(messages: tuple[Message, ...]) -> None:
    plain, marked = sent(messages, target()), sent(messages, target(automatic_cache_marks=True))
    assert stable(plain) == stable(marked)
    assert b"cache_control" not in PROVIDER.write_request(request(*messages), target()).body
