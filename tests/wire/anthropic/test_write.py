from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gammainfra.domain.chat import (
    CacheMark,
    Document,
    Image,
    Message,
    OpaquePart,
    Origin,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.target import Written
from gammainfra.wire.anthropic import PROVIDER
from gammainfra.wire.repair import NOT_EXECUTED, NOTHING_SAID
from tests.wire.anthropic.rules import body, request, target
from tests.wire.conversations import PNG, assistant, call, result, system, user

OWN = Origin("anthropic", "claude")
PDF = "JVBERi0xLjQK"
NOTE = {"type": "text", "text": NOTHING_SAID}


def written(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> Written:
    return PROVIDER.write_request(request(*messages, **fields), target(**(to or {})))


def turns(*messages: Message, **changes: Any) -> list[Any]:
    return [message["content"] for message in body(request(*messages), **changes)["messages"]]


def said(*parts: Part | str, **changes: Any) -> Any:
    """The blocks of one assistant turn."""
    return turns(user("hi"), assistant(*parts), user("go"), **changes)[1]


def asked(*parts: Part | str, **changes: Any) -> Any:
    """The blocks of one user turn."""
    return turns(user(*parts), **changes)[0]


def test_a_whole_request_in_the_order_of_its_fields() -> None:
    tools = (ToolSpec("f", "d", {"type": "object"}),)
    raw = written(system("S"), user("hi"), tools=tools, max_tokens=9, to={"stream": True}).body
    assert raw == (
        b'{"model":"claude","max_tokens":9,'
        b'"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],'
        b'"system":[{"type":"text","text":"S"}],'
        b'"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"stream":true}'
    )


def test_it_speaks_at_v1_messages() -> None:
    assert (PROVIDER.name, PROVIDER.path) == ("anthropic", "/v1/messages")


# ------------------------------------------------------------------------------- system messages


def test_the_system_messages_at_the_start_become_the_system_text() -> None:
    sent = body(request(system("a", ""), system("b"), user("hi")))
    assert sent["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_a_later_system_message_becomes_a_note_where_it_stands_behind_pending_results() -> None:
    # Hoisting it would change the prefix: caches and preserved thinking would be lost.
    sent = body(request(user("hi"), assistant(call("1")), system("S"), user(result("1"), "go"), tools=(ToolSpec("f"),)))
    kinds = [block["type"] for block in sent["messages"][2]["content"]]
    assert kinds == ["tool_result", "text", "text"]
    assert sent["messages"][2]["content"][1]["text"] == "<system-reminder>\nS\n</system-reminder>"
    assert "system" not in sent


def test_a_system_message_that_cannot_be_said_leaves_nothing() -> None:
    odd = Message("system", (OpaquePart("anthropic", {"type": "tool_addition"}),))
    assert turns(user("hi"), odd) == [[{"type": "text", "text": "hi"}]]
    assert written(user("hi"), odd).dropped_params == ("system",)


# ------------------------------------------------------------------------------------ turns


def test_the_conversation_begins_with_the_user() -> None:
    assert turns(assistant("hello"), user("hi"))[0] == [NOTE]
    assert turns(system("S")) == [[NOTE]]


def test_a_last_assistant_turn_is_answered_unless_the_model_continues_it() -> None:
    # Kilo#8260: prefill is a 400 from Claude 4.6 on.
    assert turns(user("hi"), assistant("The answer is "))[1:] == [[{"type": "text", "text": "The answer is "}], [NOTE]]
    able = Capabilities(200_000, 8192, prefill=True)
    continued = turns(user("hi"), assistant("The answer is "), capabilities=able)
    assert continued[1:] == [[{"type": "text", "text": "The answer is"}]]
    opaque = OpaquePart("anthropic", {"type": "compaction"})
    assert turns(user("hi"), assistant(opaque), capabilities=able)[1:] == [[{"type": "compaction"}]]
    refused = turns(user("hi"), assistant("x"), capabilities=able, drop=frozenset({"prefill"}))
    assert refused[-1] == [NOTE]


def test_a_turn_of_lost_thinking_disappears_and_its_neighbours_are_one_turn() -> None:
    assert turns(user("a"), assistant(Thinking("t")), user("b")) == [
        [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    ]


def test_a_missing_result_is_written_as_an_error() -> None:
    (block,) = turns(user("hi"), assistant(call("1")))[2]
    assert block == {
        "type": "tool_result",
        "tool_use_id": "1",
        "content": [{"type": "text", "text": NOT_EXECUTED}],
        "is_error": True,
    }


# ------------------------------------------------------------------------------------- calls


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", b"{}"),  # litellm#5063: a streamed call without arguments
        (" ", b"{}"),
        ("{}", b"{}"),
        ('{ "b": 2, "a": 1e2 }', b'{ "b": 2, "a": 1e2 }'),  # byte for byte: caches and thinking are bound to it
        ("[1]", b'{"_":[1]}'),
        ("7", b'{"_":7}'),
        ('{"x": "ab', b'{"__raw_arguments":"{\\"x\\": \\"ab"}'),  # litellm#15322: cut by max_tokens
    ],
)
def test_arguments_are_always_sent_as_an_object(arguments: str, sent: bytes) -> None:
    raw = written(user("hi"), assistant(call("1", arguments)), user(result("1"))).body
    assert b'"input":' + sent + b"}" in raw


def test_ids_are_rewritten_alike_for_call_and_result_and_told() -> None:
    out = written(user("hi"), assistant(call("f.1"), call("f:1")), user(result("f:1"), result("f.1")))
    calls, results = (m["content"] for m in msgspec.json.decode(out.body)["messages"][1:])
    assert [c["id"] for c in calls] == [r["tool_use_id"] for r in reversed(results)]
    assert out.call_ids == (("f.1", calls[0]["id"]), ("f:1", calls[1]["id"]))
    assert written(*(user("hi"), assistant(call("toolu_1")), user(result("toolu_1")))).call_ids == ()


def test_a_tool_name_that_is_refused_is_rewritten_everywhere_and_told() -> None:
    name = "mcp.server/" + "a" * 70
    history = (user("hi"), assistant(ToolCall("1", name, "{}")), user(result("1")))
    out = written(*history, tools=(ToolSpec(name), ToolSpec("fine")))
    sent = msgspec.json.decode(out.body)
    ((shown, renamed),) = out.tool_names
    assert shown == name
    assert renamed.startswith("mcp_server_aaa")
    assert sent["tools"][0]["name"] == sent["messages"][1]["content"][0]["name"] == renamed


# ------------------------------------------------------------------------------ results and files


def test_a_results_pictures_and_files_stay_inside_it() -> None:
    # litellm#6953, #2898
    parts = (Text("a"), Image("image/png", PNG), Document(data=PDF))
    (block,) = turns(user("hi"), assistant(call("1")), user(ToolResult("1", parts)))[2]
    assert [piece["type"] for piece in block["content"]] == ["text", "image", "document"]
    assert "is_error" not in block


@pytest.mark.parametrize(
    ("encoded", "declared", "media_type"),
    [
        (PNG, "image/jpg", "image/png"),
        ("/9j/4AAQSkZJRg==", "image/jpg", "image/jpeg"),
        ("R0lGODlhAQABAAAA", "", "image/gif"),
        ("UklGRiQAAABXRUJQVlA4", "image/png", "image/webp"),
        ("AAAA", "image/jpg", "image/jpeg"),
        ("AAAAA", "image/webp", "image/webp"),
        (f"data:image/jpg;base64,{PNG}", "", "image/png"),
    ],
)
def test_an_image_is_sent_with_the_type_its_bytes_have(encoded: str, declared: str, media_type: str) -> None:
    data = encoded.partition("base64,")[2] or encoded
    assert asked(Image(declared, encoded)) == [
        {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
    ]


def test_an_image_by_address_is_sent_by_address_and_a_data_address_is_not() -> None:
    by_url = {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}}
    assert asked(Image(url="https://e.org/a.png")) == [by_url]
    assert asked(Image(url=f"data:image/png;base64,{PNG}")) == asked(Image("image/png", PNG))


@pytest.mark.parametrize("image", [Image("image/svg+xml", "PHN2Zz4="), Image("", ""), Image("", "UklGRiQAAABXQVZF")])
def test_an_image_nobody_takes_is_left_out_and_named(image: Image) -> None:
    out = written(user("look", image))
    assert out.dropped_params == ("image_url",)
    assert msgspec.json.decode(out.body)["messages"][0]["content"] == [{"type": "text", "text": "look"}]


def test_a_user_turn_of_which_nothing_can_be_said_says_so() -> None:
    assert turns(user("a"), assistant("b"), user(OpaquePart("openai_chat", {"type": "input_audio"})))[2] == [NOTE]


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (Document(data=PDF), {"type": "base64", "media_type": "application/pdf", "data": PDF}),
        (
            Document(data=f"data:application/pdf;base64,{PDF}"),
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
        ),
        (Document(url="https://e.org/a.pdf"), {"type": "url", "url": "https://e.org/a.pdf"}),
        (
            Document(url=f"data:application/pdf;base64,{PDF}"),
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
        ),
        (Document("text/csv", "YSxi"), {"type": "text", "media_type": "text/plain", "data": "a,b"}),
        (Document("application/json", "e30="), {"type": "text", "media_type": "text/plain", "data": "{}"}),
        (Document(file_id="file_01"), {"type": "file", "file_id": "file_01"}),
    ],
)
def test_a_file_is_sent_in_the_form_the_api_knows(document: Document, source: dict[str, str]) -> None:
    assert asked(document) == [{"type": "document", "source": source}]


def test_a_file_by_id_asks_for_the_files_beta_also_inside_a_result() -> None:
    inside = ToolResult("1", (Document(file_id="file_01", name="a.pdf"),))
    out = written(user("hi"), assistant(call("1")), user(inside))
    assert out.headers == {"anthropic-beta": "files-api-2025-04-14"}
    assert written(user("hi")).headers == {}
    assert b'"title":"a.pdf"' in out.body


@pytest.mark.parametrize(
    "document",
    [
        Document(file_id="file-openai"),
        Document("application/zip", "UEsDBA=="),
        Document("text/plain", "/w=="),
        Document("text/plain", "a"),
        Document("text/plain", "IA=="),
    ],
)
def test_a_file_nobody_can_read_is_left_out_and_named(document: Document) -> None:
    assert written(user("look", document)).dropped_params == ("file",)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (OpaquePart("openai_chat", {"type": "input_audio"}), "input_audio"),
        (OpaquePart("gemini", "odd"), "gemini"),
        (OpaquePart("anthropic", "odd"), "anthropic"),
    ],
)
def test_a_block_of_another_dialect_is_left_out_and_named(part: OpaquePart, name: str) -> None:
    assert written(user("x", part)).dropped_params == (name,)


def test_a_block_of_this_dialect_travels_to_its_owner_only() -> None:
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    assert said(OpaquePart("anthropic", block), "x")[0] == block
    assert said(OpaquePart("anthropic", block), "x", owns_dialect=False) == [{"type": "text", "text": "x"}]


# ----------------------------------------------------------------------------------- thinking


def test_own_thinking_travels_verbatim_even_when_its_text_is_left_out() -> None:
    blocks = said(Thinking("", "sig", origin=OWN), Thinking(redacted="blob", origin=OWN), "x")
    assert blocks[:2] == [
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "redacted_thinking", "data": "blob"},
    ]


def test_thinking_of_unknown_origin_travels_when_it_is_signed_the_claude_way() -> None:
    assert said(Thinking("t", "sig", format="anthropic-claude-v1"), "x")[0]["signature"] == "sig"


@pytest.mark.parametrize(
    ("thinking", "changes"),
    [
        (Thinking("t"), {}),
        (Thinking("t", "sig"), {}),
        (Thinking("t", "", format="anthropic-claude-v1"), {}),
        (Thinking("t", "sig", format="google-gemini-v1"), {}),  # CLIProxyAPI#994, ruby_llm#934
        (Thinking("t", "sig", origin=Origin("google", "gemini")), {}),
        (Thinking("t", "sig", origin=Origin("anthropic", "other-claude")), {}),  # llxprt-code#2335
        (Thinking("t", "sig", origin=Origin("anthropic", "claude", "key-1")), {"origin_account": "key-2"}),
        (Thinking("t", "", origin=OWN), {}),
        (Thinking("t", "sig", origin=OWN), {"drop_thinking": True}),  # UncommonRoute#19, hermes-agent#24401
        (Thinking("t", "sig", origin=OWN), {"capabilities": Capabilities(200_000, 8192)}),
    ],
)
def test_thinking_the_target_cannot_read_is_left_out_and_counted(thinking: Thinking, changes: dict[str, Any]) -> None:
    out = written(user("hi"), assistant(thinking, "x"), user("go"), to=changes)
    assert b"thinking" not in out.body
    assert out.dropped_context == ("thinking=1",)


def test_a_compatible_hosts_own_thinking_needs_no_signature() -> None:
    messages = (user("hi"), assistant(Thinking("t", origin=Origin("kimi", "k2")), "x"), user("go"))
    out = written(*messages, to={"provider": "kimi", "model": "k2", "owns_dialect": False})
    assert b'{"type":"thinking","thinking":"t","signature":""}' in out.body


def test_a_turn_keeps_the_order_the_model_gave_it() -> None:
    thought = Thinking("t", "sig", origin=OWN)
    kinds = [block["type"] for block in said("x", thought, "y", call("1"))]
    assert kinds == ["text", "thinking", "text", "tool_use"]


def test_thinking_never_stands_behind_a_call_nor_at_the_end_of_a_turn() -> None:
    # openai-agents-python#1797
    thought = Thinking("t", "sig", origin=OWN)
    assert [block["type"] for block in said("x", call("1"), thought)] == ["thinking", "text", "tool_use"]
    out = written(user("hi"), assistant(thought, "x", thought), user("go"))
    assert out.dropped_context == ("thinking=1",)


LOOP = (user("hi"), assistant(Thinking("t", "s", origin=OWN), call("1")), user(result("1"), "env"))


@pytest.mark.parametrize(
    ("messages", "on"),
    [
        (LOOP, True),
        ((*LOOP, assistant(call("2")), user(result("2"))), False),  # opencode#3077, vercel/ai#8865, Kilo#5219
        ((*LOOP[:1], assistant(call("1")), user(result("1")), *LOOP[1:]), False),
        ((*LOOP[:1], assistant(call("1")), user(result("1")), assistant("done"), user("next")), True),
        ((user("hi"), assistant(Thinking("foreign"), "x"), user("go")), True),
        ((user("hi"), assistant("x", *LOOP[1].parts), LOOP[2]), False),
        ((user("hi"), assistant("The answer")), True),
    ],
)
def test_manual_thinking_needs_its_block_at_every_call_of_the_open_loop(
    messages: tuple[Message, ...], *, on: bool
) -> None:
    out = written(*messages, effort="low")
    assert (b'"budget_tokens"' in out.body) is on
    assert out.dropped_params == (() if on else ("reasoning_effort",))


def test_thinking_is_off_when_the_answer_is_to_be_continued() -> None:
    able = Capabilities(200_000, 8192, thinking="budget", prefill=True)
    out = written(user("hi"), assistant("The answer"), effort="low", to={"capabilities": able})
    assert out.dropped_params == ("reasoning_effort",)


# -------------------------------------------------------------------------------- cache marks


def marks(sent: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Where marks stand: (place, turn, block)."""
    found = [
        (place, 0, at)
        for place in ("tools", "system")
        for at, b in enumerate(sent.get(place, []))
        if "cache_control" in b
    ]
    return found + [
        ("messages", turn, at)
        for turn, message in enumerate(sent["messages"])
        for at, block in enumerate(message["content"])
        if "cache_control" in block
    ]


AUTO: dict[str, Any] = {"automatic_cache_marks": True}
TASK = (system("S"), user("a", "b"), assistant("x"), user("c"), assistant("y"), user("d"))


def test_a_client_without_marks_gets_them_after_the_system_text_and_the_last_two_user_groups() -> None:
    # cline#5067: only the system prompt was cached.
    sent = body(request(*TASK, tools=(ToolSpec("f"),)), **AUTO)
    assert marks(sent) == [("system", 0, 0), ("messages", 2, 0), ("messages", 4, 0)]
    assert sent["system"][0]["cache_control"] == {"type": "ephemeral"}


def test_without_a_system_text_the_tools_end_in_a_mark() -> None:
    assert marks(body(request(user("a", "b"), tools=(ToolSpec("f"), ToolSpec("g"))), **AUTO)) == [
        ("tools", 0, 1),
        ("messages", 0, 1),
    ]
    assert marks(body(request(user("a")), **AUTO)) == [("messages", 0, 0)]


def test_no_mark_is_made_up_for_a_target_that_does_not_ask() -> None:
    assert marks(body(request(*TASK))) == []


def marked(text: str, cache: CacheMark = "5m") -> Text:
    return Text(text, cache)


def test_a_clients_own_marks_stay_where_it_set_them() -> None:
    messages = (
        system(marked("S", "1h")),
        user("hi"),
        assistant(ToolCall("1", "f", "{}", "5m")),
        user(ToolResult("1", (marked("r"), Text("s"))), Image("image/png", PNG, cache="5m")),
    )
    sent = body(request(*messages, tools=(ToolSpec("f"),)), **AUTO)
    assert marks(sent) == [("system", 0, 0), ("messages", 1, 0), ("messages", 2, 0), ("messages", 2, 1)]
    assert sent["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert sent["messages"][2]["content"][0]["content"] == [
        {"type": "text", "text": "r"},
        {"type": "text", "text": "s"},
    ]


def test_of_too_many_marks_the_last_four_stay_and_long_ones_come_first() -> None:
    sent = body(request(system(marked("S")), user(*(marked(f"u{k}", "1h") for k in range(4)))))
    assert marks(sent) == [("messages", 0, k) for k in range(4)]
    sent = body(request(system(marked("S")), user(marked("u", "1h"))))
    assert sent["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("own", "ttl"), [({"type": "ephemeral"}, None), ({"type": "ephemeral", "ttl": "1h"}, "1h"), (None, "none")]
)
def test_the_mark_inside_a_block_of_this_dialect_counts(own: object, ttl: str | None) -> None:
    block = {"type": "search_result", "cache_control": own}
    (sent,) = asked(OpaquePart("anthropic", block))
    mark = sent.get("cache_control", {"ttl": "none"})
    assert mark.get("ttl") == ttl


def test_a_target_that_refused_marks_gets_none() -> None:
    drop = frozenset({"cache_control"})
    assert marks(body(request(user(marked("a"))), drop=drop, **AUTO)) == []
    assert marks(body(request(*TASK), drop=drop, **AUTO)) == []


def test_citations_and_what_a_document_is_about_return_to_anthropic_only() -> None:
    cited = Text("yes", citations=({"type": "char_location"},))
    paper = Document("application/pdf", PDF, name="p", context="about", cited=True)
    assert said(cited) == [{"type": "text", "text": "yes", "citations": [{"type": "char_location"}]}]
    assert asked(paper)[0].items() >= {"title": "p", "context": "about", "citations": {"enabled": True}}.items()
    assert said(cited, owns_dialect=False) == [{"type": "text", "text": "yes"}]
    assert asked(paper, owns_dialect=False)[0].keys() == {"type", "source", "title"}
