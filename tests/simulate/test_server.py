from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from gammainfra.simulate import AgentTask, Ending, Fault, Fixed, Pace, Raw, ServerSpec, Turn, World
from tests.simulate.asking import CALLING, FakeClock, auth_headers, chat_body, post, run

VENDORS = ("openai", "anthropic", "deepseek")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_missing_or_wrong_key_is_401_in_the_vendors_shape(vendor: str) -> None:
    async def check() -> None:
        servers = (ServerSpec(vendor, keys=frozenset({"right-key"})),)
        async with World(servers) as world:
            version = {"anthropic-version": "2023-06-01"}
            for headers in (version, auth_headers(vendor, "wrong-key")):
                got = await post(world[vendor], chat_body(vendor), headers=headers)
                assert got.status == 401
                assert got.json["error"]["message"]
            got = await post(world[vendor], chat_body(vendor), headers=auth_headers(vendor, "right-key"))
            assert got.status == 200
            assert [record.key for record in world[vendor].log] == ["", "wrong-key", "right-key"]

    run(check())


def test_anthropic_takes_a_bearer_token_too() -> None:
    async def check() -> None:
        async with World() as world:
            headers = {"Authorization": "Bearer k", "anthropic-version": "2023-06-01"}
            assert (await post(world.anthropic, chat_body("anthropic"), headers=headers)).status == 200

    run(check())


@pytest.mark.parametrize("vendor", VENDORS)
def test_unknown_paths_and_broken_bodies_are_refused_in_json(vendor: str) -> None:
    async def check() -> None:
        async with World() as world:
            got = await post(world[vendor], chat_body(vendor), path="/v2/nothing")
            assert (got.status, bool(got.json["error"])) == (404, True)
            for body in (b"{", b"[]", b"\xff"):
                got = await post(world[vendor], body)
                assert (got.status, bool(got.json["error"])) == (400, True)

    run(check())


def test_a_body_over_32_megabytes_is_413() -> None:
    async def check() -> None:
        async with World() as world:
            got = await post(world.openai, b" " * (32 * 1024 * 1024 + 1))
            assert got.status == 413

    run(check())


def test_headers_have_the_names_and_shapes_of_the_vendor() -> None:
    async def check() -> None:
        clock = FakeClock()
        async with World(clock=clock) as world:
            headers = (await post(world.openai, chat_body("openai", stream=True))).headers
            assert re.fullmatch(r"req_[0-9a-f]{32}", headers["x-request-id"])
            assert re.fullmatch(r"\d+ms", headers["x-ratelimit-reset-requests"])
            assert headers["openai-processing-ms"].isdigit()
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert world.openai.log[0].request_id == headers["x-request-id"]
            headers = (await post(world.anthropic, chat_body("anthropic"))).headers
            assert headers["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:01:00Z"
            assert headers["anthropic-ratelimit-input-tokens-limit"] == "2000000"
            assert re.fullmatch(r"req_011C\w{20}", headers["request-id"])
            assert headers["content-type"].startswith("application/json")

    run(check())


def test_the_framing_of_both_dialects_is_exact() -> None:
    async def check() -> None:
        async with World(script=Fixed(Turn(text="Hello there."))) as world:
            lines = (await post(world.openai, chat_body("openai", stream=True))).body.split(b"\n\n")
            assert all(line.startswith(b'data: {"id":"chatcmpl-') for line in lines[:-2])
            assert lines[-2:] == [b"data: [DONE]", b""]
            got = await post(world.anthropic, chat_body("anthropic", stream=True))
            names = re.findall(rb"event: (\w+)\ndata: {\"type\":\"(\w+)\"", got.body)
            assert all(first == second for first, second in names)
            assert [name.decode() for name, _ in names] == [
                "message_start",
                "ping",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ]

    run(check())


def test_deepseek_serves_both_of_its_paths() -> None:
    async def check() -> None:
        async with World() as world:
            for path in ("/chat/completions", "/v1/chat/completions"):
                assert (await post(world.deepseek, chat_body("deepseek"), path=path)).status == 200

    run(check())


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("stream", [True, False])
def test_the_usage_in_the_answer_is_the_usage_in_the_log(vendor: str, stream: bool) -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING)) as world:
            got = await post(world[vendor], chat_body(vendor, stream=stream))
            usages = [event["usage"] for event in got.events if event.get("usage")] if stream else []
            told = usages[-1] if stream else got.json["usage"]
            (record,) = world[vendor].log
            assert record.complete
            prompt, output = record.usage.prompt_tokens, record.usage.output_tokens
            if vendor == "anthropic":
                assert (told["input_tokens"], told["output_tokens"]) == (prompt, output)
            else:
                assert (told["prompt_tokens"], told["completion_tokens"]) == (prompt, output)
            assert len(record.call_ids) == 1
            assert record.call_ids[0].encode() in got.body

    run(check())


def test_ids_are_new_in_every_answer_and_the_same_in_every_run() -> None:
    async def ids() -> list[str]:
        async with World(script=Fixed(CALLING), seed=3) as world:
            for _ in range(5):
                await post(world.openai, chat_body("openai"))
            return [record.call_ids[0] for record in world.openai.log]

    async def check() -> None:
        first, second = await ids(), await ids()
        assert first == second
        assert len(set(first)) == 5

    run(check())


def test_pacing_spreads_a_stream_and_no_pacing_is_one_burst() -> None:
    async def check() -> None:
        script = Fixed(Turn(text="one two three four five six seven eight"))
        async with World(script=script, pace=Pace(first_token_s=0.05, tokens_per_s=200)) as world:
            got = await post(world.openai, chat_body("openai", stream=True))
            assert got.taken_s > 0.08
            world.openai.pace = Pace()
            quick = await post(world.openai, chat_body("openai", stream=True))
            assert quick.taken_s < got.taken_s
            assert len(quick.body) == len(got.body)

    run(check())


def test_raw_answers_are_exact_and_chunked_as_told() -> None:
    async def check() -> None:
        raw = Raw(status=418, headers=(("content-type", "x/y"),), body=b"abcdefg", chunk_bytes=3)
        async with World(script=Fixed(raw)) as world:
            got = await post(world.openai, chat_body("openai"))
            assert (got.status, got.headers["content-type"], got.body) == (418, "x/y", b"abcdefg")
            world.set_script(Fixed(Raw(body=b"data: {", ending=Ending.RESET)))
            got = await post(world.openai, chat_body("openai"))
            assert (got.status, got.body, got.broken) == (200, b"data: {", True)
            assert [record.complete for record in world.openai.log] == [True, False]

    run(check())


def test_log_script_and_reset_work_over_http() -> None:
    async def check() -> None:
        async with World() as world, aiohttp.ClientSession(world.openai.origin) as session:
            await post(world.openai, chat_body("openai"))
            async with session.get("/_log") as response:
                shown = await response.json()
            assert shown["appended"] == 1
            assert shown["records"][0]["fault"] == "none"
            assert shown["records"][0]["usage"]["input_tokens"] > 0
            script = {
                "kind": "agent_task",
                "steps": 4,
                "client": "cline",
                "schedule": {"kind": "always", "faults": ["server_error"]},
            }
            async with session.post("/_script", json=script) as response:
                assert response.status == 204
            assert world.openai.script == AgentTask(steps=4, client="cline")
            assert (await post(world.openai, chat_body("openai"))).status == 500
            assert world.openai.log[1].fault is Fault.SERVER_ERROR
            async with session.post("/_reset") as response:
                assert response.status == 204
            assert len(world.openai.log) == 0
            for wrong in ({"kind": "poem"}, {"kind": "agent_task", "stops": 4}, {"schedule": {"kind": "always"}}):
                async with session.post("/_script", json=wrong) as response:
                    assert response.status == 400

    run(check())


def test_many_requests_at_once_are_all_answered_and_logged() -> None:
    async def check() -> None:
        async with World(script=Fixed(CALLING)) as world:
            many = [post(world.anthropic, chat_body("anthropic", stream=True)) for _ in range(100)]
            got = await asyncio.gather(*many)
            assert {one.status for one in got} == {200}
            assert len(world.anthropic.log.generations) == 100
            assert len({record.call_ids for record in world.anthropic.log}) == 100

    run(check())
