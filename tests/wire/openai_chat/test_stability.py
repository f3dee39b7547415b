from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gammainfra.domain.chat import ChatRequest, Message, Text, ToolSpec
from gammainfra.domain.endpoint import Endpoint, Model
from gammainfra.domain.target import Target
from gammainfra.providers import registry
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_deepseek import check_deepseek
from gammainfra.simulate.validate_groq import check_groq
from gammainfra.simulate.validate_mistral import check_mistral
from gammainfra.simulate.validate_openrouter import check_openrouter
from gammainfra.simulate.validate_xai import check_xai
from gammainfra.wire.openai_chat import CLIENT, PROVIDER
from tests.wire.conversations import closed_prefixes, conversations
from tests.wire.openai_chat.shapes import EVERYTHING, Json, body, call, calls, copied, sent, target, tool, user, written

DEEPSEEK = target(reasoning_required=True)
MISTRAL = target(
    id_rule="mistral",
    user_after_tool=False,
    strict_messages=True,
    reasoning_field="thinking_part",
    accepts=frozenset({"prefix"}),
)
GROQ = target(strict_messages=True, reasoning_field="reasoning")
XAI = target(reasoning_field="reasoning_content")
OPENROUTER = target(reasoning_field="reasoning_details", accepts=frozenset({"cache_control"}))
RULES: dict[str, tuple[Callable[[Json], None], str]] = {
    "mistral": (check_mistral, "mistral-medium-3-5"),
    "deepseek": (check_deepseek, "deepseek-v4-pro"),
    "groq": (check_groq, "openai/gpt-oss-120b"),
    "xai": (check_xai, "grok-4.5"),
    "openrouter": (check_openrouter, "anthropic/claude-opus-4.6"),
}


def endpoint(provider: str, model: str) -> Endpoint:
    return Endpoint(provider, Model("v/m", "v", "m", "M", EVERYTHING), model, price=None)


TARGETS = st.sampled_from([target(owns_dialect=True), target(), DEEPSEEK, MISTRAL, GROQ, XAI, OPENROUTER])


def write(messages: tuple[Message, ...], to: Target) -> list[Json]:
    asked = ChatRequest("openai_chat", "m", messages, tools=(ToolSpec("f"), ToolSpec("g")))
    found: list[Json] = sent(PROVIDER.write_request(asked, to))["messages"]
    return found


def blocks(messages: list[Json]) -> list[bytes]:
    """B(h), what a target is sent of a history h: (role, block) pairs, canonical, unmarked, none empty."""
    found: list[tuple[str, Any]] = []
    for message in messages:
        content = message.get("content") or []
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kept = [{key: value for key, value in part.items() if key != "cache_control"} for part in parts]
        found += [(message["role"], part) for part in kept]
        found += [(message["role"], one) for one in message.get("tool_calls", ())]
        rest = {key: value for key, value in message.items() if key not in {"role", "content", "tool_calls"}}
        found += [(message["role"], rest)] if rest else []
    return [msgspec.json.encode(one, order="sorted") for one in found]


def faults(messages: list[Json], to: Target) -> list[str]:
    """What a strict host of the dialect would answer with a 400."""
    found: list[str] = []
    waiting: list[str] = []
    seen: set[str] = set()
    shape = r"[A-Za-z0-9]{9}" if to.id_rule == "mistral" else r"[A-Za-z0-9_-]{1,40}"
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                found.append("orphan")
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            found.append("a call without a result")
        if message["content"] in ("", []):
            found.append("empty content")
        waiting = [one["id"] for one in message.get("tool_calls", ())]
        found += ["id shape" for one in waiting if not re.fullmatch(shape, one)]
        found += ["id twice" for one in waiting if one in seen]
        seen.update(waiting)
        for one in message.get("tool_calls", ()):
            if not isinstance(json.loads(one["function"]["arguments"]), dict):
                found.append("arguments")
        if to.reasoning_required and waiting and not message.get("reasoning_content"):
            found.append("reasoning")
    return found + (["a call without a result"] if waiting else [])


@settings(deadline=None)
@given(conversations(), TARGETS)
def test_what_was_sent_before_is_sent_again(messages: tuple[Message, ...], to: Target) -> None:
    whole = blocks(write(messages, to))
    for end in closed_prefixes(messages):
        before = blocks(write(messages[:end], to))
        assert whole[: len(before)] == before


@settings(deadline=None)
@given(conversations(), st.sampled_from(["mistral", "deepseek", "groq", "xai", "openrouter"]))
def test_no_conversation_breaks_a_rule_of_a_vendor(messages: tuple[Message, ...], name: str) -> None:
    asked = ChatRequest("openai_chat", "m", (*messages, Message("user", (Text("go on"),))), tools=(ToolSpec("f"),))
    assume(name != "deepseek" or "Image(" not in repr(messages))  # routing sends it none: it reads text only
    check, model = RULES[name]
    body = sent(PROVIDER.write_request(asked, registry.known()[name].target(endpoint(name, model), stream=True)))
    try:
        check(body)
    except Refusal as refusal:
        pytest.fail(str(refusal))
    assert body["model"] == model


@settings(deadline=None)
@given(conversations(), TARGETS)
def test_no_conversation_is_refused(messages: tuple[Message, ...], to: Target) -> None:
    assert faults(write(messages, to), to) == []


@settings(deadline=None)
@given(conversations())
def test_the_short_way_says_what_the_long_way_says(messages: tuple[Message, ...]) -> None:
    own = target(owns_dialect=True)
    said = write(messages, own)
    if not said:
        said = [user()]
    short = PROVIDER.copy_request(body(*said), CLIENT.sketch(body(*said)), own)
    assert blocks(sent(short)["messages"]) == blocks(said)
    assert blocks(sent(written(own, *said))["messages"]) == blocks(said)


def test_mended_messages_say_what_the_hub_says() -> None:
    own = target(owns_dialect=True)
    odd = [
        {"role": "system", "content": "s", "cache_control": {"type": "ephemeral"}},
        user([{"type": "text", "text": "u", "cache_control": {"type": "ephemeral"}}]),
        calls(call(arguments=""), content="x", reasoning_content="t"),
        tool(),
        calls(call("call_2", {"a": 1}), content=None),
        tool("call_2"),
    ]
    made = copied(own, *odd)
    assert blocks(sent(made)["messages"]) == blocks(sent(written(own, *odd))["messages"])
