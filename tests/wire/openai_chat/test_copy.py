from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gammainfra.wire.openai_chat import CLIENT, PROVIDER
from tests.wire.openai_chat.shapes import EVERYTHING, TOOL, Json, body, call, calls, copied, sent, target, tool, user

OWN = target(owns_dialect=True)
HOST = target()
MARK = {"type": "ephemeral"}
CLEAN = (user("u"), calls(call(), content=""), tool(), user("env"))


def test_clean_messages_travel_verbatim() -> None:
    raw = b'{"model":"m","messages":[{"role":"user" , "content":"\\u00e9 1.50"}],"temperature":1.50,"stream":true}'
    made = PROVIDER.copy_request(raw, CLIENT.sketch(raw), replace(OWN, stream=True))
    assert made is not None
    assert b'"messages":[{"role":"user" , "content":"\\u00e9 1.50"}]' in made.body
    assert b'"temperature":1.50' in made.body
    assert sent(made) == {
        "model": "up",
        "messages": [{"role": "user", "content": "é 1.50"}],
        "temperature": 1.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert (made.dropped_params, made.dropped_context, made.call_ids) == ((), (), ())


def test_the_streams_options_are_ours() -> None:
    to = target(owns_dialect=True, stream=True, drop=frozenset({"stream_options"}))
    assert sent(copied(to, stream=False, stream_options={"include_usage": False})).keys() == {
        "model",
        "messages",
        "stream",
    }
    assert "stream" not in sent(copied(OWN, stream=True, stream_options={"include_usage": True}))


def test_the_gateways_fields_stay_here() -> None:
    more: Json = {
        "models": ["x"],
        "provider": {},
        "usage": {},
        "transforms": [],
        "route": "x",
        "plugins": [],
        "n": None,
    }
    made = copied(OWN, *CLEAN, metadata={"session_id": "s"}, store=False, **more)
    assert sent(made).keys() == {"model", "messages", "store"}
    assert sent(copied(OWN, metadata={"a": "b"}, store=True))["metadata"] == {"a": "b"}


def test_the_owner_gets_what_we_do_not_know_and_a_host_only_what_all_know() -> None:
    more: Json = {"verbosity": "low", "top_k": 5, "service_tier": "priority", "seed": 1, "user": "u"}
    own, host = copied(OWN, **more), copied(HOST, **more)
    assert own is not None
    assert host is not None
    assert sent(own).keys() == {"model", "messages", "verbosity", "seed", "user"}
    assert own.dropped_params == ("top_k", "service_tier")
    assert sent(host).keys() == {"model", "messages", "seed", "user"}
    assert host.dropped_params == ("verbosity", "top_k", "service_tier")
    asked = copied(target(accepts=frozenset({"top_k"})), **more)
    assert sent(asked)["top_k"] == 5


@pytest.mark.parametrize(
    ("to", "more", "limits"),
    [
        (OWN, {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
        (OWN, {"max_tokens": 5}, {"max_tokens": 5}),
        (OWN, {"max_completion_tokens": 5, "max_tokens": 9}, {"max_completion_tokens": 5}),
        (HOST, {"max_completion_tokens": 5}, {"max_tokens": 5}),
        (HOST, {"max_tokens": -1}, {}),
        (target(clamp_max_tokens=3), {"max_tokens": 5}, {"max_tokens": 3}),
        (target(clamp_max_tokens=3, owns_dialect=True), {}, {"max_tokens": 3}),
        (
            target(renames={"max_tokens": "max_completion_tokens"}, owns_dialect=True),
            {"max_tokens": 5},
            {"max_completion_tokens": 5},
        ),
        (target(renames={"max_completion_tokens": "max_tokens"}), {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ],
)
def test_one_limit_is_sent_under_the_targets_name(to, more: Json, limits: Json) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    written = sent(copied(to, **more))
    assert {name: value for name, value in written.items() if name.startswith("max")} == limits


@pytest.mark.parametrize(
    ("more", "effort"),
    [
        ({"reasoning_effort": "low"}, "low"),
        ({"reasoning": {"effort": "high"}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"reasoning": {"enabled": False}}, "none"),
        ({}, None),
    ],
)
def test_effort_is_said_in_openais_words(more: Json, effort: str | None) -> None:
    written = sent(copied(OWN, **more))
    assert written.get("reasoning_effort") == effort
    assert written.keys() <= {"model", "messages", "reasoning_effort"}


def test_a_host_with_its_own_words_for_effort_gets_the_clients() -> None:
    to = target(accepts=frozenset({"reasoning"}))
    assert sent(copied(to, reasoning={"effort": "high"}))["reasoning"] == {"effort": "high"}


def test_effort_is_not_sent_to_a_model_that_does_not_think() -> None:
    to = target(capabilities=replace(EVERYTHING, thinking="none"))
    asked, off = copied(to, reasoning_effort="high"), copied(to, reasoning_effort="none")
    assert asked is not None
    assert off is not None
    assert (asked.dropped_params, off.dropped_params) == (("reasoning_effort",), ())


def test_a_choice_without_tools_is_not_sent() -> None:
    written = sent(copied(OWN, tools=[], tool_choice="auto", parallel_tool_calls=True))
    assert written.keys() == {"model", "messages"}
    kept = sent(copied(OWN, tools=[TOOL], tool_choice="auto", parallel_tool_calls=True))
    assert kept.keys() == {"model", "messages", "tools", "tool_choice", "parallel_tool_calls"}


def test_single_messages_are_mended_in_place() -> None:
    made = copied(
        OWN,
        {"role": "system", "content": "s", "cache_control": MARK},
        user([{"type": "text", "text": "u", "cache_control": MARK}, "v"]),
        calls(call(arguments=""), call("call_2", {"a": 1}), reasoning_content="t", reasoning_details=[], audio=None),
        tool(),
        tool("call_2"),
        {"role": "assistant", "content": None, "tool_calls": [], "thinking_blocks": None},
        user([]),
    )
    assert made is not None
    assert made.dropped_context == ("thinking=1",)
    assert sent(made)["messages"] == [
        {"role": "system", "content": "s"},
        user([{"type": "text", "text": "u"}, {"type": "text", "text": "v"}]),
        calls(call(arguments="{}"), call("call_2", '{"a":1}'), audio=None),
        tool(),
        tool("call_2"),
        {"role": "assistant", "content": ""},
        user(""),
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [user(), calls(call())],
        [user(), tool()],
        [user(), calls(call()), tool(), calls(call()), tool()],
        [user(), calls(call("f:0")), tool("f:0")],
        [user(), calls(call()), tool(content=[{"type": "image_url"}])],
        [user(), calls(call()), user()],
        [user(), {"role": "function", "name": "f", "content": "r"}],
        [user([{"type": "video_url"}])],
        [user([{"type": "text", "text": "a", "cache_control": MARK}, {"type": "input_text", "text": "b"}])],
    ],
)
def test_messages_that_must_move_take_the_hub(messages: list[Json]) -> None:
    assert copied(OWN, *messages) is None


CHOICE: Json = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
STRICT: Json = {"type": "function", "function": {"name": "f", "strict": True}}


@pytest.mark.parametrize(
    ("to", "more"),
    [
        (target(dialect="anthropic"), {}),
        (target(reasoning_required=True), {}),
        (target(id_rule="mistral"), {}),
        (target(user_after_tool=False), {}),
        (target(accepts=frozenset({"cache_control"}), automatic_cache_marks=True), {}),
        (target(drop=frozenset({"strict"})), {"tools": [STRICT]}),
        (HOST, {"tools": [TOOL], "tool_choice": CHOICE}),
        (OWN, {"tools": [{"name": "f"}]}),
        (OWN, {"tools": [{**TOOL, "cache_control": MARK}]}),
        (OWN, {"tools": [{"type": "function", "function": {"name": "a.b"}}]}),
        (OWN, {"functions": [{"name": "f"}]}),
        (target(capabilities=replace(EVERYTHING, does=frozenset())), {"response_format": {"type": "json_schema"}}),
        (
            target(capabilities=replace(EVERYTHING, forced_tool_choice=False)),
            {"tools": [TOOL], "tool_choice": "required"},
        ),
    ],
)
def test_targets_that_want_more_than_a_copy_take_the_hub(to, more: Json) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert copied(to, *CLEAN, **more) is None


def test_reasoning_in_a_field_of_the_hosts_own_takes_the_hub() -> None:
    to = target(reasoning_field="reasoning_content")
    assert copied(to, user(), {"role": "assistant", "content": "x", "reasoning": "t"}) is None
    assert copied(to, *CLEAN) is not None


def test_targets_with_wishes_copy_what_their_wishes_do_not_touch() -> None:
    assert copied(target(reasoning_required=True, id_rule="mistral"), user()) is not None
    assert copied(target(drop=frozenset({"strict"})), user(), tools=[TOOL]) is not None
    assert copied(OWN, user(), tools=[TOOL], tool_choice=CHOICE) is not None
    assert copied(target(accepts=frozenset({"cache_control"})), *CLEAN) is not None


def test_half_an_emoji_is_mended_on_the_short_way() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"a\\ud83d"}]}'
    made = PROVIDER.copy_request(raw, CLIENT.sketch(raw), OWN)
    assert sent(made)["messages"][0]["content"] == "a\ufffd"


def test_a_long_history_is_copied_whole() -> None:
    history = [user(), *(one for k in range(50) for one in (calls(call(f"call_{k}")), tool(f"call_{k}")))]
    assert sent(copied(OWN, *history))["messages"] == json.loads(body(*history))["messages"]
