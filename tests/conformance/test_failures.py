from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from gammainfra.domain.failure import Cause
from gammainfra.providers import registry
from gammainfra.simulate import Always, At, Fault, Fixed, Pace, ToolCall, Turn
from tests.asgi import Got
from tests.conformance.hosts import HOSTS, Host, playing
from tests.gateway_in_process import chat, run

each_host = pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.name}-{host.dialect}")

TOOL = {"type": "function", "function": {"name": "write_file", "parameters": {"type": "object", "properties": {}}}}
CALLING = Turn(text="Writing it now, as asked.", calls=(ToolCall("write_file", {"content": "some lines of text"}),))

# What passes: the same provider is asked again and answers. Several causes where a vendor's own words decide.
PASSING: Mapping[Fault, set[Cause]] = {
    Fault.RATE_LIMIT: {Cause.RATE_LIMIT},
    Fault.RATE_LIMIT_RETRY_AFTER: {Cause.RATE_LIMIT},
    Fault.SERVER_ERROR: {Cause.SERVER_ERROR},
    Fault.UNAVAILABLE: {Cause.OVERLOADED, Cause.UNAVAILABLE, Cause.SERVER_ERROR},
    Fault.OVERLOADED: {Cause.OVERLOADED},
    Fault.HTML_502: {Cause.UNAVAILABLE},
    Fault.WRONG_CONTENT_TYPE: {Cause.NOT_AN_ANSWER},
    Fault.EARLY_ERROR: {Cause.IN_BAND_ERROR, Cause.OVERLOADED, Cause.SERVER_ERROR},
    Fault.EMPTY: {Cause.EMPTY_ANSWER},
    Fault.RESET: {Cause.CONNECT_ERROR},
    Fault.CUT_BEFORE_CONTENT: {Cause.CUT},
    Fault.CUT_AFTER_TEXT: {Cause.CUT},
    Fault.CUT_IN_ARGUMENTS: {Cause.CUT},
    Fault.BAD_JSON: {Cause.BAD_TOOL_CALL},
}
# What does not pass until somebody acts: code and cause that the caller sees.
LASTING: Mapping[Fault, tuple[int, str, Cause]] = {
    Fault.AUTH_401: (503, "provider_credentials_rejected", Cause.CREDENTIALS_REJECTED),
    Fault.BILLING_402: (503, "all_providers_failed", Cause.BILLING),
    Fault.CONTEXT_OVERFLOW: (400, "context_length_exceeded", Cause.CONTEXT_OVERFLOW),
}
# What nobody may notice: the answer is whole when it strikes.
HARMLESS = (Fault.LATE_ERROR, Fault.LATE_CUT, Fault.NO_CALL_ID, Fault.NO_FINISH, Fault.SLOW_FIRST_TOKEN)
PACE = Pace(slow_first_token_s=0.05, retry_after_s=1, stall_limit_s=5)


def question(host: Host, *, stream: bool = True) -> dict[str, object]:
    return {
        "model": host.model,
        "messages": [{"role": "user", "content": "Write a file."}],
        "tools": [TOOL],
        "stream": stream,
    }


def calls_of(got: Got) -> list[str]:
    """The arguments of the calls of a stream."""
    pieces: dict[int, str] = {}
    for chunk in got.chunks:
        for choice in chunk.get("choices", ()):
            for call in choice["delta"].get("tool_calls") or ():
                index = call["index"]
                pieces[index] = pieces.get(index, "") + (call["function"].get("arguments") or "")
    return [text for _, text in sorted(pieces.items())]


def is_whole(got: Got) -> bool:
    """One call, whole, and the end marker."""
    return got.status == 200 and got.pieces[-1].endswith(b"data: [DONE]\n\n") and len(calls_of(got)) == 1


@each_host
def test_every_passing_failure_is_known_for_what_it_is_and_absorbed(host: Host, tmp_path: Path) -> None:
    async def meet(fault: Fault) -> tuple[Fault, str, bool]:
        schedule = At({1: fault})
        async with playing(host, tmp_path / fault.value, Fixed(CALLING), schedule, PACE) as play:
            got = await chat(play.app, question(host))
            await play.server.log.wait_for(2)
            assert fault in {record.fault for record in play.server.log.generations}
        reason = got.facts.get("fallback_reason", "") if got.status == 200 else got.body.decode()
        return fault, reason, is_whole(got)

    async def test() -> None:
        met = await asyncio.gather(*map(meet, PASSING))
        wrong = [
            (fault.value, reason, whole)
            for fault, reason, whole in met
            if not whole or reason not in {f"{host.name}_{cause}" for cause in PASSING[fault]}
        ]
        assert wrong == []

    run(test())


@each_host
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_every_lasting_failure_is_said_with_its_cause(host: Host, stream: bool, tmp_path: Path) -> None:
    async def meet(fault: Fault) -> tuple[object, ...]:
        async with playing(host, tmp_path / fault.value, Fixed(CALLING), Always(fault), PACE) as play:
            got = await chat(play.app, question(host, stream=stream))
        attempts = got.error["metadata"]["attempts"]
        retried = got.headers["x-should-retry"] != "false" or "retry-after" in got.headers
        assert "sk-provider-key" not in got.body.decode()
        return got.status, got.error["code"], {one["cause"] for one in attempts}, retried

    async def test() -> None:
        met = await asyncio.gather(*map(meet, LASTING))
        assert met == [(status, code, {cause.value}, False) for status, code, cause in LASTING.values()]

    run(test())


@each_host
def test_a_wrong_key_is_said_with_the_place_to_mend_it_and_never_shown(host: Host, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(CALLING)) as play:
            play.server.keys = frozenset({"sk-the-right-one"})
            got = await chat(play.app, question(host))
        message = got.error["message"]
        assert got.error["code"] == "provider_credentials_rejected"
        assert f"[providers.{host.name}] api_key" in message
        assert (f"{host.name.upper()}_API_KEY" in message) == (host.name in registry.known())
        assert "sk-provider-key" not in got.body.decode()

    run(test())


@each_host
def test_a_spend_limit_is_a_matter_of_money_or_of_patience(host: Host, tmp_path: Path) -> None:
    # OpenAI says it with a code, others with the status of a rate limit.
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(CALLING), Always(Fault.SPEND_LIMIT), PACE) as play:
            got = await chat(play.app, question(host))
        causes = {one["cause"] for one in got.error["metadata"]["attempts"]}
        assert (got.status, got.error["code"]) == (503, "all_providers_failed")
        assert causes in ({"billing"}, {"rate_limit"}, {"invalid_request"})

    run(test())


@each_host
def test_what_strikes_after_the_answer_is_not_noticed(host: Host, tmp_path: Path) -> None:
    async def meet(fault: Fault) -> tuple[str, str, bool]:
        async with playing(host, tmp_path / fault.value, Fixed(CALLING), At({1: fault}), PACE) as play:
            got = await chat(play.app, question(host))
            await play.server.log.wait_for(1)
            assert play.server.log.generations[0].fault is fault
        return fault.value, got.headers["x-gammainfra-attempted-count"], is_whole(got)

    async def test() -> None:
        met = await asyncio.gather(*map(meet, HARMLESS))
        assert met == [(fault.value, "1", True) for fault in HARMLESS]

    run(test())


@each_host
def test_a_whole_answer_that_breaks_is_asked_for_again(host: Host, tmp_path: Path) -> None:
    async def meet(fault: Fault) -> tuple[str, int, str]:
        async with playing(host, tmp_path / fault.value, Fixed(CALLING), At({1: fault}), PACE) as play:
            got = await chat(play.app, question(host, stream=False))
        return fault.value, got.status, got.headers.get("x-gammainfra-attempted-count", "")

    async def test() -> None:
        faults = (Fault.CUT_AFTER_TEXT, Fault.SERVER_ERROR, Fault.HTML_502, Fault.BAD_JSON, Fault.EMPTY)
        met = await asyncio.gather(*map(meet, faults))
        assert met == [(fault.value, 200, "2") for fault in faults]

    run(test())


@each_host
def test_when_nothing_helps_the_stream_ends_with_one_error_and_no_end_marker(host: Host, tmp_path: Path) -> None:
    async def test() -> None:
        async with playing(host, tmp_path, Fixed(Turn(text="Half of it.")), Always(Fault.CUT_AFTER_TEXT), PACE) as play:
            asked = question(host)
            del asked["tools"]
            got = await chat(play.app, asked)
        assert got.status == 200
        errors = [chunk["error"] for chunk in got.chunks if "error" in chunk]
        assert [error["code"] for error in errors] == ["all_providers_failed"]
        assert b"[DONE]" not in got.body
        assert {one["cause"] for one in errors[0]["metadata"]["attempts"]} == {"cut"}

    run(test())
