"""A provider that pauses its answer (Anthropic's ``pause_turn``) is asked to go on, and nobody notices."""

from __future__ import annotations

import json
from typing import Any

from gammainfra.domain import limits
from tests.conversations.playbook import Book, ask, book, says
from tests.conversations.saying import CUT, END, begin, event, finish, refuses, text

ANTHROPIC: dict[str, Any] = {"model": "anthropic/claude", "max_tokens": 100}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}


def starts(input_tokens: int = 10) -> bytes:
    usage = {"input_tokens": input_tokens, "output_tokens": 1}
    return event(
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "content": [], "usage": usage}}
    )


def word(said: str, index: int = 0) -> bytes:
    return event({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": said}})


def searches(index: int = 1) -> bytes:
    place = {"index": index}
    begun = event({"type": "content_block_start", **place, "content_block": SEARCH})
    return begun + event({"type": "content_block_stop", **place})


def ends(reason: str, output_tokens: int = 5) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    end = event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output_tokens}})
    return end + event({"type": "message_stop"})


def body_of(b: Book, dispatch: int) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(b.upstream.lines[dispatch].ask.body)
    return decoded


def test_a_paused_answer_goes_on_at_the_same_endpoint_with_one_bill() -> None:
    b = book("anthropic", "acme")
    b >> ask(**ANTHROPIC) << "anthropic asked" >> says("anthropic", starts(), word("I look. ")) << "200" << "'I look. '"
    b >> says("anthropic", searches(), ends("pause_turn"), END) << "anthropic asked"
    b >> says("anthropic", starts(20), word("Found.")) << "'Found.'"
    b >> says("anthropic", ends("end_turn"), END) << "stop | done | end"
    assert b.attempts() == ["anthropic served"]
    usage = b.notes.records[0].usage
    assert (usage.input_tokens, usage.output_tokens) == (30, 10)
    first, second = body_of(b, 0), body_of(b, 1)
    assert second["messages"][:-1] == first["messages"]
    assert second["messages"][-1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "I look. "}, SEARCH],
    }
    assert second.keys() == first.keys()
    b.check_over()


def test_a_provider_that_pauses_for_ever_is_asked_so_often_and_then_its_answer_ends() -> None:
    b = book("anthropic")
    b >> ask(stream=False, **ANTHROPIC) << "anthropic asked"
    for _ in range(limits.PAUSES_PER_ATTEMPT):
        b >> says("anthropic", starts(), word("x"), ends("pause_turn"), END) << "anthropic asked"
    b >> says("anthropic", starts(), word("x"), ends("pause_turn"), END)
    b << "200" << f"'{'x' * (limits.PAUSES_PER_ATTEMPT + 1)}' | stop | end"
    assert b.notes.records[0].usage.input_tokens == 10 * (limits.PAUSES_PER_ATTEMPT + 1)
    b.check_over()


def test_a_pause_before_anything_useful_is_silent() -> None:
    b = book("anthropic")
    b >> ask(**ANTHROPIC) << "anthropic asked" >> says("anthropic", starts(), ends("pause_turn"), END)
    b << "anthropic asked" >> says("anthropic", starts(), word("Yes")) << "200" << "'Yes'"
    b >> says("anthropic", ends("end_turn"), END) << "stop | done | end"
    b.check_over()


def test_what_fails_after_a_pause_fails_over_as_ever_and_what_it_cost_is_known() -> None:
    for fails in (refuses(500), (starts(), CUT)):
        b = book("anthropic", "acme")
        b >> ask(**ANTHROPIC) << "anthropic asked" >> says("anthropic", starts(), ends("pause_turn"), END)
        b << "anthropic asked" >> says("anthropic", *fails) << "acme asked"
        b >> says("acme", begin(), text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
        assert b.notes.records[0].absorbed_nano > 0
        b.check_over()
