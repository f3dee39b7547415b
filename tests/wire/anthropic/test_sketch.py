from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.failure import Refused
from gammainfra.wire.anthropic import CLIENT
from gammainfra.wire.anthropic.thoughts import SEAL
from tests.wire.anthropic.spoken import MARK, TOOL, assistant, body, result, sketch, text, use, user

PAIRED = (user(text()), assistant(text(), use()), user(result(), text("more")))
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


def thought(signature: Any = "sig") -> dict[str, Any]:
    return {"type": "thinking", "thinking": "hm", "signature": signature}


def test_a_sketch_tells_what_routing_and_billing_ask() -> None:
    found = sketch(*PAIRED, tools=[TOOL], stream=True, temperature=1, top_p=None, stop_sequences=["x"])
    assert (found.dialect, found.model, found.stream, found.max_tokens) == ("anthropic", "m", True, 100)
    assert (found.n_messages, found.n_tools, found.tool_names) == (3, 1, ("f",))
    assert found.needs == {"tools"}
    assert found.parameters == {"tools", "max_tokens", "temperature", "stop"}
    assert found.clean
    assert not found.group_open


def test_a_message_of_results_has_the_role_that_other_dialects_give_it() -> None:
    found = sketch(*PAIRED, assistant(use("toolu_2")), user(result("toolu_2")))
    assert found.roles == ("user", "assistant", "tool", "assistant", "tool")
    assert found.call_ids == ("toolu_1", "toolu_2")
    assert (found.first_user, found.last_user) == ("hi", "more")


def test_notes_that_a_client_wraps_for_the_model_are_not_what_the_user_said() -> None:
    note = text("<system-reminder>\nToday is Monday.\n</system-reminder>")
    assert sketch(user(note, text("fix it"))).first_user == "fix it"
    assert sketch(user(note)).first_user.startswith("<system-reminder>")


def test_the_user_text_may_be_a_string_or_hold_what_is_no_text() -> None:
    assert sketch({"role": "user", "content": "plain"}).last_user == "plain"
    assert sketch(user("bare", PNG)).last_user == "bare"
    assert sketch({"role": "user", "content": None}).last_user == ""


def test_the_system_text_is_told_without_the_line_that_changes_in_every_request() -> None:
    billing = text("x-anthropic-billing-header: cc_version=2.1.330.abc; cch=1f2e3;")
    assert sketch(system=[billing, text("You are"), text("an agent.")]).prefix_head == "You are\nan agent."
    assert sketch(system="You are").prefix_head == "You are"
    assert sketch().prefix_head == ""


def test_pictures_and_documents_are_needs_wherever_they_stand() -> None:
    document = {"type": "document", "source": {"type": "url", "url": "https://x"}}
    assert sketch(user(PNG, document)).needs == {"images", "documents"}
    inside = sketch(user(), assistant(use()), user(result(content=[PNG, document])))
    assert inside.needs == {"images", "documents"}
    quoted = sketch(user(), assistant(use()), user(result(content=[text(json.dumps(PNG))])))
    assert quoted.needs == set()


@pytest.mark.parametrize(
    "asked",
    [{"output_config": {"format": {"type": "json_schema", "schema": {}}}}, {"output_format": {"type": "json_schema"}}],
)
def test_a_wanted_schema_is_a_need(asked: dict[str, Any]) -> None:
    found = sketch(**asked)
    assert found.needs == {"json_schema"}
    assert "response_format" in found.parameters


def test_ways_to_think_are_one_parameter() -> None:
    assert "reasoning_effort" in sketch(thinking={"type": "adaptive"}).parameters
    assert "reasoning_effort" in sketch(output_config={"effort": "low"}).parameters
    assert "reasoning_effort" not in sketch(output_config={}, thinking=None).parameters


def test_a_tool_of_anthropics_own_is_a_tool() -> None:
    found = sketch(tools=[{"type": "bash_20250124", "name": "bash"}])
    assert found.n_tools == 1
    assert found.needs == {"tools"}


def test_every_cache_mark_counts() -> None:
    found = sketch(
        user(text(cache_control=MARK)),
        system=[text(cache_control=MARK)],
        tools=[{**TOOL, "cache_control": MARK}, TOOL],
        cache_control=MARK,
    )
    assert found.cache_marks == 4
    assert sketch(user(text(cache_control=None))).cache_marks == 0


@pytest.mark.parametrize(
    ("metadata", "hint"),
    [
        ({"user_id": "user_abc_account__session_0f-1"}, "0f-1"),
        ({"user_id": '{"device_id":"d","session_id":"0f-1"}'}, "0f-1"),
        ({"user_id": "somebody", "session_id": "s"}, "s"),
        ({"user_id": "somebody"}, None),
        ({"user_id": 7}, None),
        ("odd", None),
    ],
)
def test_the_session_is_found_in_the_metadata(metadata: Any, hint: str | None) -> None:
    assert sketch(metadata=metadata).session_hint == hint


def test_the_callers_own_chain_and_preferences_are_read() -> None:
    found = sketch(models=["a", "b"], provider={"only": ["openai"]})
    assert found.models == ("a", "b")
    assert found.provider is not None
    assert found.provider.only == ("openai",)


def test_a_limit_of_nothing_is_no_limit() -> None:
    assert sketch(max_tokens=0).max_tokens is None
    assert sketch(max_tokens=...).max_tokens is None


@pytest.mark.parametrize(
    "messages",
    [
        PAIRED,
        (user(), user()),
        (user(), assistant(text())),
        (user(), {"role": "system", "content": "note"}),
        (user(), assistant(thought(), use()), user(result())),
        (user(), assistant({"type": "redacted_thinking", "data": "blob"}, text())),
        (user(), assistant({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}, text())),
        (user({"type": "container_upload", "file_id": "file_1"}),),
        (user(), assistant(use("toolu_1"), use("toolu_2")), user(result("toolu_2"), result("toolu_1"))),
        (user(), assistant(use()), user(result(content=[text()]))),
        (user(), assistant(use()), user({"type": "tool_result", "tool_use_id": "toolu_1"})),
    ],
    ids=str,
)
def test_what_anthropic_takes_is_clean(messages: tuple[Any, ...]) -> None:
    assert sketch(*messages).clean


@pytest.mark.parametrize(
    "messages",
    [
        (assistant(text()),),
        ({"role": "user", "content": " "},),
        ({"role": "user", "content": []},),
        ({"role": "user", "content": None},),
        (user("bare"),),
        (user(text(" \n")),),
        (user({"type": "text"}),),
        (user(), assistant(use()), {"role": "system", "content": "note"}, user(result())),
        ({"role": "system", "content": "note"}, user()),
        (user(), assistant(use())),
        (user(), assistant(use()), assistant(text()), user(result())),
        (user(), assistant(use()), user(text(), result())),
        (user(), assistant(use()), user(result("toolu_2"))),
        (user(), assistant(use("a"), use("b")), user(result("a"))),
        (user(), assistant(use()), user(result()), assistant(use()), user(result())),
        (user(), assistant(use("functions.f:0")), user(result("functions.f:0"))),
        (user(), assistant(use(None)), user(result())),
        (user(), assistant(use(given="{}")), user(result())),
        (user(), assistant(use(name="")), user(result())),
        (user(), assistant(use()), user(result(content=[text("")]))),
        (user(), assistant(use()), user(result(content=[text(cache_control=MARK)]))),
        (user(), assistant(thought(""), text())),
        (user(), assistant(thought(None), text())),
        (user(), assistant(thought(SEAL + "e30="), text())),
        (user(), assistant({"type": "redacted_thinking", "data": SEAL + "e30="}, text())),
        (user(), assistant(thought())),
        (user(thought()),),
        (user(use()),),
        (user(), assistant(result())),
    ],
    ids=str,
)
def test_what_anthropic_refuses_is_not_clean(messages: tuple[Any, ...]) -> None:
    assert not sketch(*messages).clean


def test_a_system_text_may_begin_with_an_empty_line() -> None:
    assert sketch(system=[text("\nYou are an agent."), text("second")]).clean


@pytest.mark.parametrize("system", ["", [text("")], ["bare"], [{"type": "image"}]], ids=str)
def test_a_system_text_of_nothing_is_not_clean(system: object) -> None:
    assert not sketch(system=system).clean


def test_a_repeated_or_unanswered_call_is_told() -> None:
    assert sketch(user(), assistant(use()), user(result()), assistant(use()), user(result())).call_repeated
    assert sketch(user(), assistant(use())).group_open


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"messages": [{"role": "user"}]}', "model"),
        (b'{"model": "", "messages": [{"role": "user"}]}', "model"),
        (b'{"model": "m"}', "messages"),
        (b'{"model": "m", "messages": []}', "messages"),
        (b'{"model": "m", "messages": ["x"]}', "messages[0]"),
        (b'{"model": "m", "messages": [{"role": "robot", "content": "x"}]}', "messages[0].role"),
    ],
)
def test_what_nobody_could_answer_is_refused_with_its_place(raw: bytes, param: str | None) -> None:
    with pytest.raises(Refused) as refused:
        CLIENT.sketch(raw)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "invalid_request", param)


@pytest.mark.parametrize("place", ["metadata", "tool", "call"])
def test_free_values_nested_too_deeply_are_refused(place: str) -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"a": deep}
    asked = {
        "metadata": lambda: body(metadata=deep),
        "tool": lambda: body(tools=[{**TOOL, "input_schema": deep}, {"type": "bash_20250124", "name": "bash"}]),
        "call": lambda: body(user(), assistant(use(given=deep)), user(result())),
    }[place]()
    with pytest.raises(Refused, match="nested"):
        CLIENT.sketch(asked)
