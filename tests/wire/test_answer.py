"""Speeches and the Answer: what may stream, what is held, and how an answer ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.stream import (
    Finished,
    FinishReason,
    Opaque,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UpstreamError,
    UsageSeen,
)
from gammainfra.domain.usage import Usage
from gammainfra.wire.answer import Answer, Speech

FIRST = Failure(Cause.CUT, "first")


def heard(*events: StreamEvent, choices: int = 1) -> Speech:
    speech = Speech(choices)
    for event in events:
        speech.take(event)
    return speech


def call(
    index: int = 0, arguments: str = "{}", *, name: str = "write", call_id: str = "c", choice: int = 0
) -> ToolCallDelta:
    return ToolCallDelta(index, call_id, name, arguments, choice)


# ---- one attempt's speech --------------------------------------------------------------------------------------------
def test_what_comes_before_the_first_call_may_stream_and_the_rest_is_held() -> None:
    speech = heard(TextDelta("a"), ThinkingDelta("b"), call(), TextDelta("c"))
    assert speech.drain() == [TextDelta("a"), ThinkingDelta("b")]
    assert speech.drain() == []
    assert speech.held[1:] == [TextDelta("c")]
    assert speech.text == "ac"
    assert speech.useful


def test_nothing_useful_was_said_by_a_start_or_by_empty_text() -> None:
    speech = heard(Started("up-1"), Started("up-2"), TextDelta(""), UsageSeen(Usage(), final=False))
    assert not speech.useful
    assert not speech.has_text
    assert speech.upstream_id == "up-1"


def test_progress_is_made_by_words_calls_and_finishes_and_not_by_token_counts() -> None:
    speech, seen = Speech(), [0]
    silent = (Started("up"), TextDelta(""), UsageSeen(Usage(1), final=False))
    spoken = (TextDelta("Hi"), ThinkingDelta("hm"), ThinkingDelta(signature="s"), call(arguments=""), call())
    for event in (*silent, *spoken, Finished("stop")):
        speech.take(event)
        seen.append(speech.progress)
    assert seen[:4] == [0, 0, 0, 0]
    assert all(later > earlier for earlier, later in pairwise(seen[3:]))


def test_a_call_grows_in_pieces_and_keeps_its_first_id_and_name() -> None:
    speech = Speech(names={"sent": "shown"})
    for piece in (
        ToolCallDelta(0, "c1", "sent", '{"a'), ToolCallDelta(0, "c2", "other", ""), ToolCallDelta(0, arguments='":1}')
    ):  # fmt: skip
        speech.take(piece)
    (made,) = speech.calls
    assert (made.native, made.name, made.text()) == ("c1", "shown", '{"a":1}')
    assert speech.n_chars == 7


def test_usage_replaces_usage_and_final_stays_final() -> None:
    speech = heard(UsageSeen(Usage(1), final=True), UsageSeen(Usage(2), final=False))
    assert speech.usage == Usage(2)
    assert speech.usage_final


def test_the_first_failure_and_the_first_finish_count() -> None:
    speech = heard(
        UpstreamError(FIRST), UpstreamError(Failure(Cause.STALL, "second")), Finished("stop"), Finished("length")
    )
    assert speech.failure is FIRST
    assert not speech.is_late
    assert speech.finishes[0].reason == "stop"
    assert heard(Finished("stop"), UpstreamError(FIRST)).is_late


def test_every_answer_that_was_asked_for_must_finish() -> None:
    speech = heard(Finished("stop", choice=1), choices=2)
    assert not speech.finished
    speech.take(Finished("stop"))
    assert speech.finished


def test_more_than_can_be_held_is_a_failure() -> None:
    large = call(arguments="x" * limits.TAIL_BYTES)
    speech = heard(large, TextDelta("x"))
    assert speech.failure is not None
    assert speech.failure.cause is Cause.ANSWER_TOO_LARGE
    assert heard(large).failure is None
    assert heard(UpstreamError(FIRST), large, TextDelta("x")).failure is FIRST


def test_only_whole_calls_can_be_carried_out_although_the_answer_broke() -> None:
    assert heard(call(), call(1, '{"a":1}')).has_complete_calls()
    assert not heard(call(), call(1, '{"a":')).has_complete_calls()
    assert not heard(TextDelta("a")).has_complete_calls()


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ([TextDelta("a"), Finished("stop")], None),
        ([Opaque("openai_chat", b"{}"), Finished("stop")], None),
        ([call(arguments=""), Finished("tool_calls")], None),
        ([call(), Finished("tool_calls")], None),
        ([Finished("length")], None),
        ([call(arguments="{"), Finished("content_filter")], None),
        ([Finished("stop")], Cause.EMPTY_ANSWER),
        ([ThinkingDelta("a"), Finished("stop")], Cause.EMPTY_ANSWER),
        ([call(arguments="{"), Finished("tool_calls")], Cause.BAD_TOOL_CALL),
        ([call(arguments="[1]"), Finished("tool_calls")], Cause.BAD_TOOL_CALL),
        ([call(arguments="[" * 100_000), Finished("tool_calls")], Cause.BAD_TOOL_CALL),
    ],
)
def test_a_finished_speech_is_an_answer_or_says_why_not(events: list[StreamEvent], cause: Cause | None) -> None:
    flaw = heard(*events).flaw()
    assert (flaw and flaw.cause) == cause


# ---- what the reader is told -----------------------------------------------------------------------------------------
def test_the_tail_has_what_was_not_told_then_calls_then_the_finish() -> None:
    speech = heard(
        TextDelta("a"), call(arguments='{"a":1}'), TextDelta("b"), call(3, "", call_id="d"), Finished("stop")
    )
    assert Answer().tail(speech, stitched=False) == [
        TextDelta("a"),
        ToolCallDelta(0, "c", "write", '{"a":1}'),
        TextDelta("b"),
        ToolCallDelta(1, "d", "write", "{}"),
        Finished("tool_calls"),
    ]


@pytest.mark.parametrize(("again", "rest"), [("Hello you", " you"), ("Hello", ""), ("Bye", "\n\nBye"), ("", "\n\n")])
def test_a_second_text_goes_on_where_the_first_one_broke(again: str, rest: str) -> None:
    answer = Answer()
    answer.tell([TextDelta("Hel"), ThinkingDelta("x"), TextDelta("lo")])
    told = answer.tail(heard(TextDelta(again), ThinkingDelta("y"), Finished("stop")), stitched=True)
    assert told == ([TextDelta(rest)] if rest else []) + [Finished("stop")]


def test_calls_of_a_second_attempt_leave_without_its_text() -> None:
    answer = Answer()
    answer.tell([TextDelta("Hello")])
    told = answer.tail(heard(TextDelta("Other"), call(), TextDelta("more"), Finished("tool_calls")), stitched=True)
    assert told == [ToolCallDelta(0, "c", "write", "{}"), Finished("tool_calls")]


def test_text_that_nobody_saw_is_forgotten() -> None:
    answer = Answer()
    answer.tell([TextDelta("Hello")])
    answer.restart()
    assert answer.tail(heard(TextDelta("Bye"), Finished("stop")), stitched=True)[0] == TextDelta("Bye")


def test_a_whole_answer_says_everything_once() -> None:
    speech = heard(TextDelta("a"), call(), Finished("tool_calls"))
    told = [TextDelta("a"), ToolCallDelta(0, "c", "write", "{}"), Finished("tool_calls")]
    assert Answer().whole(speech) == told


def test_each_choice_counts_its_calls_and_has_its_finish() -> None:
    speech = heard(call(0, call_id="a"), call(0, call_id="b", choice=1), Finished("length", choice=1), choices=2)
    assert Answer().tail(speech, stitched=False)[2:] == [Finished("tool_calls"), Finished("length", choice=1)]
    assert [event.index for event in Answer().tail(speech, stitched=False)[:2] if isinstance(event, ToolCallDelta)] == [
        0,
        0,
    ]


def test_an_id_of_the_history_is_never_used_for_another_call() -> None:
    answer = Answer(history_ids=("c",))
    told = answer.tail(heard(call(), call(1), call(2, call_id="new"), Finished("tool_calls")), stitched=False)
    shown = [event.id for event in told if isinstance(event, ToolCallDelta)]
    assert shown[2] == "new"
    assert len({*shown, "c"}) == 4
    assert [native for _, native in answer.shown_ids] == ["c", "c", "new"]


EVENTS = st.lists(
    st.one_of(
        st.builds(TextDelta, st.text(max_size=4)),
        st.builds(ThinkingDelta, st.text(max_size=4)),
        st.builds(
            ToolCallDelta, st.integers(0, 2), st.sampled_from(["", "c1", "c2"]), st.just("write"), st.text(max_size=4)
        ),
    ),
    max_size=12,
)


@given(EVENTS, st.integers(0, 12), st.sampled_from(["stop", "tool_calls", "length"]))
def test_nothing_is_lost_or_said_twice_however_it_is_cut_up(
    events: list[StreamEvent], split: int, reason: FinishReason
) -> None:
    speech, answer, told = Speech(), Answer(), []
    for number, event in enumerate([*events, Finished(reason)]):
        speech.take(event)
        if number < split:
            fresh = speech.drain()
            answer.tell(fresh)
            told += fresh
    tail = answer.tail(speech, stitched=False)
    said = "".join(event.text for event in [*told, *tail] if isinstance(event, TextDelta))
    assert said == "".join(event.text for event in events if isinstance(event, TextDelta))
    calls = [event for event in tail if isinstance(event, ToolCallDelta)]
    assert len(calls) == len({event.id for event in calls}) == len(speech.calls)
    assert isinstance(tail[-1], Finished)


def test_an_answer_in_several_exchanges_is_one_answer_with_one_count() -> None:
    speech = Speech()
    for event in (
        ThinkingDelta("a", index=0),
        TextDelta("x"),
        UsageSeen(Usage(input_tokens=3, output_tokens=2), final=True),
        Finished("stop", native="pause_turn"),
    ):
        speech.take(event)
    assert speech.paused == Finished("stop", native="pause_turn")
    speech.resume()
    assert not speech.finished
    assert not speech.usage_final
    for event in (
        ThinkingDelta("b", index=0),
        TextDelta("y"),
        UsageSeen(Usage(input_tokens=5, output_tokens=1), final=True),
        Finished("stop"),
    ):
        speech.take(event)
    assert [event.index for event in speech.live if isinstance(event, ThinkingDelta)] == [0, 1]
    assert (speech.text, speech.usage) == ("xy", Usage(input_tokens=8, output_tokens=3))
    assert speech.said == speech.live


def test_a_pause_with_open_calls_is_the_clients_turn() -> None:
    speech = Speech()
    speech.take(ToolCallDelta(0, "c", "f", "{}"))
    speech.take(TextDelta("after"))
    speech.take(Finished("stop", native="pause_turn"))
    assert speech.paused is None
    assert speech.said == [TextDelta("after")]
