"""Head, text, tail: what streams, what is held, how a second provider's words join a first one's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conversations.playbook import After, ask, book, says
from tests.conversations.saying import (
    CUT,
    DONE,
    END,
    arguments,
    begin,
    call,
    error,
    finish,
    refuses,
    stop,
    text,
    thinking,
    usage,
    whole,
)


def test_the_tail_leaves_in_one_write_with_all_calls() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", begin())
    b >> says("acme", text("I write")) << "200" << "'I write'"
    b >> says("acme", call("c1", '{"a"'), arguments(":1}")) >> says("acme", call("c2", "{}", index=1))
    b >> says("acme", text(" both")) >> says("acme", stop("tool_calls"))
    b >> says("acme", usage(), DONE, END)
    b << "' both' | c1 = write({\"a\":1}) | c2 = write({}) | tool_calls | done | end"
    assert b.clients["caller"].writes[-1].count(b"data: ") == 5
    b.check_over()


def test_thoughts_stream_and_a_turn_of_thoughts_alone_is_not_an_answer() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", thinking("hm")) << "200" << "thinks hm"
    b >> says("acme", *finish()) << "bolt asked"
    (
        b
        >> says("bolt", thinking("so"), text("Yes"))
        << "thinks so | 'Yes'"
        >> says("bolt", *finish())
        << "stop | done | end"
    )
    assert b.attempts() == ["acme absorbed empty_answer", "bolt served"]
    b.check_over()


def test_usage_rides_on_the_finish_or_comes_last_when_it_was_asked_for() -> None:
    both: tuple[dict[str, Any], ...] = ({}, {"stream_options": {"include_usage": True}})
    for more in both:
        b = book()
        b >> ask(**more) << "acme asked" >> says("acme", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
        last = b.clients["caller"].body.split(b"\n\n")[-4]
        assert (b'"choices":[]' in last) is bool(more)
        assert b'"cost":0.0002' in last
        assert b.facts()["cost_usd"] == "0.000200000"
        b.check_over()


# ---- re-ask and stitching --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("again", "rest"),
    [
        ("Hello world", "' world'"),
        ("Hello", ""),
        ("Goodbye", "'\n\nGoodbye'"),
        ("Hell", "'\n\nHell'"),
    ],
)
def test_new_text_goes_on_where_the_old_one_broke_or_follows_after_a_blank_line(again: str, rest: str) -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hel"), text("lo")) << "200" << "'Hello'"
    b >> says("acme", CUT) << "bolt asked" >> says("bolt", text(again[:3]), text(again[3:]))
    b >> says("bolt", *finish()) << (f"{rest} | " if rest else "") + "stop | done | end"
    assert b.facts()["fallback_reason"] == "acme_cut"
    assert b.facts()["attempted_count"] == "2"
    assert b.headers()["x-gammainfra-endpoint"] == "acme/one"
    assert b.facts()["endpoint"] == "bolt/two"
    b.check_over()


def test_the_second_provider_gets_the_same_question_without_a_note() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello"), CUT)
    b.arrive(After(0.0))
    assert b.told == "200 | 'Hello' | bolt asked"
    first, second = (line.ask.body for line in b.upstream.lines)
    assert first.replace(b'"one"', b'"two"') == second
    b >> says("bolt", text("Hello"), *finish()) << "stop | done | end"
    b.check_over()


def test_words_that_come_together_with_their_failure_are_never_seen() -> None:
    for tools in (True, False):
        b = book()
        b >> ask(tools=tools) << "acme asked" >> says("acme", thinking("hm")) << "200" << "thinks hm"
        b >> says("acme", text("Hello") + error("it broke")) << "bolt asked"
        b >> says("bolt", text("Bye")) << "'Bye'" >> says("bolt", *finish()) << "stop | done | end"
        b.check_over()


def test_nothing_follows_the_error_of_a_text_that_broke() -> None:
    b = book()
    b >> ask() << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> says("acme", text(" there") + error("it broke")) << "error all_providers_failed | end"
    b.check_over()


def test_of_four_attempts_only_the_one_that_finishes_is_charged() -> None:
    b = book("acme", "bolt", "corp", "dust")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    b >> says("acme", CUT) << "bolt asked" >> says("bolt", text("Hello"), CUT) << "corp asked"
    b >> says("corp", *refuses(500)) << "dust asked"
    b >> says("dust", text("Hello you"), call("c9"), *finish("tool_calls"))
    b << 'c9 = write({"a":1}) | tool_calls | done | end'
    assert b.attempts() == ["acme absorbed cut", "bolt absorbed cut", "corp absorbed server_error", "dust served"]
    assert b.record.charge is not None
    assert b.record.charge.total_nano == 100 * 4_000 + 10 * 40_000
    assert b.record.attempts[2].cost_nano == 0
    assert b.record.absorbed_nano == sum(one.cost_nano or 0 for one in b.record.attempts[:3])
    b.check_over()


def test_after_four_attempts_nobody_is_asked_any_more() -> None:
    b = book("acme", "bolt")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Hello")) << "200" << "'Hello'"
    for name, following in (("acme", "bolt"), ("bolt", "acme"), ("acme", "bolt")):
        b >> says(name, CUT) << f"{following} asked"
    b >> says("bolt", CUT) << "error all_providers_failed | end"
    assert len(b.error()["metadata"]["attempts"]) == 4
    b.check_over()


# ---- salvage ---------------------------------------------------------------------------------------------------------
def test_complete_calls_of_a_cut_attempt_end_the_turn_when_nobody_is_left() -> None:
    b = book("acme", "bolt")
    b >> ask(tools=True) << "acme asked" >> says("acme", text("Now"), call("c1")) << "200" << "'Now'"
    b >> says("acme", CUT) << "bolt asked" >> says("bolt", *refuses(401)) << "acme asked"
    b >> says("acme", *refuses(400, "bad")) << 'c1 = write({"a":1}) | tool_calls | done | end'
    assert b.attempts()[0] == "acme served"
    assert b.record.usage.estimated
    assert b.record.call_ids == (("c1", "c1"),)
    b.check_over()


def test_an_orderly_end_with_complete_calls_needs_no_finish() -> None:
    for ending in ((DONE, END), (END,)):
        b = book()
        b >> ask(tools=True) << "acme asked" >> says("acme", call("c1")) << "200"
        b >> says("acme", *ending) << 'c1 = write({"a":1}) | tool_calls | done | end'
        assert b.attempts() == ["acme served"]
        b.check_over()


def test_a_flawed_answer_is_better_than_none() -> None:
    b = book("acme")
    b >> ask(tools=True, stream=False) << "acme asked"
    b >> says("acme", *whole("Hm", (("c1", '{"a":'),), "tool_calls")) << "acme asked"
    b >> says("acme", *refuses(401)) << "200" << "'Hm' | c1 = write({\"a\":) | tool_calls | end"
    assert b.attempts() == ["acme served", "acme absorbed credentials_rejected"]
    b.check_over()


def test_an_empty_answer_passes_when_nobody_has_a_better_one() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", begin(), *finish()) << "acme asked"
    b >> says("acme", begin(), *finish())
    assert b.told == "200 | stop | done | end"
    assert b.attempts() == ["acme served", "acme absorbed empty_answer"]
    b.check_over()


def test_a_turn_that_was_cut_by_its_length_passes_as_it_is() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", call("c1", "{}"), *finish("length"))
    assert b.told == "200 | c1 = write({}) | length | done | end"
    b.check_over()


# ---- repair ----------------------------------------------------------------------------------------------------------
def test_a_parameter_that_is_refused_is_left_out_once_and_named() -> None:
    b = book()
    refused = refuses(400, "Unsupported parameter: 'temperature'", code="unsupported_parameter", param="temperature")
    b >> ask(tools=True, temperature=0) << "acme asked" >> says("acme", *refused) << "acme asked"
    assert b'"temperature"' in b.upstream.lines[0].ask.body
    assert b'"temperature"' not in b.upstream.lines[1].ask.body
    b >> says("acme", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    assert b.headers()["x-gammainfra-dropped-params"] == "temperature"
    assert b.record.dropped_params == ("temperature",)
    assert b.attempts() == ["acme absorbed unsupported_parameter", "acme served"]
    b.check_over()


def test_a_second_refused_parameter_goes_to_the_next_provider() -> None:
    b = book()
    b >> ask(tools=True, temperature=0, seed=1) << "acme asked"
    (
        b
        >> says("acme", *refuses(400, "Unsupported parameter: 'temperature'", code="unsupported_parameter"))
        << "acme asked"
    )
    b >> says("acme", *refuses(400, "Unsupported parameter: 'seed'", code="unsupported_parameter")) << "bolt asked"
    b >> says("bolt", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    b.check_over()


def test_a_repeated_call_id_is_renamed_and_a_missing_one_is_made() -> None:
    b = book()
    history = [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "write", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    b >> ask(tools=True, messages=history) << "acme asked"
    b >> says("acme", call("c1"), call("", index=1), call("c2", index=2), *finish("tool_calls"))
    shown = [pair[0] for pair in b.record.call_ids]
    assert len({*shown, "c1"}) == 4
    assert shown[2] == "c2"
    assert b.outcome[0] == "200"
    b.check_over()
