from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.simulate import CLIENTS, AgentTask, Ask, ByVendor, Echo, Fixed, Pace, Turn, count_tokens
from gammainfra.simulate.breakage import count_turn_tokens, limit_turn
from gammainfra.simulate.openai import render_duration
from tests.simulate.asking import CALLING

ASK = Ask("openai", "gpt-5", 0, "task", "last words", 1, ("run",), (), False, False, False, None)


def at(step: int) -> Ask:
    return dataclasses.replace(ASK, step=step)


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_every_client_gets_a_whole_task_in_its_own_tools(client: str) -> None:
    task = AgentTask(steps=10, client=client, folder="/tmp/work")
    said = [task(at(step)) for step in range(10)]
    assert all(len(turn.calls) == 1 for turn in said[:-1])
    assert bool(said[-1].calls) == (CLIENTS[client].finish is not None)
    for turn in said[:-1]:
        json.loads(turn.calls[0].render_arguments())
    assert task.files() == {f"out_{step}.txt": f"line for step {step}\n" for step in range(1, 8)}
    spoken = " ".join(call.render_arguments() for turn in said for call in turn.calls)
    assert all(name in spoken for name in task.files())


def test_a_task_past_its_end_says_it_is_done() -> None:
    task = AgentTask(steps=5, client="roo")
    assert task(at(4)).calls
    assert not task(at(5)).calls
    assert task(at(5)).text


def test_some_steps_speak_some_think_some_call_twice() -> None:
    task = AgentTask(steps=30, parallel_every=4)
    said = [task(at(step)) for step in range(30)]
    assert {bool(turn.text) for turn in said} == {True, False}
    assert {bool(turn.thinking) for turn in said} == {True, False}
    assert {len(turn.calls) for turn in said} == {0, 1, 2}


def test_requests_without_tools_get_a_title() -> None:
    assert AgentTask()(dataclasses.replace(ASK, tool_names=())) == Turn(text="Writing numbered files")


def test_unknown_clients_and_empty_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match="none of"):
        AgentTask(client="nobody")
    with pytest.raises(ValueError, match="at least one step"):
        AgentTask(steps=0)


def test_echo_and_by_vendor() -> None:
    assert Echo()(ASK).text == "last words"
    script = ByVendor({"anthropic": Fixed(Turn(text="A"))})
    assert script(dataclasses.replace(ASK, vendor="anthropic")) == Turn(text="A")
    assert script(ASK) == Turn(text="last words")


@given(st.text(), st.integers(1, 5))
def test_chunks_of_words_join_to_the_text(text: str, words: int) -> None:
    chunks = Pace(words_per_chunk=words).split_words(text)
    assert "".join(chunks) == text
    assert all(chunks)


@given(st.text(min_size=2), st.integers(1, 50))
def test_arguments_always_come_in_at_least_two_pieces(text: str, size: int) -> None:
    pieces = Pace(argument_chars_per_chunk=size).split_arguments(text)
    assert "".join(pieces) == text
    assert len(pieces) >= 2


@given(st.text(), st.text(), st.integers(1, 60))
def test_a_limited_turn_never_exceeds_its_limit(text: str, thinking: str, limit: int) -> None:
    turn, arguments, cut = limit_turn(Turn(text, thinking, CALLING.calls), limit)
    written = count_turn_tokens(dataclasses.replace(turn, calls=turn.calls[:-1] if arguments else turn.calls))
    if arguments:
        written += count_tokens(turn.calls[-1].name) + count_tokens(arguments)
    assert written <= limit
    assert cut == (count_turn_tokens(Turn(text, thinking, CALLING.calls)) > limit)


def test_a_token_is_four_bytes_begun() -> None:
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde", "ü" * 4)] == [0, 1, 1, 2, 2]


def test_durations_are_written_as_openai_writes_them() -> None:
    seconds = [0, 0.006, 0.12, 1, 1.5, 59.25, 360, 3661]
    shown = ["0s", "6ms", "120ms", "1s", "1.5s", "59.25s", "6m0s", "1h1m1s"]
    assert [render_duration(value) for value in seconds] == shown
