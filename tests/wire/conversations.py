"""Short words for conversations of the hub, and a strategy for odd ones: what broken clients really send."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from gammainfra.domain.chat import Image, Message, Origin, Part, Text, Thinking, ToolCall, ToolResult

PNG = "iVBORw0KGgo="


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Part | str) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def system(*parts: Part | str) -> Message:
    return Message("system", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def call(call_id: str, arguments: str = "{}", name: str = "f") -> ToolCall:
    return ToolCall(call_id, name, arguments)


def result(call_id: str, *texts: str) -> ToolResult:
    return ToolResult(call_id, tuple(Text(text) for text in texts or ("r",)))


IDS = st.sampled_from(["a", "b", "call_0", "functions.f:0", "f.1", "f:1", ""])
ARGUMENTS = st.sampled_from(["{}", '{"x": 1}', "", " ", "[1]", "7", '{"x": "ab', '{ "b":2,"a":1 }'])
TEXTS = st.sampled_from(["hello", "go on", "", " \n", "env"])
THOUGHTS = st.sampled_from(
    [
        Thinking("own", "sig", format="anthropic-claude-v1"),
        Thinking("own", "sig", origin=Origin("anthropic", "claude")),
        Thinking(redacted="blob", origin=Origin("anthropic", "claude")),
        Thinking("foreign", "sig", origin=Origin("google", "gemini")),
        Thinking("unsigned"),
    ]
)


def _results() -> st.SearchStrategy[Part]:
    return st.builds(lambda i, t: ToolResult(i, (Text(t),)), IDS, TEXTS)


def _user_messages() -> st.SearchStrategy[Message]:
    pictures = st.just(Image("image/jpg", PNG))
    parts = st.one_of(_results(), st.builds(Text, TEXTS), pictures)
    return st.builds(lambda some: Message("user", tuple(some)), st.lists(parts, max_size=3))


def _assistant_messages() -> st.SearchStrategy[Message]:
    calls = st.builds(ToolCall, IDS, st.sampled_from(["f", "g"]), ARGUMENTS)
    parts = st.one_of(calls, st.builds(Text, TEXTS), THOUGHTS)
    return st.builds(lambda some: Message("assistant", tuple(some)), st.lists(parts, max_size=3))


def conversations(*, max_size: int = 9) -> st.SearchStrategy[tuple[Message, ...]]:
    """Anything that a client may call a conversation, right or wrong."""
    systems = st.builds(lambda text: Message("system", (Text(text),)), TEXTS)
    message = st.one_of(_user_messages(), _assistant_messages(), _user_messages(), _assistant_messages(), systems)
    return st.lists(message, max_size=max_size).map(tuple)


def closed_prefixes(messages: Sequence[Message]) -> list[int]:
    """Where a request ended that the next assistant message answered: after a message that is not the assistant's."""
    return [
        index
        for index in range(1, len(messages))
        if messages[index].role == "assistant" and messages[index - 1].role != "assistant"
    ]
