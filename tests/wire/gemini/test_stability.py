from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.chat import Message
from gammainfra.domain.target import Target
from gammainfra.simulate.validate_gemini import check_gemini
from gammainfra.wire.gemini import PROVIDER
from tests.wire.conversations import closed_prefixes, conversations
from tests.wire.gemini.shapes import TOOLS, TWO, request, target

TARGETS = st.sampled_from(
    [target(), target(model="gemini-2.5-pro", capabilities=TWO), target(drop_thinking=True), target(id_rule="mistral")]
)


def sent(messages: tuple[Message, ...], to: Target) -> dict[str, Any]:
    asked = request(*messages, tools=TOOLS, effort="high")
    return msgspec.json.decode(PROVIDER.write_request(asked, to).body, type=dict[str, Any])


def stable(body: dict[str, Any]) -> list[Any]:
    """B(h), what a target is sent of a history h: (system, tools), then (role, part) pairs, canonical."""
    head = [body.get("systemInstruction"), body.get("tools")]
    parts = [(turn["role"], part) for turn in body["contents"] for part in turn["parts"]]
    return [msgspec.json.encode(one, order="sorted") for one in (head, *parts)]


@given(conversations(), TARGETS)
def test_what_was_sent_before_is_sent_again(messages: tuple[Message, ...], to: Target) -> None:
    whole = stable(sent(messages, to))
    for end in closed_prefixes(messages):
        before = stable(sent(messages[:end], to))
        assert whole[: len(before)] == before


@given(conversations(), TARGETS)
def test_no_conversation_is_refused(messages: tuple[Message, ...], to: Target) -> None:
    check_gemini({**sent(messages, to), "model": to.model}, "gemini")


@given(conversations(), TARGETS)
def test_no_two_calls_share_an_id(messages: tuple[Message, ...], to: Target) -> None:
    parts = [part for turn in sent(messages, to)["contents"] for part in turn["parts"]]
    ids = [part["functionCall"]["id"] for part in parts if "functionCall" in part]
    assert len(set(ids)) == len(ids)
    assert ids == [part["functionResponse"]["id"] for part in parts if "functionResponse" in part]
