from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.chat import CacheMark, Role
from gammainfra.wire.cache_marks import MARKS, automatic_ends, kept_marks

SOME_MARKS: st.SearchStrategy[list[CacheMark | None]] = st.lists(st.sampled_from([None, "5m", "1h"]), max_size=12)


@pytest.mark.parametrize(
    ("roles", "ends"),
    [
        ([], ()),
        (["user"], (0,)),
        (["user", "assistant", "user"], (0, 2)),
        (["user", "assistant", "user", "assistant", "user"], (2, 4)),
        (["user", "assistant", "user", "assistant"], (0, 2)),
    ],
)
def test_the_last_two_user_groups_end_in_a_mark(roles: list[Role], ends: tuple[int, ...]) -> None:
    assert automatic_ends(roles) == ends


def test_the_end_that_was_newest_is_marked_again_in_the_next_request() -> None:
    turn: list[Role] = ["user", "assistant"]
    for turns in range(1, 6):
        now, later = automatic_ends([*turn * turns, "user"]), automatic_ends([*turn * (turns + 1), "user"])
        assert now[-1] in later


def test_of_five_marks_the_last_four_stay() -> None:
    # litellm#16062, 9router#3795: a fifth one is a 400.
    assert kept_marks(["5m"] * 5) == (None, "5m", "5m", "5m", "5m")


def test_a_long_mark_after_a_short_one_is_shortened() -> None:
    assert kept_marks(["1h", None, "5m", "1h"]) == ("1h", None, "5m", "5m")
    assert kept_marks(["5m", "1h", "1h", "1h", "1h"]) == (None, "1h", "1h", "1h", "1h")


@given(SOME_MARKS)
def test_kept_marks_are_few_ordered_and_only_where_the_client_set_some(marks: list[CacheMark | None]) -> None:
    kept = kept_marks(marks)
    set_there = [mark for mark in kept if mark is not None]
    assert len(kept) == len(marks)
    assert len(set_there) == min(MARKS, len(marks) - marks.count(None))
    assert set_there == sorted(set_there, key=lambda mark: mark == "5m")
    assert all(mark is not None for mark, new in zip(marks, kept, strict=True) if new is not None)
