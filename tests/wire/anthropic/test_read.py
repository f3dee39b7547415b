from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.chat import (
    Document,
    Image,
    Message,
    OpaquePart,
    ResponseFormat,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from gammainfra.domain.failure import Refused
from gammainfra.wire.anthropic import CLIENT
from gammainfra.wire.anthropic.blocks import THINKING_FORMAT
from tests.wire.anthropic.spoken import MARK, TOOL, assistant, body, result, sent, text, use, user, written

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


def read(*messages: dict[str, Any], **more: object) -> Any:
    return CLIENT.read_request(body(*messages, **more))


def parts(*content: object) -> tuple[Any, ...]:
    (message,) = read(user(*content)).messages
    parts: tuple[Any, ...] = message.parts
    return parts


def test_a_request_is_read_as_a_whole() -> None:
    asked = read(
        user(text()), system="be brief", stream=True, temperature=0.5, top_p=0.9, top_k=7,
        stop_sequences=["END", "", 3], metadata={"user_id": "u"},
        tools=[TOOL], future={"a": 1}, absent=None, models=["x"], cache_control=MARK,
    )  # fmt: skip
    assert (asked.dialect, asked.model, asked.stream, asked.max_tokens) == ("anthropic", "m", True, 100)
    assert asked.messages == (Message("system", (Text("be brief"),)), Message("user", (Text("hi"),)))
    assert (asked.temperature, asked.top_p, asked.top_k, asked.stop, asked.user) == (0.5, 0.9, 7, ("END",), "u")
    assert asked.tools == (ToolSpec("f", "d", {"type": "object"}),)
    assert asked.extra == {"future": {"a": 1}}


def test_the_billing_line_never_goes_on() -> None:
    line = text("x-anthropic-billing-header: cch=1f2e3;")
    assert read(system=[line, text("a", cache_control=MARK)]).messages[0] == Message("system", (Text("a", "5m"),))
    assert read(system=[line]).messages[0].role == "user"


def test_blocks_are_read_as_what_they_are() -> None:
    png = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    assert parts({"type": "image", "source": png}) == (Image("image/png", "iVBO"),)
    assert parts({"type": "image", "source": {"type": "url", "url": "u"}}) == (Image(url="u"),)
    assert parts("bare", text(cache_control={"type": "ephemeral", "ttl": "1h"})) == (Text("bare"), Text("hi", "1h"))
    assert parts({"type": "document", "source": {**png, "media_type": "application/pdf"}, "title": "t"}) == (
        Document("application/pdf", "iVBO", name="t"),
    )
    encoded = base64.b64encode(b"plain").decode()
    source = {"type": "text", "media_type": "text/plain", "data": "plain"}
    assert parts({"type": "document", "source": source}) == (Document("text/plain", encoded),)
    assert parts({"type": "document", "source": {"type": "url", "url": "u"}}) == (Document(url="u"),)
    assert parts({"type": "document", "source": {"type": "file", "file_id": "file_1"}}) == (Document(file_id="file_1"),)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "content", "content": "x"}},
        {"type": "search_result", "source": "s", "title": "t", "content": []},
        {"type": "tool_use", "id": 7},
    ],
    ids=str,
)
def test_what_the_hub_does_not_model_stays_as_it_is(block: dict[str, Any]) -> None:
    assert parts({**block, "cache_control": MARK}) == (OpaquePart("anthropic", block, "5m"),)


def test_calls_and_results_are_read() -> None:
    asked = read(
        user(),
        assistant(use(given={"x": [1, 2]}), use("b", '{"y": 1}'), {**use("c"), "input": None}),
        user(result(is_error=True), result("b", [text("one")], cache_control=MARK), result("c", None)),
    )
    assert asked.messages[1].parts == (
        ToolCall("toolu_1", "f", '{"x":[1,2]}'),
        ToolCall("b", "f", '{"y": 1}'),
        ToolCall("c", "f", ""),
    )
    assert asked.messages[2].parts == (
        ToolResult("toolu_1", (Text("r"),), is_error=True),
        ToolResult("b", (Text("one"),), cache="5m"),
        ToolResult("c"),
    )


def test_thoughts_keep_their_signatures() -> None:
    asked = read(
        user(),
        assistant(
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "blob"},
            {"type": "thinking", "thinking": "unsigned"},
            text(),
        ),
    )
    assert asked.messages[1].parts == (
        Thinking("hm", "sig", format=THINKING_FORMAT),
        Thinking(redacted="blob", format=THINKING_FORMAT),
        Thinking("unsigned"),
        Text("hi"),
    )


@pytest.mark.parametrize(
    ("asked", "effort", "budget"),
    [
        ({}, None, None),
        ({"thinking": "odd"}, None, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, None, 4096),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}, "output_config": {"effort": "low"}}, "low", None),
        ({"thinking": {"type": "adaptive"}}, "high", None),
        ({"thinking": {"type": "between_tools"}, "output_config": {"effort": "max"}}, "max", None),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}}, "none", None),
        ({"output_config": {"effort": "medium"}}, "medium", None),
    ],
)
def test_every_way_to_think_is_understood(asked: Any, effort: str | None, budget: int | None) -> None:
    made = read(**asked)
    assert (made.effort, made.thinking_budget) == (effort, budget)


@pytest.mark.parametrize(
    ("choice", "mode", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto"), False),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice("required"), None),
        ({"type": "tool", "name": "f"}, ToolChoice("named", "f"), None),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "odd"}, None, None),
    ],
)
def test_every_tool_choice_is_understood(choice: Any, mode: ToolChoice | None, parallel: bool | None) -> None:
    made = read(tool_choice=choice, tools=[TOOL])
    assert (made.tool_choice, made.parallel_tool_calls) == (mode, parallel)


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_a_wanted_schema_is_understood_in_both_places(where: str) -> None:
    form = {"type": "json_schema", "schema": SCHEMA}
    asked = {"output_config": {"format": form}} if where == "output_config" else {"output_format": form}
    assert read(**asked).response_format == ResponseFormat("json_schema", SCHEMA, "answer")


def test_tools_of_anthropics_own_are_kept_apart() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    strict = {"type": "custom", "name": "g", "strict": True, "cache_control": MARK}
    made = read(tools=[{**search, "cache_control": MARK}, strict])
    assert made.tools == (ToolSpec("g", None, None, True, "5m"),)
    assert made.extra == {"tools": [search]}


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": "x"}, "messages"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content"),
        ({"tools": ["x"]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0].name"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": True}, "max_tokens"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(asked: Any, param: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**asked)
    assert (refused.value.status, refused.value.param) == (400, param)
    with pytest.raises(Refused):
        CLIENT.read_request(b"[]")


def test_limits_of_nothing_are_none() -> None:
    assert read(max_tokens=0).max_tokens is None
    assert read(max_tokens=...).max_tokens is None
    assert read(stop_sequences="x", tools="x").stop == ()


# ------------------------------------------------------------------------------ there and back

WORDS = st.text(min_size=1).filter(str.strip)
CALLS = st.lists(st.dictionaries(WORDS, st.integers() | WORDS, max_size=2), min_size=1, max_size=3)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Right histories: what Anthropic's own clients send."""
    made = [user(text(draw(WORDS)))]
    for step in range(draw(st.integers(0, 3))):
        inputs = draw(CALLS)
        signed = {"type": "thinking", "thinking": draw(st.text()), "signature": draw(WORDS)}
        thoughts = [signed] if draw(st.booleans()) else []
        uses = [use(f"toolu_{step}_{number}", given) for number, given in enumerate(inputs)]
        made.append(assistant(*thoughts, text(draw(WORDS)), *uses))
        results = [result(one["id"], [text(draw(WORDS))]) for one in uses]
        made.append(user(*results, text(draw(WORDS))))
    return made


@given(histories())
def test_a_right_history_comes_back_from_the_hub_as_it_was(history: list[dict[str, Any]]) -> None:
    assert sent(written(*history, tools=[TOOL]))["messages"] == history


@given(histories())
def test_a_right_history_is_clean(history: list[dict[str, Any]]) -> None:
    assert CLIENT.sketch(body(*history)).clean


def test_what_anthropic_alone_does_goes_to_anthropic_alone() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    management: dict[str, Any] = {"edits": []}
    asked: dict[str, Any] = {"tools": [search], "context_management": management, "speed": "fast", "future": 1}
    made = written(user(text()), **asked)
    assert sent(made)["tools"] == [search]
    assert "tool_choice" not in sent(made)
    assert sent(made)["context_management"] == management
    assert made.headers == {"anthropic-beta": "context-management-2025-06-27"}
    assert set(made.dropped_params) == {"speed", "future"}
    elsewhere = written(user(text()), to={"owns_dialect": False}, **asked)
    assert not sent(elsewhere).keys() & {"tools", "context_management"}
    assert set(elsewhere.dropped_params) == {"tools", "context_management", "speed", "future"}


def test_a_tool_that_the_history_calls_is_declared_once() -> None:
    bash = {"type": "bash_20250124", "name": "f"}
    made = written(user(text()), assistant(use()), user(result()), tools=[bash])
    assert sent(made)["tools"] == [bash]


def test_citations_context_and_titles_are_kept() -> None:
    paper = {
        "type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}, "title": "t", "context": "c",
        "citations": {"enabled": True},
    }  # fmt: skip
    cites = [{"type": "char_location"}]
    made = CLIENT.read_request(body(user(paper), assistant(text(citations=cites)), user(text(citations=None))))
    assert made.messages[0].parts == (Document(url="https://x/y.pdf", name="t", context="c", cited=True),)
    assert made.messages[1].parts == (Text("hi", citations=tuple(cites)),)
    assert made.messages[2].parts == (Text("hi"),)
