from __future__ import annotations

import pytest

from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import ToolForm
from gammainfra.wire.openai_responses import CLIENT
from tests.wire.openai_responses.shapes import Json, call, function, message, output, sketch


def refusal(*items: object, **more: object) -> Refused:
    with pytest.raises(Refused) as caught:
        sketch(*items, **more)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value


def test_a_text_is_one_question() -> None:
    seen = sketch(instructions="Be short.", max_output_tokens=9, user="u")
    assert (seen.dialect, seen.model, seen.stream, seen.roles) == ("openai_responses", "m", False, ("system", "user"))
    assert (seen.prefix_head, seen.first_user, seen.last_user) == ("Be short.", "hi", "hi")
    assert (seen.n_messages, seen.n_tools, seen.max_tokens, seen.user) == (2, 0, 9, "u")
    assert seen.parameters == {"max_tokens"}


def test_neighbouring_items_of_one_answer_are_one_message() -> None:
    seen = sketch(
        message("developer", [{"type": "input_text", "text": "A"}]),
        message("system", "B"),
        message(content="one"),
        {"type": "reasoning", "summary": []},
        message("assistant", [{"type": "output_text", "text": "Now."}]),
        call("call_1"),
        call("call_2"),
        output("call_1"),
        output("call_2"),
        message(content="two"),
        message("developer", "C"),
        {"type": "web_search_call", "id": "ws_1"},
    )
    assert seen.roles == ("system", "system", "user", "assistant", "tool", "tool", "user", "system")
    assert (seen.n_messages, seen.prefix_head) == (8, "A\nB")
    assert (seen.first_user, seen.last_user) == ("one", "two")
    assert seen.call_ids == ("call_1", "call_2")
    assert (seen.group_open, seen.call_repeated) == (False, False)


def test_calls_without_results_leave_the_group_open() -> None:
    assert sketch(message(), call("a"), call("b"), output("a")).group_open
    assert not sketch(message(), call("a"), message(content="never mind")).group_open
    assert sketch(message(), call("a"), output("a"), call("b")).group_open
    assert sketch(message(), call("a"), output("a"), call("a")).call_repeated


def test_the_id_of_a_local_shell_call_may_stand_for_its_call_id() -> None:
    shell = {"type": "local_shell_call", "id": "ls_1", "action": {"type": "exec", "command": ["ls"], "env": {}}}
    seen = sketch(message(), shell, {"type": "local_shell_call_output", "id": "ls_1", "output": "x"})
    assert (seen.call_ids, seen.group_open) == (("ls_1",), False)


def test_tools_of_every_kind_are_counted_under_the_names_of_the_hub() -> None:
    space = {"type": "namespace", "name": "agents", "description": "d", "tools": [function("close")]}
    custom = {"type": "custom", "name": "patch"}
    shell, hosted = {"type": "local_shell"}, {"type": "web_search"}
    seen = sketch(tools=[function(), space, custom, shell, hosted, function(), {"type": "tool_search"}])
    assert seen.tool_names == ("f", "agents__close", "patch", "local_shell")
    assert seen.tool_forms == {
        "agents__close": ToolForm("function", "close", "agents"),
        "patch": ToolForm("custom", "patch"),
        "local_shell": ToolForm("local_shell", "local_shell"),
    }
    assert "tools" in seen.needs


def test_tools_that_items_declare_count_too() -> None:
    later = {"type": "additional_tools", "role": "developer", "tools": [function("g")]}
    found = {"type": "tool_search_output", "call_id": "s", "execution": "client", "tools": [function("h")]}
    hosted = {"type": "tool_search_output", "execution": "server", "tools": [function("i")]}
    odd = {"type": "additional_tools", "tools": None}
    seen = sketch(message(), later, found, hosted, odd, tools=[function("f")])
    assert seen.tool_names == ("f", "g", "h", "i")


def test_needs_are_taken_from_content_results_and_the_format() -> None:
    picture = {"type": "input_image", "image_url": "https://x/y.png"}
    file = {"type": "input_file", "file_id": "file_1"}
    schema = {"type": "json_schema", "name": "n", "schema": {}}
    seen = sketch(message(content=[picture, "text"]), call(), output(said=[file]), text={"format": schema})
    assert seen.needs == {"images", "documents", "json_schema"}
    audio = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
    assert sketch(message(content=[audio]), text={"format": {"type": "json_object"}}).needs == {"audio", "json_object"}


def test_cache_marks_are_counted() -> None:
    marked = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral"}}
    assert sketch(message(content=[marked])).cache_marks == 1


def test_parameters_have_the_names_that_routing_knows() -> None:
    seen = sketch(
        reasoning={"effort": "high"},
        text={"verbosity": "low", "format": {"type": "json_object"}},
        temperature=0.1,
        top_p=None,
        service_tier="flex",
    )
    assert seen.parameters == {"reasoning_effort", "verbosity", "response_format", "temperature", "service_tier"}


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"metadata": {"session_id": "s1"}, "prompt_cache_key": "k"}, "s1"),
        ({"metadata": {"user_id": "user_a_session_s2"}}, "s2"),
        ({"client_metadata": {"session_id": "s3"}, "prompt_cache_key": "k"}, "s3"),
        ({"session_id": "s4"}, "s4"),
        ({"prompt_cache_key": "k"}, "k"),
        ({"prompt_cache_key": "a\nb"}, None),
        ({"metadata": None}, None),
    ],
)
def test_a_session_is_found_in_the_body(given: Json, hint: str | None) -> None:
    assert sketch(**given).session_hint == hint


def test_the_callers_own_chain_and_preferences_are_read() -> None:
    seen = sketch(models=["a", "b"], provider={"only": ["openai"]})
    assert seen.models == ("a", "b")
    assert seen.provider is not None
    assert seen.provider.only == ("openai",)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": {"id": "c"}}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
    ],
)
def test_what_needs_a_memory_is_refused_with_the_remedy(given: Json, param: str) -> None:
    refused = refusal(**given)
    assert refused.param == param
    assert "whole conversation" in refused.message


def test_items_that_stand_for_stored_or_sealed_content_are_refused() -> None:
    assert refusal(message(), {"type": "item_reference", "id": "msg_1"}).param == "input[1]"
    assert "OpenAI's servers" in refusal({"type": "compaction", "encrypted_content": "x"}).message


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b'{"input":"hi"}', "model"),
        (b'{"model":"","input":"hi"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":[]}', "input"),
        (b'{"model":"m","input":7}', "input"),
        (b'{"model":"m","input":"hi","tools":{}}', "tools"),
        (b'{"model":"m","input":"hi","tools":[7]}', "tools[0]"),
        (b'{"model":"m","input":"hi","tools":[{"type":"function"}]}', "tools[0].name"),
        (b'{"model":"m","input":"hi","text":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}", "text"),
        (b"[]", None),
        (b"", None),
    ],
)
def test_what_is_no_request_is_refused_by_name(raw: bytes, param: str | None) -> None:
    with pytest.raises(Refused) as caught:
        CLIENT.sketch(raw)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_instructions_alone_are_a_request_and_long_heads_are_cut() -> None:
    assert sketch(instructions="Say something.", input=[]).roles == ("system",)
    assert sketch(message("system", "a" * 3000), message("system", "b"), message()).prefix_head == "a" * 2048
    assert sketch(message("assistant", None), {"role": "system", "content": "late"}).prefix_head == ""
