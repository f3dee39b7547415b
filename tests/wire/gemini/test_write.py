from __future__ import annotations

from gammainfra.domain.chat import Image, OpaquePart, ToolSpec
from gammainfra.wire.gemini import PROVIDER, VERTEX
from gammainfra.wire.repair import NOTHING_SAID
from tests.wire.conversations import PNG, assistant, call, result, system, user
from tests.wire.gemini.shapes import body, contents, request, target, written

NOTE = {"text": NOTHING_SAID}


def test_a_whole_request_in_the_order_of_its_fields() -> None:
    tools = (ToolSpec("f", "d", {"type": "object", "properties": {"x": {"type": "string"}}}),)
    assert written(system("S"), user("hi"), tools=tools, max_tokens=9).body == (
        b'{"systemInstruction":{"parts":[{"text":"S"}]},'
        b'"tools":[{"functionDeclarations":[{"name":"f","description":"d",'
        b'"parametersJsonSchema":{"type":"object","properties":{"x":{"type":"string"}}}}]}],'
        b'"generationConfig":{"maxOutputTokens":9},'
        b'"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
    )


def test_model_and_method_stand_in_the_path_and_cannot_leave_it() -> None:
    assert written(user("hi")).path == "/gemini-3.5-flash:generateContent"
    assert written(user("hi"), to={"stream": True}).path == "/gemini-3.5-flash:streamGenerateContent?alt=sse"
    assert written(user("hi"), to={"model": "../x?y#z"}).path == "/..%2Fx%3Fy%23z:generateContent"


def test_no_client_of_the_gateway_speaks_it_so_nothing_is_copied() -> None:
    assert PROVIDER.copy_request(b"{}", None, target()) is None  # type: ignore[arg-type]
    assert (PROVIDER.name, VERTEX.name) == ("gemini", "gemini")


def test_a_conversation_begins_and_ends_with_the_user() -> None:
    assert contents(assistant("hi")) == [[NOTE], [{"text": "hi"}], [NOTE]]
    assert contents() == [[NOTE]]
    assert contents(user("a"), assistant("b"), capabilities={"prefill": True}) == [[{"text": "a"}], [{"text": "b"}]]
    refused = {"capabilities": {"prefill": True}, "drop": frozenset({"prefill"})}
    assert contents(user("a"), assistant("b"), **refused)[-1] == [NOTE]


def test_a_system_message_on_its_way_stays_where_it_is_as_a_note() -> None:
    sent = body(system("S"), user("a"), assistant("b"), user("c"), system("now D"), to={})
    assert sent["contents"][2]["parts"] == [
        {"text": "c"},
        {"text": "<system-reminder>\nnow D\n</system-reminder>"},
    ]
    assert sent["systemInstruction"] == {"parts": [{"text": "S"}]}


def test_only_text_can_be_a_system_text() -> None:
    picture = Image("image/png", PNG)
    made = written(system("S", picture), user("a"), system(picture))
    assert made.dropped_params == ("system",)


def test_a_block_of_another_dialect_is_named_and_left_out() -> None:
    parts = (OpaquePart("anthropic", {"type": "search_result"}), OpaquePart("openai_chat", "odd"))
    made = written(user("a", *parts), assistant(parts[0]), user("b"))
    assert made.dropped_params == ("search_result", "openai_chat")
    assert contents(user(parts[0])) == [[NOTE]]


def test_a_turn_of_which_nothing_is_left_does_not_part_its_neighbours() -> None:
    thought = OpaquePart("anthropic", {"type": "x"})
    sent = body(user("a"), assistant(thought), user("b"))
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]


def test_names_of_ids_and_tools_that_differ_are_told() -> None:
    made = written(user("a"), assistant(call("odd id", name="1 f")), user(result("odd id")), tools=(ToolSpec("1 f"),))
    ((shown, sent),) = made.call_ids
    assert (shown, sent[:5]) == ("odd id", "call_")
    ((name, other),) = made.tool_names
    assert (name, other[:5]) == ("1 f", "_1_f_")
    assert request(user("a")).messages
