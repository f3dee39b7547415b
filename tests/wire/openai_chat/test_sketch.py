from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import ProviderPreferences
from gammainfra.wire.lenient import without_lone_surrogates
from gammainfra.wire.openai_chat import CLIENT
from tests.wire.openai_chat.shapes import TOOL, Json, body, call, calls, sketch, tool, user

PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
MARK = {"type": "ephemeral"}


def refusal(raw: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        CLIENT.sketch(raw)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value


def test_an_agents_request_is_seen_whole() -> None:
    seen = sketch(
        {"role": "system", "content": "You are an agent."},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        user([{"type": "text", "text": "task"}, PNG]),
        calls(call("call_1"), call("call_2"), content=""),
        tool("call_2"),
        tool("call_1", [{"type": "text", "text": "r"}]),
        user("environment"),
        stream=True,
        stream_options={"include_usage": True},
        tools=[TOOL],
        tool_choice="auto",
        temperature=0,
        max_tokens=100,
        user="someone",
        seed=None,
    )
    assert (seen.dialect, seen.model, seen.stream, seen.n_messages, seen.n_tools) == ("openai_chat", "m", True, 7, 1)
    assert (seen.tool_names, set(seen.needs)) == (("f",), {"tools", "images"})
    assert (seen.max_tokens, seen.include_usage, seen.user) == (100, True, "someone")
    assert seen.prefix_head == "You are an agent.\nBe brief."
    assert (seen.first_user, seen.last_user) == ("task\n", "environment")
    assert seen.roles == ("system", "developer", "user", "assistant", "tool", "tool", "user")
    assert (seen.call_ids, seen.call_repeated, seen.group_open) == (("call_1", "call_2"), False, False)
    assert seen.parameters == {"tools", "tool_choice", "temperature", "max_tokens"}
    assert seen.clean
    assert seen.n_bytes > 600


def test_what_the_official_sdk_echoes_is_clean() -> None:
    echo = calls(call(), content=None, refusal=None, annotations=[], audio=None, function_call=None)
    assert sketch(user(), echo, tool()).clean


@pytest.mark.parametrize(
    "messages",
    [
        [user(cache_control=MARK)],
        [user([{"type": "text", "text": "a", "cache_control": MARK}])],
        [user(), calls(call(), reasoning_content="t"), tool()],
        [user(), calls(call(), thinking_blocks=[]), tool()],
        [user(), calls(call(), provider_specific_fields={}), tool()],
        [user(), calls(call("a" * 41)), tool("a" * 41)],
        [user(), calls(call("f:0")), tool("f:0")],
        [user(), calls(call(None)), tool("")],
        [user(), calls(call()), tool(), calls(call()), tool()],
        [user(), calls(call()), user("go")],
        [user(), calls(call()), calls(call("call_2")), tool("call_2")],
        [user(), calls(call()), {"role": "system", "content": "s"}, tool()],
        [user(), calls(call())],
        [user(), tool()],
        [user(), calls(call()), tool(), tool()],
        [user(), calls(call()), tool(content=None)],
        [user(), calls(call()), tool(content=[PNG])],
        [user(), calls(call(arguments=""))],
        [user(), calls(call(arguments="[1]")), tool()],
        [user(), calls(call(name="")), tool()],
        [user(), calls({"id": "call_1", "type": "function"}), tool()],
        [user(), calls({"id": "call_1", "function": {"name": "f", "arguments": "{}"}}), tool()],
        [user(), calls(call(extra_content={})), tool()],
        [user(), calls()],
        [user(), {"role": "assistant", "content": None}],
        [user(), {"role": "assistant"}],
        [user(), {"role": "assistant", "content": "", "tool_calls": None}],
        [user(), {"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}]}],
        [user(), {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}],
        [user(), {"role": "function", "name": "f", "content": "r"}],
        [user([])],
        [user(None)],
        [user(["text"])],
        [user([{"type": "video_url"}])],
    ],
)
def test_messages_that_openai_would_not_take_are_not_clean(messages: list[Json]) -> None:
    assert not sketch(*messages).clean


@pytest.mark.parametrize(
    "messages",
    [
        [user(name="bob")],
        [user([{"type": "input_audio", "input_audio": {}}, {"type": "file", "file": {}}])],
        [user(), {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}],
        [user(), {"role": "assistant", "content": "", "refusal": "no"}],
    ],
)
def test_messages_that_openai_takes_are_clean(messages: list[Json]) -> None:
    assert sketch(*messages).clean


@pytest.mark.parametrize(
    ("more", "needs"),
    [
        ({}, set()),
        ({"functions": [{"name": "g"}]}, {"tools"}),
        ({"modalities": ["text", "audio"]}, {"audio"}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}),
        ({"response_format": {"type": "json_object"}}, {"json_object"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"response_format": "text"}, set()),
    ],
)
def test_needs_follow_from_the_body(more: Json, needs: set[str]) -> None:
    assert sketch(**more).needs == needs


def test_needs_follow_from_the_parts() -> None:
    parts = [{"type": "file", "file": {}}, {"type": "input_audio", "input_audio": {}}, {"type": "image"}]
    assert sketch(user(parts)).needs == {"documents", "audio", "images"}


def test_marks_are_counted_on_messages_parts_and_tools() -> None:
    part = {"type": "text", "text": "a", "cache_control": MARK}
    system = {"role": "system", "content": "s", "cache_control": MARK}
    assert sketch(system, user([part, part]), tools=[{**TOOL, "cache_control": MARK}]).cache_marks == 4
    assert sketch(user(cache_control=None), user([{**part, "cache_control": None}])).cache_marks == 0


def test_repeated_ids_and_open_groups_are_told() -> None:
    seen = sketch(user(), calls(call()), tool(), calls(call()))
    assert (seen.call_ids, seen.call_repeated, seen.group_open) == (("call_1", "call_1"), True, True)


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ({"metadata": {"session_id": "s1", "user_id": "u_session_s2"}}, "s1"),
        ({"metadata": {"user_id": {"session_id": "s2"}}}, "s2"),
        ({"metadata": {"user_id": "user_ab_account__session_s3"}}, "s3"),
        ({"metadata": {"user_id": '{"device_id":"d","session_id":"s4"}'}}, "s4"),
        ({"metadata": {"user_id": "{broken"}}, None),
        ({"metadata": {"user_id": "someone"}}, None),
        ({"metadata": {"user_id": 7}, "session_id": "s5"}, "s5"),
        ({"metadata": "x", "prompt_cache_key": "k"}, "k"),
        ({"prompt_cache_key": "a\nb"}, None),
        ({"prompt_cache_key": "x" * 257}, None),
        ({"prompt_cache_key": ""}, None),
        ({}, None),
    ],
)
def test_a_session_is_found_in_the_body(more: Json, hint: str | None) -> None:
    assert sketch(**more).session_hint == hint


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6, "max_tokens": 5}, 6),
        ({"max_tokens": "7"}, 7),
        ({"max_tokens": 8.0}, 8),
        ({"max_tokens": -1}, None),
        ({"max_completion_tokens": 0}, None),
    ],
)
def test_either_name_limits_the_answer(more: Json, limit: int | None) -> None:
    assert sketch(**more).max_tokens == limit


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({"usage": {"include": True}}, True),
        ({"stream_options": {"include_usage": False}}, False),
        ({"stream_options": None, "usage": []}, False),
        ({}, False),
    ],
)
def test_usage_is_included_when_asked(more: Json, asked: bool) -> None:
    assert sketch(**more).include_usage is asked


def test_long_texts_are_cut() -> None:
    long = [{"type": "text", "text": "x" * 3000}, {"type": "text", "text": "y" * 3000}, {"type": "text", "text": "z"}]
    seen = sketch({"role": "system", "content": "s" * 5000}, {"role": "system", "content": "t"}, user(long))
    assert seen.prefix_head == "s" * 2048
    assert (len(seen.first_user), seen.first_user[-1]) == (4096, "y")


def test_several_answers_may_be_asked_for() -> None:
    assert (sketch().n, sketch(n=3).n) == (1, 3)


def test_a_conversation_without_user_or_system_text_has_none() -> None:
    assert sketch({"role": "system", "content": "s"}).first_user == ""
    seen = sketch({"role": "assistant", "content": "x"}, user(None), user(["a", {"type": "text", "text": 7}]))
    assert (seen.prefix_head, seen.first_user, seen.last_user) == ("", "", "a\n")
    assert sketch({"role": "assistant", "content": "x"}).last_user == ""


def test_openrouters_preferences_are_read() -> None:
    preferences = {
        "order": ["a"],
        "only": ["a", "b"],
        "ignore": ["c"],
        "allow_fallbacks": False,
        "require_parameters": True,
        "data_collection": "deny",
        "zdr": True,
        "sort": "price",
        "max_price": {"prompt": 2.5, "completion": "10"},
        "quantizations": ["fp8"],
    }
    seen = sketch(provider=preferences, models=["x", "y"])
    assert seen.models == ("x", "y")
    assert seen.provider == ProviderPreferences(
        ("a",), ("a", "b"), ("c",), False, True, "deny", True, "price", 2_500_000, 10_000_000
    )


@pytest.mark.parametrize("given", [{}, {"sort": {"by": "latency"}}, {"sort": None, "max_price": None, "order": None}])
def test_preferences_may_be_sparse(given: Json) -> None:
    expected = ProviderPreferences(sort="latency" if given.get("sort") else None)
    assert sketch(provider=given).provider == expected
    assert sketch(provider=None).provider is None


@pytest.mark.parametrize(
    ("preferences", "param"),
    [
        ({"order": "a"}, "provider.order"),
        ({"only": [1]}, "provider.only[0]"),
        ({"allow_fallbacks": "yes"}, "provider.allow_fallbacks"),
        ({"data_collection": "x"}, "provider.data_collection"),
        ({"sort": "speed"}, "provider.sort"),
        ({"max_price": {"prompt": "cheap"}}, "provider.max_price.prompt"),
        ({"max_price": {"completion": -1}}, "provider.max_price.completion"),
        ({"max_price": {"completion": 1e300}}, "provider.max_price.completion"),
        ([], "provider"),
    ],
)
def test_preferences_of_a_wrong_type_are_refused_by_name(preferences: object, param: str) -> None:
    refused = refusal(body(provider=preferences))
    assert refused.param == param
    assert param in refused.message


@pytest.mark.parametrize(
    ("raw", "param", "words"),
    [
        (b"", None, "The body is empty"),
        (b"{", None, "not valid JSON"),
        (b"[]", None, "the body: expected `object`"),
        (b"\xff{}", None, "not valid JSON"),
        (b'{"messages":[{"role":"user","content":"x"}]}', "model", "`model` is missing"),
        (b'{"model":"m"}', "messages", "`messages` is missing"),
        (b'{"model":"","messages":[{"role":"user","content":"x"}]}', "model", "name a model"),
        (b'{"model":7,"messages":[]}', "model", "expected `str`"),
        (b'{"model":"m","messages":[]}', "messages", "at least one"),
        (b'{"model":"m","messages":"x"}', "messages", "expected `array`"),
        (b'{"model":"m","messages":[{"content":"x"}]}', "messages[0]", "role"),
        (b'{"model":"m","messages":[{"role":7}]}', "messages[0].role", "expected `str`"),
        (b'{"model":"m","messages":[{"role":"bot","content":"x"}]}', "messages[0].role", "'bot' is not one of"),
        (b'{"model":"m","messages":[{"role":"user","content":7}]}', "messages[0].content", "a list of parts"),
        (b'{"model":"m","messages":[{"role":"user","content":[7]}]}', "messages[0].content[0]", "expected"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"x"}', "stream", "expected `bool"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":"x"}', "max_tokens", "expected `int"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"n":0}', "n", "1 to 128"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"models":"x"}', "models", "expected `array"),
    ],
)
def test_what_nobody_could_answer_is_refused_by_name(raw: bytes, param: str | None, words: str) -> None:
    refused = refusal(raw)
    assert refused.param == param
    assert words in refused.message


def deep(levels: int) -> Json:
    value: Json = {"type": "object"}
    for _ in range(levels):
        value = {"properties": {"a": [value]}}
    return value


def test_nesting_is_bounded() -> None:
    shallow = sketch(tools=[{"type": "function", "function": {"name": "f", "parameters": deep(60)}}])
    wide = sketch(tools=[{"name": "f", "input_schema": {"anyOf": [{"type": "object"}] * 300}}])
    assert (shallow.n_tools, wide.n_tools) == (1, 1)
    assert refusal(body(tools=[{"name": "f", "parameters": deep(limits.JSON_DEPTH)}])).param == "tools[0]"
    assert refusal(body(metadata=deep(limits.JSON_DEPTH))).param == "metadata"
    assert "nested too deeply" in refusal(b'{"metadata":' + b"[" * 100_000).message


def test_half_an_emoji_is_mended() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"a\\ud83d b\\ud83d\\ude00 \\\\ud83d"}]}'
    assert CLIENT.sketch(raw).first_user == "a\ufffd b\U0001f600 \\ud83d"


@settings(deadline=None)
@given(st.text())
def test_mending_leaves_valid_json_alone(text: str) -> None:
    raw = json.dumps(text).encode()
    assert without_lone_surrogates(raw) == raw


LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["user", "assistant", "tool", "text"])
NAMES = st.sampled_from(["role", "content", "tool_calls", "id", "type"])


@settings(deadline=None)
@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_any_json_is_sketched_or_refused(value: Any) -> None:
    raw = json.dumps({"model": "m", "messages": [value], "tools": value, "metadata": value}).encode()
    try:
        assert CLIENT.sketch(raw).n_messages == 1
    except Refused as refused:
        assert refused.status == 400  # noqa: PT017 - either way is right
