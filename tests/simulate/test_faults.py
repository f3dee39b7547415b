from __future__ import annotations

import asyncio
import itertools

import pytest

from gammainfra.simulate import (
    NEEDS_CALLS,
    REFUSALS,
    STREAM_ONLY,
    TEXT_FIRST,
    UNFINISHED,
    Always,
    Fault,
    Fixed,
    Pace,
    ToolCall,
    Turn,
    World,
)
from tests.simulate.asking import CALLING, Got, chat_body, follow_anthropic, follow_chat, post, run

SILENT = Turn(calls=CALLING.calls)
QUICK = Pace(slow_first_token_s=0.15)
STATUSES = {
    Fault.RATE_LIMIT: (429, 429, 429),
    Fault.RATE_LIMIT_RETRY_AFTER: (429, 429, 429),
    Fault.SERVER_ERROR: (500, 500, 500),
    Fault.UNAVAILABLE: (503, 503, 503),
    Fault.OVERLOADED: (529, 529, 529),
    Fault.HTML_502: (502, 502, 502),
    Fault.AUTH_401: (401, 401, 401),
    Fault.BILLING_402: (402, 402, 402),
    Fault.SPEND_LIMIT: (429, 400, 402),
    Fault.CONTEXT_OVERFLOW: (400, 400, 400),
    Fault.WRONG_CONTENT_TYPE: (200, 200, 200),
    Fault.RESET: (0, 0, 0),
}
VENDORS = ("openai", "anthropic", "deepseek")
ALL = list(itertools.product(VENDORS, Fault, (True, False)))


def text_of(got: Got) -> str:
    text = ""
    for event in got.events:
        delta = event.get("delta") or (event.get("choices") or [{}])[0].get("delta") or {}
        text += delta.get("text") or delta.get("content") or ""
    return text


def arguments_of(got: Got) -> str:
    text = ""
    for event in got.events:
        text += event.get("delta", {}).get("partial_json", "")
        for choice in event.get("choices", []):
            for call in choice["delta"].get("tool_calls", []):
                text += call["function"]["arguments"]
    return text


def finishes_of(got: Got) -> list[str]:
    found = []
    for event in got.events:
        found += [choice["finish_reason"] for choice in event.get("choices", []) if choice["finish_reason"]]
        if event.get("type") == "message_delta":
            found.append(event["delta"]["stop_reason"])
    return found


def is_closed(got: Got) -> bool:
    return b"[DONE]" in got.body or b"event: message_stop" in got.body


async def see(vendor: str, fault: Fault, *, stream: bool, turn: Turn = SILENT) -> tuple[Got, World]:
    async with World(script=Fixed(turn), schedule=Always(fault), pace=QUICK) as world:
        hangs = fault in {Fault.STALL_BEFORE, Fault.STALL_AFTER_TEXT}
        got = await post(world[vendor], chat_body(vendor, stream=stream), timeout_s=0.2 if hangs else 5)
        await world[vendor].log.wait_for(1)
    return got, world


@pytest.mark.parametrize(("vendor", "fault", "stream"), ALL)
def test_every_fault_looks_as_its_name_says_and_is_logged(vendor: str, fault: Fault, stream: bool) -> None:
    async def check() -> None:
        got, world = await see(vendor, fault, stream=stream)
        (record,) = world[vendor].log
        if fault in STREAM_ONLY and not stream:
            assert record.fault is None
            assert record.complete
            return
        assert record.fault is fault
        assert record.status == got.status
        assert record.bytes_sent == len(got.body)
        assert record.hung_up == (fault in {Fault.STALL_BEFORE, Fault.STALL_AFTER_TEXT})
        if fault in REFUSALS:
            assert got.status == STATUSES[fault][VENDORS.index(vendor)]
            assert record.usage.prompt_tokens == 0
            return
        assert got.status == 200
        assert record.usage.prompt_tokens > 0
        if stream:
            check_stream(fault, got)
        else:
            check_whole(fault, got)
        unfinished = fault in UNFINISHED and not (fault is Fault.NO_FINISH and not stream)
        assert record.complete != unfinished

    run(check())


def check_stream(fault: Fault, got: Got) -> None:
    cut = {Fault.CUT_BEFORE_CONTENT, Fault.CUT_AFTER_TEXT, Fault.CUT_IN_ARGUMENTS, Fault.LATE_CUT}
    assert got.broken == (fault in cut)
    assert got.timed_out == (fault in {Fault.STALL_BEFORE, Fault.STALL_AFTER_TEXT})
    if fault in TEXT_FIRST:
        assert text_of(got).strip()
    if fault is Fault.CUT_IN_ARGUMENTS:
        assert arguments_of(got)
        assert not arguments_of(got).endswith("}")
    if fault in {Fault.EARLY_ERROR, Fault.LATE_ERROR}:
        assert b'"error"' in got.body
        assert bool(finishes_of(got)) == (fault is Fault.LATE_ERROR)
    if fault in {Fault.EMPTY, Fault.REASONING_ONLY}:
        assert not text_of(got)
        assert not arguments_of(got)
        assert finishes_of(got) in (["stop"], ["end_turn"])
    if fault is Fault.BAD_JSON:
        assert not arguments_of(got).endswith("}")
        assert finishes_of(got) in (["tool_calls"], ["tool_use"])
    if fault is Fault.NO_FINISH:
        assert finishes_of(got) == []
        assert arguments_of(got).endswith("}")
    if fault is Fault.NO_CALL_ID:
        assert b'"call_' not in got.body
        assert b"toolu_" not in got.body
    if fault is Fault.LATE_CUT:
        assert finishes_of(got)
    if fault is Fault.SLOW_FIRST_TOKEN:
        assert got.taken_s >= 0.15
    assert is_closed(got) == (fault not in UNFINISHED)


def check_whole(fault: Fault, got: Got) -> None:
    cut = {Fault.CUT_BEFORE_CONTENT, Fault.CUT_AFTER_TEXT, Fault.CUT_IN_ARGUMENTS}
    assert got.broken == (fault in cut)
    if fault in {Fault.CUT_AFTER_TEXT, Fault.CUT_IN_ARGUMENTS, Fault.STALL_AFTER_TEXT}:
        assert got.body
    if fault in {Fault.CUT_BEFORE_CONTENT, Fault.STALL_BEFORE}:
        assert not got.body
    if fault is Fault.EARLY_ERROR:
        assert got.json["error"]["message"]
    if fault is Fault.NO_FINISH:
        whole = got.json
        assert (whole["choices"][0]["finish_reason"] if "choices" in whole else whole["stop_reason"]) is None
    if fault is Fault.NO_CALL_ID:
        assert b'"call_' not in got.body
        assert b"toolu_" not in got.body


def test_a_cut_after_text_keeps_the_text_a_turn_already_has() -> None:
    async def check() -> None:
        for vendor in VENDORS:
            got, _ = await see(vendor, Fault.CUT_AFTER_TEXT, stream=True, turn=CALLING)
            assert text_of(got) == CALLING.text

    run(check())


def test_faults_of_calls_are_not_injected_into_turns_without_calls() -> None:
    async def check() -> None:
        for fault in sorted(NEEDS_CALLS):
            got, world = await see("openai", fault, stream=True, turn=Turn(text="No calls."))
            assert text_of(got) == "No calls."
            assert world.openai.log[0].fault is None

    run(check())


def test_a_cut_in_arguments_of_a_turn_without_calls_falls_into_its_text() -> None:
    async def check() -> None:
        turn = Turn(text="one two three four five six seven eight")
        got, _ = await see("anthropic", Fault.CUT_IN_ARGUMENTS, stream=True, turn=turn)
        assert got.broken
        assert turn.text.startswith(text_of(got))
        assert 0 < len(text_of(got)) < len(turn.text)

    run(check())


def test_a_cut_in_arguments_stops_inside_the_first_of_two_calls() -> None:
    async def check() -> None:
        turn = Turn(calls=(ToolCall("write_file", {"path": "first"}), ToolCall("write_file", {"path": "second"})))
        for vendor in VENDORS:
            got, world = await see(vendor, Fault.CUT_IN_ARGUMENTS, stream=True, turn=turn)
            assert b"second" not in got.body
            assert len(world[vendor].log[0].call_ids) == 1

    run(check())


def test_a_repeated_call_id_is_the_last_one_of_the_history() -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING), schedule=Always(Fault.REPEATED_CALL_ID)) as world:
            got = await post(world.openai, chat_body("openai", messages=follow_chat(["call_old"], reasoning="")))
            assert got.json["choices"][0]["message"]["tool_calls"][0]["id"] == "call_old"
            got = await post(world.anthropic, chat_body("anthropic", messages=follow_anthropic(["toolu_old"])))
            assert [block["id"] for block in got.json["content"] if block["type"] == "tool_use"] == ["toolu_old"]

    run(check())


def test_without_a_history_every_repeated_call_id_is_the_same() -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING), schedule=Always(Fault.REPEATED_CALL_ID)) as world:
            await post(world.openai, chat_body("openai"))
            await post(world.openai, chat_body("openai", stream=True))
            first, second = world.openai.log
            assert first.call_ids == second.call_ids != ()

    run(check())


def test_a_rate_limit_names_its_wait_only_when_told() -> None:
    async def check() -> None:
        for vendor in VENDORS:
            got, _ = await see(vendor, Fault.RATE_LIMIT_RETRY_AFTER, stream=True)
            assert got.headers["retry-after"] == "1"
            got, _ = await see(vendor, Fault.RATE_LIMIT, stream=True)
            assert "retry-after" not in got.headers

    run(check())


def test_a_context_overflow_speaks_the_vendors_words() -> None:
    async def check() -> None:
        got, _ = await see("openai", Fault.CONTEXT_OVERFLOW, stream=True)
        assert got.json["error"]["code"] == "context_length_exceeded"
        got, _ = await see("anthropic", Fault.CONTEXT_OVERFLOW, stream=True)
        assert got.json["error"]["message"] == "prompt is too long: 204918 tokens > 200000 maximum"
        got, _ = await see("deepseek", Fault.CONTEXT_OVERFLOW, stream=True)
        assert got.json["error"]["message"].startswith("This model's maximum context length is")

    run(check())


def test_a_stopped_server_refuses_connections_and_comes_back_on_its_port() -> None:
    async def check() -> None:
        async with World() as world:
            port = world.openai.port
            await world.openai.stop()
            got = await post(world.openai, chat_body("openai"))
            assert got.broken
            assert got.status == 0
            await world.openai.start()
            assert world.openai.port == port
            assert (await post(world.openai, chat_body("openai"))).status == 200

    run(check())


def test_a_client_that_hangs_up_is_noticed_at_once_and_its_tokens_are_counted() -> None:
    async def check() -> None:
        text = "word " * 400
        async with World(script=Fixed(Turn(text=text)), pace=Pace(tokens_per_s=400)) as world:
            loop = asyncio.get_running_loop()
            got = await post(world.anthropic, chat_body("anthropic", stream=True), timeout_s=0.1)
            left_s = loop.time()
            await world.anthropic.log.wait_for(1)
            assert loop.time() - left_s < 0.2
            (record,) = world.anthropic.log
            assert got.timed_out
            assert record.hung_up
            assert not record.complete
            assert 0 < record.usage.output_tokens < 400

    run(check())
