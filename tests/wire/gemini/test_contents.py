from __future__ import annotations

from typing import Any

import pytest

from gammainfra.domain.chat import Document, Image, Origin, Part, Thinking, ToolResult
from gammainfra.wire.gemini.contents import UNSIGNED
from tests.wire.conversations import PNG, assistant, call, result, user
from tests.wire.gemini.shapes import MADE_BY, SENTINEL, TWO, contents, written

SIGNED = {"name": "f", "args": {}}


def step(*parts: Part | str, ids: tuple[str, ...] = ("a",), **changes: Any) -> list[Any]:
    """The model's turn of one step of a tool loop."""
    parts_of_turn: list[Any] = contents(user("go"), assistant(*parts), user(*map(result, ids)), **changes)[1]
    return parts_of_turn


def thought(signature: str, call_id: str = "", **more: Any) -> Thinking:
    return Thinking(redacted=signature, id=call_id, **{"format": MADE_BY, **more})


def test_a_call_and_its_result_have_id_and_name() -> None:
    sent = contents(user("go"), assistant("Now.", call("a", '{"x": 1}')), user(result("a", "one", "two")))
    assert sent[1:] == [
        [
            {"text": "Now."},
            {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}, "thoughtSignature": UNSIGNED},
        ],
        [{"functionResponse": {"id": "a", "name": "f", "response": {"output": "one\ntwo"}}}],
    ]


def test_results_of_parallel_calls_stand_in_one_turn_in_the_order_of_their_calls() -> None:
    sent = contents(
        user("go"),
        assistant(call("a"), call("b", name="g")),
        user(result("b"), ToolResult("a", is_error=True), "and now this"),
    )[2]
    assert [next(iter(part)) for part in sent] == ["functionResponse", "functionResponse", "text"]
    assert [part["functionResponse"] for part in sent[:2]] == [
        {"id": "a", "name": "f", "response": {"error": ""}},
        {"id": "b", "name": "g", "response": {"output": "r"}},
    ]


def test_pictures_and_files_of_results_follow_all_results() -> None:
    shown = ToolResult("a", (Image("image/png", PNG), Document("application/pdf", "JVBERi0x")))
    sent = contents(user("go"), assistant(call("a"), call("b")), user(shown, result("b"), Image("image/png", PNG)))[2]
    kinds = [next(iter(part)) for part in sent]
    assert kinds == ["functionResponse", "functionResponse", "text", "inlineData", "inlineData", "inlineData"]
    assert sent[2] == {"text": "Returned by f:"}


def test_what_does_not_belong_into_a_result_is_named() -> None:
    odd = ToolResult("a", (call("b"),))
    assert written(user("go"), assistant(call("a")), user(odd)).dropped_params == ("tool_content",)


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [("", {}), (" ", {}), ("[1]", {"_": [1]}), ('{"x": "ab', {"__raw_arguments": '{"x": "ab'}), ("[" * 2000, None)],
)
def test_arguments_are_always_an_object(arguments: str, sent: object) -> None:
    args = step(call("a", arguments))[0]["functionCall"]["args"]
    assert args == (sent or args)
    assert isinstance(args, dict)


def test_signatures_return_to_the_calls_they_came_with() -> None:
    sent = step(thought("SA", "a"), thought("SB", "b"), call("a"), call("b"), ids=("a", "b"))
    assert [part.get("thoughtSignature") for part in sent] == ["SA", "SB"]


def test_a_signature_whose_call_is_known_by_another_id_goes_to_the_first_unsigned_call() -> None:
    assert step(thought("S", "native"), call("a"))[0]["thoughtSignature"] == "S"
    sent = written(user("go"), assistant(thought("S", "a"), thought("T", "gone"), call("a")), user(result("a")))
    assert sent.dropped_context == ("thinking=1",)


def test_a_signature_of_a_text_returns_to_the_text() -> None:
    assert contents(user("a"), assistant(thought("S"), "hi"), user("b"))[1] == [{"text": "hi", "thoughtSignature": "S"}]
    assert step(thought("S"), "hi", call("a"), capabilities=TWO)[0] == {"text": "hi", "thoughtSignature": "S"}
    assert step(thought("S"), call("a"))[0]["thoughtSignature"] == "S"
    lost = written(user("a"), assistant(thought("S", "x"), Image("image/png", PNG)), user("b"))
    assert lost.dropped_context == ("thinking=1",)


def test_a_signature_also_travels_as_that_of_a_thought_and_a_summary_is_not_sent_back() -> None:
    one = Thinking("why", signature="S", format=MADE_BY, id="a")
    assert step(one, call("a")) == [
        {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "S"},
    ]
    made = written(user("go"), assistant(Thinking("only words", format=MADE_BY), "hi"), user("b"))
    assert (made.dropped_context, b"only words" in made.body) == ((), False)


@pytest.mark.parametrize(
    ("foreign", "changes"),
    [
        (Thinking("t", "S", format="anthropic-claude-v1", id="a"), {}),
        (thought("S", "a", format="google-vertex-v1"), {}),
        (thought("S", "a", origin=Origin("vertex")), {}),
        (thought("S", "a"), {"drop_thinking": True}),
    ],
)
def test_foreign_thinking_is_counted_and_the_sentinel_stands_for_it(foreign: Thinking, changes: dict[str, Any]) -> None:
    assert step(foreign, call("a"), **changes)[0]["thoughtSignature"] == SENTINEL
    made = written(user("go"), assistant(foreign, call("a")), user(result("a")), to=changes)
    assert made.dropped_context == ("thinking=1",)


def test_the_sentinel_stands_on_the_first_call_only_and_where_signatures_are_demanded() -> None:
    sent = step(call("a"), call("b"), ids=("a", "b"))
    assert [part.get("thoughtSignature") for part in sent] == [SENTINEL, None]
    assert "thoughtSignature" not in step(call("a"), capabilities=TWO)[0]
    assert step(call("a"), capabilities={"thinking": "none"})[0]["thoughtSignature"] == SENTINEL
