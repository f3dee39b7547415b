"""Mistakes in our own code: the answer goes on at the next provider, or ends with one error; never with silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gammainfra.wire import openai_chat
from tests.conversations.playbook import After, ask, book, says, with_decoder
from tests.conversations.saying import DONE, END, call, finish, stop, text, usage, whole


class Breaks:
    """A decoder with a mistake that shows at the ``at``-th piece."""

    def __init__(self, decoder: Any, at: int) -> None:
        self._decoder = decoder
        self._left = at

    def feed(self, chunk: bytes) -> list[Any]:
        self._left -= 1
        if self._left < 0:
            raise KeyError("made up")
        return list(self._decoder.feed(chunk))

    def eof(self) -> list[Any]:
        return list(self._decoder.eof())


def breaking(at: int) -> Mapping[str, Any]:
    return {"acme": with_decoder("acme", lambda decoder: Breaks(decoder, at))}


@pytest.mark.parametrize("stream", [True, False])
def test_a_decoder_that_fails_is_absorbed_by_the_next_provider(stream: bool) -> None:
    b = book("acme", "bolt", hosts=breaking(0))
    b >> ask(stream=stream) << "acme asked" >> says("acme", text("Hello")) << "bolt asked"
    b >> says("bolt", *((text("Yes"), *finish()) if stream else whole("Yes")))
    assert b.told == "200 | 'Yes' | stop | " + ("done | end" if stream else "end")
    assert b.attempts() == ["acme absorbed internal", "bolt served"]
    assert not b.health.snapshot().endpoints["bolt/two"].error_rate
    assert b.health.snapshot().of("acme/one").is_free(b.clock.now())
    b.check_over(defects=1)


def test_a_decoder_that_fails_after_text_is_stitched_like_a_cut() -> None:
    b = book("acme", "bolt", hosts=breaking(1))
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> says("acme", text(" you")) << "bolt asked" >> says("bolt", text("Hello there"), *finish())
    b << "' there' | stop | done | end"
    b.check_over(defects=1)


def test_a_decoder_that_fails_after_the_finish_changes_nothing() -> None:
    b = book("acme", "bolt", hosts=breaking(2))
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello"), stop()) << "200" << "'Hello'"
    b >> says("acme", usage(), DONE, END) << "stop | done | end"
    assert b.attempts() == ["acme served"]
    assert b.record.usage.estimated
    b.check_over(defects=1)


def test_when_only_broken_code_is_left_the_caller_gets_one_error() -> None:
    b = book("acme", hosts=breaking(0))
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "503" << "error all_providers_failed | end"
    assert b.attempts() == ["acme failed internal"]
    b.check_over(defects=1)


class Mute:
    """The dialect with renderers in which one thing fails."""

    def __init__(self, broken: str) -> None:
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        return getattr(openai_chat.CLIENT, name)

    def renderer(self, *given: Any, **named: Any) -> Any:
        return _Mute(openai_chat.CLIENT.renderer(*given, **named), self._broken)


class _Mute:
    def __init__(self, renderer: Any, broken: str) -> None:
        self._renderer = renderer
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        if name == self._broken:
            raise KeyError("made up")
        return getattr(self._renderer, name)


def test_a_tail_that_cannot_be_written_is_one_error_in_band() -> None:
    b = book("acme", dialect=Mute("tail"))
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello"), call("c1")) << "200" << "'Hello'"
    b >> says("acme", *finish("tool_calls")) << "error internal_error | end"
    assert (b.record.ending, b.record.status, b.record.error_code) == ("failed", 500, "internal_error")
    b.check_over(defects=1)


def test_a_tail_that_cannot_be_written_when_a_timer_ends_the_turn_is_one_error_too() -> None:
    b = book("acme", dialect=Mute("tail"))
    b >> ask() << "acme asked" >> says("acme", text("Hello"), stop()) << "200" << "'Hello'"
    b >> After(1.6) << "error internal_error | end"
    b.check_over(defects=1)


def test_a_whole_answer_that_cannot_be_written_is_one_500() -> None:
    b = book("acme", dialect=Mute("whole"))
    b >> ask(stream=False) << "acme asked" >> says("acme", *whole("Hello")) << "500" << "error internal_error | end"
    assert b.headers()["content-type"] == "application/json"
    b >> ask("again", stream=False, retry=1) << "acme asked" >> says("acme", *whole("Hello"))
    b.clear()
    b.check_over(turns=2, defects=2)


def test_text_that_cannot_be_written_is_one_500() -> None:
    b = book("acme", "bolt", dialect=Mute("render"))
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "error internal_error | end"
    b.check_over(defects=1)


def test_an_observer_that_fails_costs_neither_the_answer_nor_the_room() -> None:
    b = book("acme")
    b.notes.fails = True
    b >> ask() << "acme asked" >> says("acme", text("Hello"), *finish()) << "200" << "'Hello' | stop | done | end"
    b.check_over(defects=1)
