"""The line every request travels: what is decided before a body is read, and what a refusal leaves behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gammainfra.domain.failure import Refused
from gammainfra.gateway.admission import Permit
from gammainfra.gateway.call import Call
from gammainfra.gateway.serve import serve
from gammainfra.wire import openai_chat
from tests.conversations.playbook import After, Book, ask, book, says
from tests.conversations.saying import finish, text


def served(b: Book, credential: str | None, body: Any) -> BaseException | None:
    """The exception with which one call ends."""
    call = Call(openai_chat.CLIENT, {}, credential, 10, body)
    task = b.loop.create_task(serve(call, b.services))
    b.loop.advance(0.0)
    return task.exception() if task.done() else None


async def never(permit: Permit) -> bytes:
    pytest.fail("the body was read")


async def gone(permit: Permit) -> bytes:
    raise asyncio.IncompleteReadError(b"", 10)


def test_who_is_not_known_or_not_admitted_is_refused_before_the_body_is_read() -> None:
    b = book()
    unknown = served(b, None, never)
    assert isinstance(unknown, Refused)
    assert unknown.status == 401
    b.admission.draining = True
    shed = served(b, "key", never)
    assert isinstance(shed, Refused)
    assert shed.status == 503
    b.check_over(turns=0)


def test_a_caller_that_goes_while_its_body_is_read_leaves_nothing_behind() -> None:
    b = book()
    assert isinstance(served(b, "key", gone), asyncio.IncompleteReadError)
    b.check_over(turns=0)


def test_the_steps_of_a_task_find_each_other_and_stay_where_they_were() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Yes"), *finish())
    b.clear()
    history = [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Yes"}]
    b >> After(10.0) >> ask("next", tools=True, messages=[*history, {"role": "user", "content": "Go on"}])
    b.clear()
    b >> says("acme", text("Done"), *finish())
    b.clear()
    first, second = b.notes.records
    assert first.session_id == second.session_id
    assert second.session_step == 1
    assert b.facts("next")["session_cost_usd"] == "0.000400000"
    b.check_over(turns=2)
