"""What compatible hosts want otherwise, each by the field of Target that says so."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gammainfra.domain.target import ReasoningField, Target, Written
from tests.wire.openai_chat.shapes import Json, call, calls, copied, sent, target, tool, user, written

Way = Callable[..., Written | None]
STRICT = target(strict_messages=True)
THOUGHT = {"reasoning_content": "hm"}


def last(to: Target, *messages: Json) -> Json:
    found: Json = sent(written(to, *messages))["messages"][-1]
    return found


def test_a_strict_host_gets_no_field_that_it_does_not_name() -> None:
    said = [
        {"role": "developer", "content": "d", "name": "n"},
        user("u", name="jo"),
        {"role": "assistant", "content": "a", "refusal": "no", "name": "bot", "reasoning_content": "t"},
        user("v"),
    ]
    assert sent(written(STRICT, *said))["messages"] == [
        {"role": "system", "content": "d"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a\nno"},
        {"role": "user", "content": "v"},
    ]
    assert copied(STRICT, user("u")) is None


def test_an_answer_to_be_continued_is_marked_where_the_host_wants_a_mark() -> None:
    to = target(accepts=frozenset({"prefix"}))
    begun = {"role": "assistant", "content": "Once"}
    assert last(to, user(), begun) == {**begun, "prefix": True}
    assert last(target(), user(), begun) == begun
    assert "prefix" not in last(to, user(), begun, user())


@pytest.mark.parametrize(
    ("field", "placed"),
    [
        ("reasoning_content", {"content": "a", "reasoning_content": "hm"}),
        ("reasoning", {"content": "a", "reasoning": "hm"}),
        (
            "thinking_part",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            },
        ),
        ("", {"content": "a"}),
    ],
)
def test_reasoning_returns_in_the_hosts_own_place(field: ReasoningField, placed: Json) -> None:
    to = target(reasoning_field=field)
    said = [user(), {"role": "assistant", "content": "a", **THOUGHT}, user()]
    assert sent(written(to, *said))["messages"][1] == {"role": "assistant", **placed}


def test_reasoning_beside_calls_alone_is_a_part_of_its_own() -> None:
    made = written(target(reasoning_field="thinking_part"), user(), calls(call(), **THOUGHT), tool())
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert sent(made)["messages"][1]["content"] == [thought]


@pytest.mark.parametrize("way", [copied, written])
def test_effort_is_told_in_the_hosts_words(way: Way) -> None:
    to = target(efforts={"minimal": "low"}, thinking_off={"thinking": {"type": "disabled"}})
    assert sent(way(to, user(), reasoning_effort="minimal"))["reasoning_effort"] == "low"
    assert sent(way(to, user(), reasoning_effort="high"))["reasoning_effort"] == "high"
    off = sent(way(to, user(), reasoning_effort="none"))
    assert off["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" not in off


def test_the_text_of_a_message_with_nothing_else_is_plain() -> None:
    assert json.loads(written(STRICT, user([{"type": "text", "text": "u"}])).body)["messages"] == [user("u")]
