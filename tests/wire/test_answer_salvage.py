from __future__ import annotations

import pytest

from gammainfra.domain.stream import Finished, TextDelta, ThinkingDelta, ToolCallDelta
from gammainfra.wire.answer import Answer, LiveEvent, Speech


def heard(*pieces: str, name: str = "write_file") -> Speech:
    speech = Speech()
    speech.take(TextDelta("I write."))
    speech.take(ToolCallDelta(0, "call_1", name))
    for piece in pieces:
        speech.take(ToolCallDelta(0, arguments=piece))
    return speech


@pytest.mark.parametrize("pieces", [(), (" ",), ('{"path": "a',), ("[1]",)])
def test_a_call_that_broke_off_is_not_complete_even_before_its_first_argument(pieces: tuple[str, ...]) -> None:
    # A stream that dies right after a call began must never make an agent run write_file({}).
    assert not heard(*pieces).has_complete_calls()


def test_a_call_whose_arguments_are_a_whole_object_is_complete() -> None:
    assert heard("{", "}").has_complete_calls()
    assert not heard("{}", name="").has_complete_calls()
    assert not Speech().has_complete_calls()


def test_a_finished_call_without_arguments_has_no_flaw() -> None:
    speech = heard()
    speech.take(Finished("tool_calls"))
    assert speech.flaw() is None


def test_thinking_of_a_second_leg_never_continues_a_block_of_the_first() -> None:
    # A client appends pieces of one number: the signature of the second would then stand under the text of both.
    answer = Answer()
    answer.restart()
    assert answer.tell([ThinkingDelta("Hm.", index=0)]) == [ThinkingDelta("Hm.", index=0)]
    answer.restart()
    second: list[LiveEvent] = [ThinkingDelta("Well.", index=0), ThinkingDelta(signature="s", index=0), TextDelta("So.")]
    assert answer.tell(second) == [
        ThinkingDelta("Well.", index=1),
        ThinkingDelta(signature="s", index=1),
        TextDelta("So."),
    ]
    late = heard("{}")
    late.drain()
    late.take(ThinkingDelta("More.", index=1))
    late.take(Finished("tool_calls"))
    assert ThinkingDelta("More.", index=2) in answer.tail(late, stitched=False)
