from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.asgi import ask
from tests.gateway_in_process import CALLER, gateway, run
from tests.web.stored import MODEL, SESSION, exactly, stored


def test_the_record_says_what_the_answer_said(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            for answer, cost in zip(on.answers, on.costs, strict=True):
                shown = (await on.read(f"/v1/generation?id={answer['id']}"))["data"]
                usage = answer["usage"]
                assert (shown["id"], shown["endpoint"]) == (answer["id"], answer["endpoint"])
                assert shown["model"] in {candidate["model"] for candidate in shown["plan"]["candidates"]}
                assert shown["model"].partition("/")[2] == answer["endpoint"].partition("/")[2]
                assert shown["total_cost"] == shown["usage"] == shown["cost_usd"] == cost > 0
                assert shown["cost_details"] == usage["cost_details"]
                assert shown["tokens_prompt"] == shown["native_tokens_prompt"] == usage["prompt_tokens"]
                assert shown["tokens_completion"] == usage["completion_tokens"]
                assert (shown["streamed"], shown["cancelled"], shown["finish_reason"]) == (False, False, "stop")
                assert shown["created_at"].endswith("Z")

    run(test())


def test_the_attempts_and_the_plan_tell_of_the_failure(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            shown = (await on.read(f"/v1/generation?id={on.answers[0]['id']}"))["data"]
        first, *_, last = shown["attempts"]
        assert (first["outcome"], first["cause"], first["provider"]) == ("absorbed", "server_error", "openai")
        assert (last["outcome"], last["cause"], last["cost_usd"]) == ("served", None, shown["total_cost"])
        assert last["endpoint"] == shown["endpoint"]
        assert last["upstream_request_id"]
        assert 0 <= first["started_ms"] <= first["ended_ms"] <= last["started_ms"] <= last["ended_ms"]
        assert (shown["asked"], shown["session_id"], shown["absorbed_attempts"]) == (MODEL, SESSION, 1)
        assert shown["plan"]["candidates"][0]["model"] == MODEL
        assert shown["generation_time"] <= shown["latency"]

    run(test())


def test_every_spelling_of_the_id_finds_the_record_at_once_and_a_stranger_finds_none(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            given = on.answers[-1]["id"]
            for prefix in ("gen-", "msg_", "resp_"):
                target = f"/api/v1/generation/?id={prefix}{given.removeprefix('gen-')}"
                assert (await on.read(target))["data"]["id"] == given
                got = await on.get(target, on.stranger)
                assert (got.status, got.error["code"], got.error["param"]) == (404, "generation_not_found", "id")
                assert "key of yours" in got.error["message"]

    run(test())


def test_a_stream_is_recorded_with_its_own_cost(tmp_path: Path) -> None:
    async def test() -> None:
        async with stored(tmp_path) as on:
            body = {"model": MODEL, "messages": [{"role": "user", "content": "Streamed."}], "stream": True}
            body["stream_options"] = {"include_usage": True}
            got = await ask(on.app.asgi, "POST", "/v1/chat/completions", body, CALLER)
            shown = (await on.read(f"/v1/generation?id={got.headers['x-request-id']}"))["data"]
        told = exactly(json.dumps(got.chunks[-1]).encode())["usage"]["cost"]
        assert shown["streamed"] is True
        assert shown["total_cost"] == Decimal(got.facts["cost_usd"]) == told

    run(test())


@pytest.mark.parametrize("query", ["", "?id=gen-short", "?id=sess-0123456789012345678901", "?id=gen-" + "a" * 23])
def test_what_is_no_id_is_refused_with_its_form(query: str, tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", f"/v1/generation{query}", headers=CALLER)
        assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_request", "id")
        assert "gen-, msg_ or resp_" in got.error["message"]

    run(test())
