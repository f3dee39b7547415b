"""Closes the conversations of these tests, as it is done for tests/conversations."""

from __future__ import annotations

from tests.conversations.conftest import _books_are_closed, pytest_pyfunc_call

__all__ = ["_books_are_closed", "pytest_pyfunc_call"]
