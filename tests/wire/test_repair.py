from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from gammainfra.domain.chat import Image, Message, Text, Thinking, ToolCall, ToolResult
from gammainfra.wire.repair import NOT_EXECUTED, NOTHING_SAID, _is_right, _repaired, repair
from tests.wire.conversations import PNG, assistant, call, closed_prefixes, conversations, result, system, user


def made_up(call_id: str) -> ToolResult:
    return ToolResult(call_id, (Text(NOT_EXECUTED),), is_error=True)


RIGHT = (
    system("be brief"),
    user("read both"),
    assistant(Thinking("t", "s"), "reading", call("1"), call("2")),
    user(result("2"), result("1"), "environment"),
    assistant("one more", call("3")),
    user(ToolResult("3", (Text("r"), Image("image/png", PNG)), is_error=True)),
    assistant("done"),
    system("a note"),
    user("thanks"),
)


@pytest.mark.parametrize("length", [0, 1, 2, 4, 6, 8, 9])
def test_what_is_right_is_the_same_object(length: int) -> None:
    messages = RIGHT[:length]
    assert repair(messages) is messages


def test_a_call_without_result_gets_one_that_says_so() -> None:
    # litellm#16525; letta#3308: a crashed run leaves one behind; OpenHands#11871: at the edge, on each request.
    messages = (user("go"), assistant(call("1"), call("2")), user(result("1"), "stop that"))
    expected = (user("go"), assistant(call("1"), call("2")), user(result("1"), made_up("2"), "stop that"))
    assert repair(messages) == expected


def test_a_last_message_with_calls_is_answered_too() -> None:
    assert repair((user("go"), assistant(call("1")))) == (user("go"), assistant(call("1")), user(made_up("1")))


def test_results_whose_calls_were_cut_off_are_dropped() -> None:
    # OpenHands#7512: trimming cuts a tool pair.
    assert repair((user("go"), user(result("9")), user("on"))) == (user("go", "on"),)


def test_a_user_turn_of_which_nothing_is_left_still_separates_its_neighbours() -> None:
    messages = (user("go"), assistant("a"), user(result("9")), assistant("b"), user(" "))
    assert repair(messages) == (user("go"), assistant("a"), user(NOTHING_SAID), assistant("b"), user(NOTHING_SAID))


def test_a_turn_filtered_to_empty_text_keeps_its_calls_and_results() -> None:
    # lidge-jun/opencodex#620
    messages = (user("go"), assistant("", call("1")), user(result("1")))
    assert repair(messages) == (user("go"), assistant(call("1")), user(result("1")))


def test_a_note_between_call_and_result_goes_behind_the_results() -> None:
    # Joouis/agent-maestro#143 and #144: a user or system turn before the result breaks adjacency.
    messages = (user("go"), assistant(call("1"), call("2")), user(result("1")), user("note"), user(result("2")))
    assert repair(messages) == (user("go"), assistant(call("1"), call("2")), user(result("1"), result("2"), "note"))
    messages = (user("go"), assistant(call("1")), system("S"), user("x", result("1")), user("y"))
    assert repair(messages) == (user("go"), assistant(call("1")), user(result("1")), system("S"), user("x", "y"))


def test_roos_user_message_after_every_result_shares_the_results_message() -> None:
    messages = (user("go"), assistant(call("1")), user(result("1")), user("environment_details"))
    assert repair(messages) == (user("go"), assistant(call("1")), user(result("1"), "environment_details"))


def test_thinking_and_its_calls_in_two_messages_are_one_turn() -> None:
    # openai-agents-python#1797
    messages = (user("go"), assistant(Thinking("t", "s")), assistant(call("1")), user(result("1")))
    assert repair(messages) == (user("go"), assistant(Thinking("t", "s"), call("1")), user(result("1")))


def test_parallel_calls_in_two_messages_are_one_turn() -> None:
    messages = (assistant(call("1")), assistant(call("2")), user(result("1")), user(result("2")))
    assert repair(messages) == (assistant(call("1"), call("2")), user(result("1"), result("2")))


def test_a_call_nobody_answered_closes_its_turn() -> None:
    messages = (assistant(call("1")), assistant("x", call("2")), user(result("2")))
    assert repair(messages) == (
        assistant(call("1")),
        user(made_up("1")),
        assistant("x", call("2")),
        user(result("2")),
    )


@pytest.mark.parametrize("again", [call("1", '{"a": 1}'), call("1", '{"a":1}')])
def test_a_call_said_twice_in_one_turn_is_one_call(again: ToolCall) -> None:
    # litellm#23510: the content has tool_use and the message has tool_calls.
    messages = (assistant(call("1", '{"a": 1}'), again), user(result("1")))
    assert repair(messages) == (assistant(call("1", '{"a": 1}')), user(result("1")))


@pytest.mark.parametrize(
    ("second", "results"),
    [
        (call("1", '{"x": 2}'), ["A", "B"]),
        (call("1", '{"x": 1}'), ["A", "B"]),
        (call("1", '{"x": 1}', name="g"), ["A"]),
        (call("1", '{"x": '), ["A"]),
    ],
)
def test_two_calls_of_one_id_are_two_calls(second: ToolCall, results: list[str]) -> None:
    # litellm PR#19324: merged assistant turns repeat an id.
    messages = (assistant(call("1", '{"x": 1}'), second), user(*(result("1", text) for text in results)))
    said, answered = repair(messages)
    calls = [part for part in said.parts if isinstance(part, ToolCall)]
    answers = [part for part in answered.parts if isinstance(part, ToolResult)]
    assert calls[0].id == "1" != calls[1].id
    assert [answer.call_id for answer in answers] == [one.id for one in calls]
    texts = [*results, NOT_EXECUTED][:2]
    assert [answer.parts for answer in answers] == [(Text(text),) for text in texts]


def test_an_id_of_an_earlier_turn_is_renamed_with_its_result() -> None:
    # NVIDIA-NeMo/Switchyard#502: call_0 in each turn.
    turn = (assistant(call("call_0")), user(result("call_0")))
    messages = repair((user("go"), *turn, *turn, *turn))
    ids = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    answered = [part.call_id for message in messages for part in message.parts if isinstance(part, ToolResult)]
    assert ids[0] == "call_0"
    assert len(set(ids)) == 3
    assert ids == answered
    assert messages[:3] == (user("go"), *turn)


def test_of_two_results_the_last_in_its_group_stays() -> None:
    messages = (assistant(call("1")), user(result("1", "old"), result("1", "new")), assistant("ok"), user(result("1")))
    assert repair(messages)[:3] == (assistant(call("1")), user(result("1", "new")), assistant("ok"))
    assert repair(messages)[3] == user(NOTHING_SAID)


def test_parts_that_cannot_stand_in_a_role_are_dropped() -> None:
    messages = (user(call("1"), Thinking("t"), "x"), assistant(result("1"), "y"), user("z"))
    assert repair(messages) == (user("x"), assistant("y"), user("z"))
    assert repair((user(Thinking("t"), "x"),)) == (user("x"),)


def test_empty_text_inside_a_result_is_dropped_and_the_result_stays() -> None:
    assert repair((assistant(call("1")), user(result("1", "")))) == (assistant(call("1")), user(ToolResult("1")))


def test_a_name_survives_joining_only_when_it_is_the_same() -> None:
    ann, bob = Message("user", (Text("a"),), "ann"), Message("user", (Text("b"),), "bob")
    assert repair((ann, ann)) == (Message("user", (Text("a"), Text("a")), "ann"),)
    assert repair((ann, bob)) == (user("a", "b"),)
    named = (assistant(call("1")), Message("user", (Text("late"), result("1")), "ann"))
    assert repair(named)[1] == Message("user", (result("1"), Text("late")), "ann")


def blocks(messages: tuple[Message, ...]) -> list[tuple[str, object]]:
    return [(message.role, part) for message in messages for part in message.parts]


@given(conversations())
def test_repairing_a_longer_history_repeats_what_was_sent_before(messages: tuple[Message, ...]) -> None:
    whole = blocks(repair(messages))
    for end in closed_prefixes(messages):
        before = blocks(repair(messages[:end]))
        assert whole[: len(before)] == before


@given(conversations())
def test_a_repaired_conversation_is_right(messages: tuple[Message, ...]) -> None:
    repaired = repair(messages)
    assert repair(repaired) is repaired
    assert not any(one.role == other.role != "system" for one, other in pairwise(repaired))
    seen: set[str] = set()
    for said, answered in pairwise((system("-"), *repaired, user())):
        calls = [part.id for part in said.parts if isinstance(part, ToolCall)]
        answers = [part.call_id for part in answered.parts if isinstance(part, ToolResult)]
        assert sorted(calls) == sorted(answers)
        assert all(isinstance(part, ToolResult) for part in answered.parts[: len(answers)])
        assert seen.isdisjoint(calls)
        seen.update(calls)


@given(conversations())
def test_the_short_way_repairs_as_the_long_one(messages: tuple[Message, ...]) -> None:
    assert repair(messages) == _repaired(messages)


@given(conversations())
def test_what_is_called_right_is_exactly_what_a_repair_would_not_change(messages: tuple[Message, ...]) -> None:
    assert _is_right(messages) == (_repaired(messages) == messages)
    assert _repaired(RIGHT) == RIGHT
