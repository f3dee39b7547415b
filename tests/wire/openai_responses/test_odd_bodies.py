from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.domain.chat import ChatRequest, ToolCall
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch
from gammainfra.wire.openai_responses import CLIENT

KINDS = [
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "local_shell_call",
    "local_shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "web_search_call",
    "item_reference",
    None,
]
TOOL_KINDS = ["function", "custom", "namespace", "local_shell", "tool_search", "web_search", None]
LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "input_text", "input_image", "user"])
ANY = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(LEAF.map(str), inner, max_size=2))
PART = st.fixed_dictionaries(
    {"type": st.sampled_from(["input_text", "input_image", "input_file", "refusal", "x"])},
    optional={"text": ANY, "image_url": ANY, "file_data": ANY, "refusal": ANY, "cache_control": ANY},
)
ITEM = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "role": st.sampled_from(["user", "assistant", "developer", "robot"]),
        "content": ANY | st.lists(PART, max_size=2),
        "call_id": st.sampled_from(["a", "b", None]),
        "id": st.sampled_from(["a", None]),
        "name": ANY,
        "namespace": ANY,
        "arguments": ANY,
        "input": ANY,
        "output": ANY | st.lists(PART, max_size=2),
        "action": ANY,
        "summary": ANY,
        "encrypted_content": ANY | st.just("gi1.e30="),
        "execution": st.sampled_from(["client", "server", None]),
        "tools": ANY,
    },
)
TOOL = st.fixed_dictionaries(
    {"type": st.sampled_from(TOOL_KINDS)},
    optional={"name": ANY, "tools": ANY, "format": ANY, "function": ANY, "parameters": ANY, "strict": ANY},
)
BODY = st.fixed_dictionaries(
    {"model": st.just("m"), "input": st.lists(ITEM, min_size=1, max_size=4) | ANY},
    optional={
        "tools": st.lists(TOOL, max_size=3) | ANY,
        "instructions": ANY,
        "tool_choice": ANY,
        "text": ANY | st.fixed_dictionaries({"format": ANY, "verbosity": ANY}),
        "reasoning": ANY,
        "metadata": ANY,
        "max_output_tokens": ANY,
        "temperature": ANY,
        "user": ANY,
    },
)


def understood(raw: bytes) -> tuple[Sketch, ChatRequest] | Refused:
    try:
        return CLIENT.sketch(raw), CLIENT.read_request(raw)
    except Refused as refused:
        return refused


@given(BODY)
@settings(max_examples=400, deadline=None)
def test_any_body_is_read_or_refused_and_both_readers_agree(body: dict[str, object]) -> None:
    read = understood(json.dumps(body).encode())
    if isinstance(read, Refused):
        assert (read.status, read.code) == (400, "invalid_request")
        return
    seen, hub = read
    called = [part.id for message in hub.messages for part in message.parts if isinstance(part, ToolCall)]
    assert tuple(dict.fromkeys(called)) == seen.call_ids
    assert tuple(tool.name for tool in hub.tools) == seen.tool_names
