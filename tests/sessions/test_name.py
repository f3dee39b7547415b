"""Which task a request belongs to (C34): a board in memory plays what the gateway knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.failure import Refused
from gammainfra.domain.ids import ALPHABET
from gammainfra.domain.record import ApiKey, Caller
from gammainfra.domain.session import SessionName, SessionView
from gammainfra.domain.sketch import Sketch
from gammainfra.sessions.name import FOREIGN_HEADERS, name

CALLER = Caller(ApiKey("key-1", "acc-1", "mine", "abcd", 0.0), salt=b"salt of acc-1")
TASK = "Please add a dark mode to the settings page and write the tests for it, too."
T0 = 1_800_000_000.0


@dataclass
class Board:
    """What the session board of the gateway does, as far as names need it."""

    views: dict[str, SessionView] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    calls: dict[tuple[str, str], str] = field(default_factory=dict)

    def session_of_call(self, account_id: str, call_id: str) -> str | None:
        return self.calls.get((account_id, call_id))

    def latest(self, account_id: str, root: str) -> SessionView | None:
        return self.views.get(self.roots.get(root, ""))

    def active(self, key_id: str, since: float) -> Sequence[SessionView]:
        return [view for view in self.views.values() if view.last_at >= since]

    def saw(self, named: SessionName, request: Sketch, at: float) -> None:
        self.views[named.id] = SessionView(named, last_at=at, n_messages=request.n_messages, n_tools=request.n_tools)
        if named.root:
            self.roots[named.root] = named.id


def request(n_messages: int = 2, **changes: Any) -> Sketch:
    base = Sketch("openai_chat", "gammainfra/auto", stream=True, n_bytes=9000, n_messages=n_messages, n_tools=13)
    return replace(replace(base, first_user=TASK, prefix_head="You are Roo."), **changes)


def ask(board: Board, sketch: Sketch, at: float = T0, caller: Caller = CALLER, **headers: str) -> SessionName:
    named = name({key.replace("_", "-"): text for key, text in headers.items()}, sketch, caller, board, at)
    board.saw(named, sketch, at)
    return named


# ---- named by the client ---------------------------------------------------------------------------------------------
def test_our_header_names_the_task_as_given() -> None:
    named = ask(Board(), request(session_hint="hint"), x_gammainfra_session_id="my/task:7", x_session_id="other")
    assert named == SessionName("my/task:7", "header")


@pytest.mark.parametrize("text", ["", "two words", "x" * 129, "t\u00e4sk"])
def test_our_header_is_strict(text: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(Board(), request(), x_gammainfra_session_id=text)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    assert caught.value.param == "X-GammaInfra-Session-Id"


def test_headers_of_others_count_in_the_order_of_the_contract() -> None:
    headers = {header: f"task-{place}" for place, header in enumerate(FOREIGN_HEADERS)}
    for place, header in enumerate(FOREIGN_HEADERS):
        assert name(headers, request(), CALLER, Board(), T0) == SessionName(f"task-{place}", "header")
        del headers[header]


def test_the_body_may_name_the_task() -> None:
    assert ask(Board(), request(session_hint="0199-aa")) == SessionName("0199-aa", "body")


def test_a_foreign_name_that_cannot_stand_in_a_header_is_hashed_not_refused() -> None:
    long = ask(Board(), request(), x_session_id="x" * 500)
    assert long.by == "header"
    assert long.id.startswith("ses-")
    assert long == ask(Board(), request(), x_session_id="x" * 500)
    assert ask(Board(), request(session_hint="two words")).id.startswith("ses-")


# ---- derived from tool calls -----------------------------------------------------------------------------------------
def test_a_tool_call_id_finds_its_task_whatever_else_changed() -> None:
    board = Board()
    first = ask(board, request(2))
    board.calls["acc-1", "call_2"] = first.id
    compacted = request(4, first_user="Summary of the task so far", prefix_head="You are Architect.", n_tools=7)
    later = ask(board, replace(compacted, call_ids=("call_x", "call_2", "call_unknown")), T0 + 9000)
    assert later == SessionName(first.id, "call_id")


def test_the_newest_known_call_wins() -> None:
    board = Board(calls={("acc-1", "a"): "old", ("acc-1", "b"): "new"})
    assert ask(board, request(6, call_ids=("a", "b"))).id == "new"


def test_call_ids_of_another_account_tell_nothing() -> None:
    board = Board(calls={("acc-2", "a"): "theirs"})
    assert ask(board, request(6, call_ids=("a",))).by == "derived"


def test_only_the_newest_calls_of_a_long_history_are_looked_up() -> None:
    board = Board(calls={("acc-1", "c0"): "far away"})
    many = tuple(f"c{number}" for number in range(65))
    assert ask(board, request(130, call_ids=many)).by == "derived"
    assert ask(board, request(130, call_ids=many[:64])).by == "call_id"


# ---- derived from how it begins --------------------------------------------------------------------------------------
def test_a_growing_history_is_one_task() -> None:
    board = Board()
    names = {ask(board, request(2 * step), T0 + 30 * step).id for step in range(1, 20)}
    assert len(names) == 1


def test_the_same_history_within_a_minute_is_a_retry() -> None:
    board = Board()
    assert ask(board, request(2)).id == ask(board, request(2), T0 + 59).id


def test_the_same_history_after_a_minute_is_a_new_task_unless_the_sdk_counts_a_retry() -> None:
    board = Board()
    first = ask(board, request(2))
    assert ask(board, request(2), T0 + 100, x_stainless_retry_count="1").id == first.id
    assert ask(board, request(2), T0 + 200).id != first.id


def test_a_shorter_history_is_the_same_prompt_started_anew() -> None:
    board = Board()
    first = ask(board, request(8))
    assert ask(board, request(2), T0 + 5).id != first.id


def test_after_two_idle_hours_it_is_a_new_task() -> None:
    board = Board()
    first = ask(board, request(2))
    assert ask(board, request(4), T0 + 7200).id == first.id
    assert ask(board, request(6), T0 + 7200 + 7201).id != first.id


def test_keys_accounts_and_first_messages_keep_tasks_apart() -> None:
    key_2 = replace(CALLER, key=replace(CALLER.key, id="key-2"))
    salt_2 = replace(CALLER, salt=b"other")
    names = {
        ask(Board(), request()).id,
        ask(Board(), request(), caller=key_2).id,
        ask(Board(), request(), caller=salt_2).id,
        ask(Board(), replace(request(), first_user=TASK + " Now!")).id,
    }
    assert len(names) == 4


def test_a_short_first_message_is_told_apart_by_the_system_text_without_its_clock() -> None:
    def root(first_user: str, prefix_head: str) -> str:
        return ask(Board(), replace(request(), first_user=first_user, prefix_head=prefix_head)).root

    assert root("go on", "You are A.\n") != root("go on", "You are B.\n")
    assert root("go on", "You are A.\nNow 10:00\n") == root("go on", "You are A.\nNow 10:05\n")
    assert root(TASK, "You are A.\n") == root(TASK, "You are B.\n")


# ---- side calls ------------------------------------------------------------------------------------------------------
def side_call() -> Sketch:
    return replace(request(2), n_tools=0, first_user="Make a title for this conversation")


def test_a_side_call_belongs_to_the_one_task_at_work() -> None:
    board = Board()
    task = ask(board, request(2))
    assert ask(board, side_call(), T0 + 10) == SessionName(task.id, "side_call")


def test_a_side_call_is_its_own_when_no_task_or_several_or_an_old_one_are_at_work() -> None:
    assert ask(Board(), side_call()).by == "alone"
    board = Board()
    ask(board, request(2))
    assert ask(board, side_call(), T0 + 61).by == "alone"
    busy = Board()
    ask(busy, request(2))
    ask(busy, replace(request(2), first_user=TASK + TASK))
    assert ask(busy, side_call(), T0 + 1).by == "alone"


def test_people_who_chat_are_not_put_into_each_others_session() -> None:
    board = Board()
    one = ask(board, replace(side_call(), first_user="hello, who are you?"))
    other = ask(board, replace(side_call(), first_user="hi, please help me"), T0 + 5)
    assert (one.by, other.by) == ("alone", "alone")
    assert one.id != other.id


def test_a_chat_that_goes_on_keeps_its_name() -> None:
    board = Board()
    one = ask(board, side_call())
    other = ask(board, replace(side_call(), n_messages=4), T0 + 40)
    assert (other.id, other.by) == (one.id, "derived")


@given(st.text(), st.text(), st.binary(max_size=40), st.floats(0, 4e9))
def test_a_derived_name_is_short_and_opaque(first_user: str, system: str, salt: bytes, now: float) -> None:
    caller = replace(CALLER, salt=salt)
    named = name({}, replace(request(5), first_user=first_user, prefix_head=system), caller, Board(), now)
    assert named.id.startswith("ses-")
    assert len(named.id) == 26
    assert set(named.id[4:]) <= set(ALPHABET)
    assert named.by == "derived"
