"""The cap of a task, against what it has cost."""

from __future__ import annotations

import pytest

from gammainfra.domain.failure import Refused
from gammainfra.domain.session import SessionName, SessionView
from gammainfra.sessions.budget import check_budget

TASK = SessionView(SessionName("ses-1", "header"), cost_nano=900, absorbed_nano=100)


def test_a_task_that_has_cost_its_cap_is_refused_for_good() -> None:
    with pytest.raises(Refused) as refused:
        check_budget(TASK, 1000)
    assert (refused.value.status, refused.value.code, refused.value.retry) == (402, "session_budget_reached", False)
    assert "$0.000001000" in refused.value.message


def test_a_task_below_its_cap_and_one_without_a_cap_go_on() -> None:
    check_budget(TASK, 1001)
    check_budget(TASK, None)
    assert TASK.cost_nano == 900
