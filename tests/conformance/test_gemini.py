"""Gemini among others: a tool loop that is begun, continued and ended by providers that know nothing of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gammainfra.simulate import Always, Fault, Fixed, Never, ServerSpec, ToolCall, Turn, World
from tests.conformance.test_exchanges import QUESTION, TOOLS, message_of
from tests.gateway_in_process import chat, gateway, run

VENDORS = {"google": "gemini", "vertex": "vertex", "anthropic": "anthropic", "openai": "openai"}
MODELS = {
    "google": "google/gemini-3.5-flash",
    "vertex": "vertex/gemini-3.5-flash",
    "anthropic": "anthropic/claude-opus-4-6",
    "openai": "openai/gpt-4.1",
}
CALLING = Turn(text="Reading.", calls=(ToolCall("read_file", {"path": "a"}), ToolCall("read_file", {"path": "b"})))
ORDERS = [
    ("google", "vertex", "google"),
    ("google", "anthropic", "vertex"),
    ("anthropic", "google", "openai", "google"),
    ("openai", "vertex", "anthropic", "vertex"),
]


def environ(world: World) -> dict[str, str]:
    given = {}
    for name in VENDORS:
        given[f"GAMMAINFRA_PROVIDERS_{name.upper()}_BASE_URL"] = world[name].base_url
        given[f"GAMMAINFRA_PROVIDERS_{name.upper()}_API_KEY"] = "sk-provider-key"
    return given


def world_of() -> World:
    return World([ServerSpec(vendor, name=name) for name, vendor in VENDORS.items()], script=Fixed(CALLING))


def kept(message: dict[str, Any], *, details: bool) -> list[dict[str, Any]]:
    """A step of the conversation as a client keeps it: with the reasoning it got, or without."""
    said = {"role": "assistant", "content": message["content"], "tool_calls": message["tool_calls"]}
    if details and message.get("details"):
        said["reasoning_details"] = message["details"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in message["tool_calls"]]
    return [said, *results]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("details", [True, False], ids=["full echo", "minimal echo"])
def test_a_tool_loop_goes_from_provider_to_provider(order: tuple[str, ...], details: bool, tmp_path: Path) -> None:
    async def test() -> None:
        world = world_of()
        async with world, gateway(tmp_path, environ(world)) as app:
            history: list[dict[str, Any]] = [QUESTION]
            for name in order:
                asked = {"model": MODELS[name], "messages": history, "tools": TOOLS, "stream": True}
                got = await chat(app, asked, {"x-gammainfra-allow-fallbacks": "none"})
                assert got.status == 200, got.body
                history += kept(message_of(got, stream=True), details=details)
            assert [record.refusal for server in world for record in server.log] == [""] * len(order)
        ids = [call["id"] for message in history for call in message.get("tool_calls", ())]
        assert len(set(ids)) == len(ids)

    run(test())


def test_vertex_goes_on_where_the_gemini_api_fails_in_the_middle_of_a_tool_loop(tmp_path: Path) -> None:
    async def test() -> None:
        world = world_of()
        async with world, gateway(tmp_path, environ(world)) as app:
            asked: dict[str, Any] = {"model": MODELS["google"], "tools": TOOLS, "stream": True}
            first = await chat(app, {**asked, "messages": [QUESTION]})
            world["google"].schedule = Always(Fault.CUT_AFTER_TEXT)
            history = [QUESTION, *kept(message_of(first, stream=True), details=True)]
            second = await chat(app, {**asked, "messages": history})
            assert second.status == 200, second.body
            assert second.facts["endpoint"] == "vertex/gemini-3.5-flash"
            world["google"].schedule = Never()
            world["vertex"].schedule = Always(Fault.RATE_LIMIT)
            history += kept(message_of(second, stream=True), details=True)
            third = await chat(app, {**asked, "messages": history})
            assert third.status == 200, third.body
            assert [record.refusal for record in world["vertex"].log if record.status == 200] == [""]
            assert {record.refusal for record in world["google"].log} == {""}

    run(test())
