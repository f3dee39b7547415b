"""Hosts that follow OpenAI's wire: each with its quirks in streams, counts and errors, and its rules of requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.simulate import Always, Ask, Fault, Fixed, ServerSpec, Turn, World
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_groq import check_groq
from gammainfra.simulate.validate_mistral import check_mistral
from gammainfra.simulate.validate_openrouter import check_openrouter
from gammainfra.simulate.validate_xai import check_xai
from tests.simulate.asking import CALLING, CHAT_TOOLS, Got, post, run

MODELS = {
    "mistral": "mistral-medium-3-5",
    "groq": "openai/gpt-oss-120b",
    "xai": "grok-4.5",
    "openrouter": "anthropic/claude-opus-4.6",
    "azure": "gpt-4.1",
}
THINKS = {"mistral": "high", "groq": "high", "xai": "high", "openrouter": "high"}
each_vendor = pytest.mark.parametrize("vendor", MODELS)


def body(vendor: str, **more: Any) -> dict[str, Any]:
    return {"model": MODELS[vendor], "messages": [user()], "tools": CHAT_TOOLS, **more}


def user(content: object = "Write a file.") -> dict[str, Any]:
    return {"role": "user", "content": content}


def calls(call_id: str = "abcDEF123", **more: Any) -> dict[str, Any]:
    function = {"name": "write_file", "arguments": "{}"}
    return {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}], **more}


def result(call_id: str = "abcDEF123", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "ok", **more}


async def ask(world: World, vendor: str, asked: dict[str, Any]) -> Got:
    server = world[vendor]
    path = server.vendor.base_path + "/chat/completions"
    return await post(server, asked, path=path, headers={"Authorization": "Bearer sk-test"})


async def see(vendor: str, turn: Turn = CALLING, fault: Fault | None = None, **more: Any) -> Got:
    schedule = None if fault is None else Always(fault)
    async with World((ServerSpec(vendor),), script=Fixed(turn), schedule=schedule) as world:
        return await ask(world, vendor, body(vendor, **more))


def deltas(got: Got) -> list[dict[str, Any]]:
    return [choice["delta"] for event in got.events for choice in event["choices"]]


@each_vendor
def test_a_stream_and_a_whole_say_the_same(vendor: str) -> None:
    async def check() -> None:
        streamed, whole = await see(vendor, stream=True), await see(vendor)
        message = whole.json["choices"][0]["message"]
        (call,) = message["tool_calls"]
        pieces = [one for delta in deltas(streamed) for one in delta.get("tool_calls") or ()]
        assert "".join(one["function"].get("arguments", "") for one in pieces) == call["function"]["arguments"]
        assert json.loads(call["function"]["arguments"]) == CALLING.calls[0].arguments
        assert streamed.body.endswith(b"data: [DONE]\n\n")
        assert whole.json["choices"][0]["finish_reason"] == "tool_calls"

    run(check())


@pytest.mark.parametrize(
    ("vendor", "where"),
    [("mistral", "content"), ("groq", "reasoning"), ("xai", "reasoning_content"), ("openrouter", "reasoning_details")],
)
def test_thinking_stands_where_the_host_puts_it(vendor: str, where: str) -> None:
    async def check() -> None:
        effort: dict[str, Any] = {"reasoning_effort": THINKS[vendor]}
        streamed, whole = await see(vendor, stream=True, **effort), await see(vendor, **effort)
        assert "One file is enough." in json.dumps(whole.json["choices"][0]["message"][where])
        assert any("One" in json.dumps(delta.get(where)) for delta in deltas(streamed))
        silent = await see(vendor, reasoning_effort="none" if vendor != "groq" else "low", tools=None)
        assert ("enough" in silent.body.decode()) == (vendor == "groq")

    run(check())


def test_mistral_sends_whole_calls_with_ids_of_nine_characters_and_counts_unasked() -> None:
    async def check() -> None:
        got = await see("mistral", stream=True)
        (call,) = [one for delta in deltas(got) for one in delta.get("tool_calls") or ()]
        assert len(call["id"]) == 9
        assert got.events[-1]["usage"]["total_tokens"] > 0
        assert got.events[-1]["choices"][0]["finish_reason"] == "tool_calls"
        lost = await see("mistral", fault=Fault.NO_CALL_ID)
        assert lost.json["choices"][0]["message"]["tool_calls"][0]["id"] == "null"

    run(check())


def test_groq_counts_in_a_field_of_its_own_and_names_a_tier_nobody_knows() -> None:
    async def check() -> None:
        got = await see("groq", stream=True, stream_options={"include_usage": True})
        first, *_, finish, last = got.events
        assert first["x_groq"]["id"].startswith("req_")
        assert finish["x_groq"]["usage"] == finish["usage"] == last["usage"]
        assert (last["choices"], last["service_tier"]) == ([], "on_demand")
        assert (await see("groq", stream=True)).events[-1]["x_groq"]["usage"]["prompt_tokens"] > 0
        late = await see("groq", fault=Fault.LATE_ERROR, stream=True)
        assert b"event: error\n" in late.body

    run(check())


def test_xai_counts_reasoning_beside_the_completion() -> None:
    async def check() -> None:
        usage = (await see("xai")).json["usage"]
        reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] + reasoning
        got = await see("xai", stream=True, stream_options={"include_usage": True})
        assert "finish_reason" not in got.events[0]["choices"][0]
        assert got.events[-1]["choices"] == []
        assert (await see("xai", stream=True)).events[-1]["choices"] != []
        assert "Let me think" in (await see("xai", Turn(text="Hi."))).body.decode()
        fast = await see("xai", model="grok-4-1-fast-non-reasoning")
        assert "reasoning_content" not in fast.json["choices"][0]["message"]

    run(check())


def test_openrouter_comments_finishes_twice_and_tells_the_money() -> None:
    async def check() -> None:
        got = await see("openrouter", stream=True)
        assert got.body.startswith(b": OPENROUTER PROCESSING\n\n")
        finishes = [event["choices"][0]["finish_reason"] for event in got.events]
        assert finishes[-2:] == ["tool_calls", "tool_calls"]
        assert got.events[-1]["usage"]["cost"] > 0
        error = (await see("openrouter", fault=Fault.EARLY_ERROR, stream=True)).events[-1]
        assert (error["error"]["code"], error["choices"][0]["finish_reason"]) == (502, "error")
        unfinished = await see("openrouter", fault=Fault.NO_FINISH, stream=True)
        assert unfinished.events[-1]["choices"][0]["finish_reason"] is None

    run(check())


def test_azure_begins_with_filters_and_takes_its_own_header() -> None:
    async def check() -> None:
        assert (await see("azure", stream=True)).events[0]["choices"] == []
        async with World((ServerSpec("azure", keys=frozenset({"k"})),)) as world:
            path = "/openai/deployments/gpt-4.1/chat/completions"
            got = await post(world["azure"], body("azure"), path=path, headers={"api-key": "k"})
            assert got.status == 200
            assert (await post(world["azure"], body("azure"), path=path, headers={"api-key": "no"})).status == 401

    run(check())


@each_vendor
def test_each_fault_has_its_status(vendor: str) -> None:
    async def check() -> None:
        wanted = {
            Fault.RATE_LIMIT_RETRY_AFTER: 429,
            Fault.SERVER_ERROR: 500,
            Fault.UNAVAILABLE: 503,
            Fault.OVERLOADED: 529,
            Fault.BILLING_402: 402,
            Fault.CONTEXT_OVERFLOW: 400,
            Fault.AUTH_401: 400 if vendor == "xai" else 401,
        }
        for fault, status in wanted.items():
            got = await see(vendor, fault=fault)
            assert (fault, got.status) == (fault, status)
            assert ("retry-after" in got.headers) == (status == 429)

    run(check())


@each_vendor
def test_models_are_listed(vendor: str) -> None:
    async def check() -> None:
        async with World((ServerSpec(vendor),)) as world:
            rows = json.loads(world[vendor].vendor.render_models())["data"]
        assert MODELS[vendor] in [row["id"] for row in rows]

    run(check())


def test_an_ask_counts_steps_alike_for_every_host() -> None:
    async def check() -> None:
        seen: list[Ask] = []

        def note(asked: Ask) -> Turn:
            seen.append(asked)
            return Turn(text="Done.")

        for vendor in MODELS:
            async with World((ServerSpec(vendor),), script=note) as world:
                got = await ask(world, vendor, body(vendor, messages=[user(), calls(), result()]))
                assert got.status == 200, got.body
        assert [(asked.vendor, asked.step) for asked in seen] == [(vendor, 1) for vendor in MODELS]

    run(check())


def begun(**more: Any) -> dict[str, Any]:
    return {"messages": [user(), {"role": "assistant", "content": "x", **more}]}


MISTRAL_REFUSES: list[tuple[dict[str, Any], str]] = [
    ({"model": "gpt-5"}, "Invalid model"),
    ({"stream_options": {}}, "Extra inputs"),
    ({"seed": 1}, "Extra inputs"),
    ({"tools": []}, "Extra inputs"),
    ({"messages": [{"role": "developer", "content": "x"}]}, "not a role"),
    ({"messages": [{**user(), "name": "jo"}]}, "Extra inputs"),
    ({"messages": [user(), calls(reasoning_content="x"), result()]}, "Extra inputs"),
    ({"messages": [user(), calls("call_1"), result("call_1")]}, "length of 9"),
    ({"messages": [user(), calls(), result(), user()]}, "Unexpected role 'user' after role 'tool'"),
    ({"messages": [user(), calls(), result(), {"role": "system", "content": "x"}]}, "Unexpected role 'system'"),
    ({"messages": [user(), {"role": "assistant", "content": "x"}, result()]}, "Unexpected role 'tool'"),
    ({"messages": [user(), calls(), result(), result()]}, "Unexpected tool call id"),
    ({"messages": [user(), calls(), user()]}, "same number"),
    ({"messages": [user(), {**calls(), "tool_calls": calls()["tool_calls"] * 2}, result()]}, "Duplicate"),
    ({"messages": [user(""), user()]}, "either content or tool_calls"),
    ({"messages": [user([{"type": "refusal"}])]}, "Input tag"),
    (begun(), "Expected last role"),
    (begun(tool_calls=[]), "must not be empty"),
    ({"messages": [user(), {"role": "assistant", "tool_calls": [7]}]}, "must have a function"),
    (
        {"messages": [user(), {"role": "assistant", "tool_calls": [{"id": "a", "function": {}, "x": 1}]}]},
        "Extra inputs",
    ),
    (
        {"messages": [user(), {"role": "assistant", "tool_calls": [{"id": "abcDEF123", "function": {}}]}]},
        "Function name",
    ),
    (
        {"messages": [user(), {"role": "assistant", "tool_calls": [{"id": "abcDEF123", "function": {"name": "f"}}]}]},
        "arguments",
    ),
    ({"tools": [{"type": "function"}]}, "no function"),
    ({"tools": [{"function": {"name": "f", "x": 1}}]}, "Extra inputs"),
    ({"tools": [{"function": {"name": "f"}}]}, "Field required"),
    ({"tool_choice": "some"}, "tool choice"),
    ({"reasoning_effort": "low"}, "'high' or 'none'"),
]


@pytest.mark.parametrize(("change", "message"), MISTRAL_REFUSES)
def test_mistral_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_mistral(body("mistral", **change))


def test_mistral_accepts_what_its_pages_allow() -> None:
    check_mistral(body("mistral", **begun(prefix=True), random_seed=1, tool_choice="any"))
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}]
    check_mistral(body("mistral", messages=[user(), calls(content=thought), result()]))


def test_mistral_names_every_place_of_a_body_that_is_not_valid() -> None:
    async def check() -> None:
        got = await see("mistral", user="jo")
        assert got.status == 422
        assert got.json["message"]["detail"][0]["loc"] == ["body", "user"]
        order = await see("mistral", messages=[user(), calls(), result(), user()])
        assert (order.json["type"], order.json["code"]) == ("invalid_request_message_order", "3230")

    run(check())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "claude-opus-4-6"}, "does not exist"),
        ({"logprobs": True}, "'logprobs' is unsupported"),
        ({"n": 2}, "at most 1"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "discriminator"),
        ({"messages": [{**user(), "name": "jo"}]}, "'name' is unsupported"),
        ({"messages": [user(None)]}, "must be a string"),
        ({"messages": [user(), calls(reasoning_content="x"), result()]}, "'reasoning_content' is unsupported"),
        ({"messages": [user(), {"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "needs an id and its type"),
        ({"reasoning_effort": "max"}, "must be one of"),
        ({"model": "llama-3.3-70b-versatile", "reasoning_effort": "low"}, "not supported with this model"),
    ],
)
def test_groq_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_groq(body("groq", **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "gpt-5"}, "does not exist"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "unknown variant"),
        ({"messages": [user(None)]}, "at least one content element"),
        ({"stop": ["x"]}, "does not support parameter stop"),
        ({"reasoning_effort": "max"}, "does not support parameter reasoning_effort"),
        ({"logit_bias": {}}, "not supported"),
    ],
)
def test_xai_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_xai(body("xai", **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "gpt-5"}, "not a valid model ID"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "Invalid option"),
        ({"messages": [user(None)]}, "Invalid input"),
        ({"messages": [user(), calls(reasoning_details=[{"type": "odd"}]), result()]}, "discriminator"),
        ({"messages": [user(), calls(reasoning_details=[{"type": "reasoning.encrypted"}]), result()]}, "Required"),
    ],
)
def test_openrouter_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        check_openrouter(body("openrouter", **change))
