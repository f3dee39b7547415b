"""Closes what a failed conversation leaves open, and sees to it that every other one came to rest."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.conversations import playbook


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    result = yield
    assert all(book.is_over for book in playbook.opened), "a conversation has to end with check_over()"
    return result


@pytest.fixture(autouse=True)
def _books_are_closed() -> Iterator[None]:
    yield
    for book in playbook.opened:
        book.close()
    playbook.opened.clear()
