"""What the board knows of agent tasks: sums, the endpoint to stay on, ids of calls, and what it forgets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.domain import limits
from gammainfra.domain.attempt import Absorbed, Attempt, Served
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.money import Charge
from gammainfra.domain.plan import Plan
from gammainfra.domain.record import RequestRecord
from gammainfra.domain.session import SessionName, SessionView
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.usage import Usage
from gammainfra.gateway.state.session_board import SessionBoard

SKETCH = Sketch("openai_chat", "acme/one", stream=True, n_bytes=100, n_messages=3, n_tools=2, prefix_head="You are")
TASK = SessionName("s1", "derived", "root")
RECORD = RequestRecord(
    "gen-1", 0.0, "acc", "key", "roo", "s1", 0, "derived", "openai_chat", "acme/one", "acme", "one", "", True, 2,
    Usage(), Charge(input_nano=70), 5, 0, 1.0, 1.0, 1.0, Plan("acme/one", (), label="code"), (), "served", 200, "stop",
    "", None, "", (), (), (("c1", "native"),),
)  # fmt: skip


def board() -> SessionBoard:
    made = SessionBoard()
    made.arrived("acc", "key", TASK, SKETCH, 100.0)
    return made


def test_a_task_that_nobody_knows_has_a_fresh_view() -> None:
    assert SessionBoard().view("acc", TASK) == SessionView(TASK)
    assert SessionBoard().latest("acc", "root") is None
    assert SessionBoard().session_of_call("acc", "c1") is None


def test_a_settled_answer_counts_as_a_step_and_shows_where_to_stay() -> None:
    known = board()
    known.settled(RECORD)
    known.settled(replace(RECORD, provider="bolt", plan=Plan("acme/one", ())))
    view = known.view("acc", TASK)
    assert (view.step, view.endpoint, view.label, view.switches) == (2, "bolt/one", "code", 1)
    assert (view.cost_nano, view.absorbed_nano) == (140, 10)
    assert known.session_of_call("acc", "c1") == "s1"
    assert known.session_of_call("other", "c1") is None
    latest = known.latest("acc", "root")
    assert latest is not None
    assert latest.name.id == "s1"


def test_a_task_stays_with_the_key_that_served_it_and_moves_with_a_failure() -> None:
    known = board()
    attempt = Attempt(1, "acme/one", "acme", "one", 0.0, Served(), key_id="acme-1")
    known.settled(replace(RECORD, attempts=(attempt,)))
    assert known.view("acc", TASK).key_id == "acme-1"
    failed = replace(attempt, outcome=Absorbed(Failure(Cause.RATE_LIMIT, "")))
    known.settled(replace(RECORD, attempts=(failed, replace(attempt, key_id="acme-2"))))
    assert known.view("acc", TASK).key_id == "acme-2"
    known.settled(replace(RECORD, ending="failed", attempts=(failed,)))
    assert known.view("acc", TASK).key_id == "acme-2"


def test_a_failure_and_a_side_call_cost_money_and_move_nothing() -> None:
    known = board()
    known.settled(replace(RECORD, ending="failed", charge=None))
    known.settled(replace(RECORD, session_by="side_call"))
    view = known.view("acc", TASK)
    assert (view.step, view.endpoint, view.cost_nano, view.absorbed_nano) == (0, "", 70, 10)
    known.settled(replace(RECORD, session_id="unknown"))
    assert known.view("acc", SessionName("unknown", "derived")).step == 0


def test_a_side_call_leaves_the_shape_of_its_task() -> None:
    known = board()
    side = SessionName("s1", "side_call")
    known.arrived("acc", "key", side, replace(SKETCH, n_messages=1, n_tools=0), 110.0)
    view = known.view("acc", side)
    assert (view.n_messages, view.n_tools, view.last_at) == (3, 2, 110.0)
    assert [one.name.id for one in known.active("key", 100.0)] == ["s1"]


def test_a_key_is_busy_with_the_tasks_that_have_tools_and_were_asked_about_lately() -> None:
    known = board()
    known.arrived("acc", "key", SessionName("s2", "derived"), SKETCH, 120.0)
    known.arrived("acc", "key", SessionName("chat", "alone"), replace(SKETCH, n_tools=0), 130.0)
    known.arrived("acc", "other", SessionName("s3", "derived"), SKETCH, 130.0)
    assert [view.name.id for view in known.active("key", 90.0)] == ["s2", "s1"]
    assert [view.name.id for view in known.active("key", 110.0)] == ["s2"]
    known.arrived("acc", "key", SessionName("s2", "derived"), replace(SKETCH, n_tools=0), 140.0)
    known.arrived("acc", "key", TASK, replace(SKETCH, n_tools=0), 140.0)
    assert known.active("key", 0.0) == []
    assert known.active("nobody", 0.0) == []


def test_what_the_store_knows_fills_the_empty_board() -> None:
    known = SessionBoard()
    known.restore([("acc", SessionView(TASK, step=4))], [("acc", "c1", "old"), ("acc", "c1", "s1")])
    assert known.view("acc", TASK).step == 4
    assert known.session_of_call("acc", "c1") == "s1"


@pytest.mark.parametrize("root", ["root", ""])
def test_the_oldest_task_is_forgotten_with_everything_that_names_it(root: str) -> None:
    known = SessionBoard()
    known.arrived("acc", "key", SessionName("s1", "derived", root), SKETCH, 0.0)
    for number in range(limits.SESSIONS):
        known.restore([("acc", SessionView(SessionName(f"n{number}", "derived")))], ())
    assert known.latest("acc", root) is None
    assert known.active("key", 0.0) == []
    assert known.view("acc", TASK).last_at == 0.0


def test_the_oldest_call_is_forgotten() -> None:
    known = SessionBoard()
    known.restore((), [("acc", f"c{number}", "s1") for number in range(limits.SESSION_CALL_IDS + 1)])
    assert known.session_of_call("acc", "c0") is None
    assert known.session_of_call("acc", "c1") == "s1"
