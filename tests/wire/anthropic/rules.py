"""The Messages API's documented refusals, as an oracle for what is written: written from the vendor's pages, not
from the writer. https://platform.claude.com/docs/en/api/messages, .../tool-use, .../extended-thinking,
.../prompt-caching, .../vision.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import msgspec

from gammainfra.domain.chat import ChatRequest, Message
from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.target import Target
from gammainfra.wire.anthropic import PROVIDER

TOP_LEVEL = {
    "model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata",
    "temperature", "top_p", "top_k", "stop_sequences", "stream",
}  # fmt: skip
ABLE = Capabilities(
    context_tokens=200_000,
    max_output_tokens=64_000,
    does=frozenset({"tools", "images", "documents", "json_schema", "thinking"}),
    thinking="budget",
)


def target(**changes: Any) -> Target:
    facts = {"provider": "anthropic", "dialect": "anthropic", "model": "claude", "owns_dialect": True}
    return Target(**{**facts, "capabilities": ABLE, **changes})


def request(*messages: Message, **changes: Any) -> ChatRequest:
    return ChatRequest(**{"dialect": "openai_chat", "model": "m", "messages": messages, **changes})


def body(asked: ChatRequest, **changes: Any) -> dict[str, Any]:
    """What is sent; it must pass every rule."""
    written = msgspec.json.decode(PROVIDER.write_request(asked, target(**changes)).body, type=dict[str, Any])
    assert refusals(written) == []
    return written


def refusals(sent: dict[str, Any]) -> list[str]:
    """Every documented reason for a 400."""
    why = [f"unknown field {name}" for name in sent if name not in TOP_LEVEL]
    why += _limits(sent) + _tools(sent) + _turns(sent["messages"]) + _pairing(sent["messages"]) + _marks(sent)
    for message in sent["messages"]:
        for block in message["content"]:
            why += _block(block, message["role"])
    return why


def _limits(sent: dict[str, Any]) -> list[str]:
    why = []
    if sent["max_tokens"] < 1:
        why.append("max_tokens")
    if not 0 <= sent.get("temperature", 1) <= 1:
        why.append("temperature out of range")
    if "temperature" in sent and "top_p" in sent:
        why.append("temperature and top_p together")
    if any(not text.strip() for text in sent.get("stop_sequences", [])):
        why.append("whitespace stop sequence")
    thinking = sent.get("thinking", {"type": "disabled"})
    if thinking["type"] == "enabled" and not 1024 <= thinking["budget_tokens"] < sent["max_tokens"]:
        why.append("thinking budget")
    if thinking["type"] != "disabled":
        if sent.get("temperature", 1) != 1 or "top_k" in sent or sent.get("top_p", 1) < 0.95:
            why.append("sampling while thinking")
        if sent.get("tool_choice", {}).get("type") in {"any", "tool"}:
            why.append("forced tool while thinking")
    return why


def _tools(sent: dict[str, Any]) -> list[str]:
    tools = sent.get("tools", [])
    names = [tool["name"] for tool in tools]
    used = [block for m in sent["messages"] for block in m["content"] if block["type"] == "tool_use"]
    why = []
    if used and not tools:
        why.append("tool history without tools")
    if "tool_choice" in sent and not tools:
        why.append("tool_choice without tools")
    if len(set(names)) < len(names):
        why.append("tool names must be unique")
    if not all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names + [block["name"] for block in used]):
        why.append("tool name pattern")
    for tool in tools:
        schema = tool["input_schema"]
        if schema.get("type") != "object" or not schema.keys().isdisjoint({"oneOf", "anyOf", "allOf"}):
            why.append("input_schema must be an object schema")
    return why


def _turns(messages: list[dict[str, Any]]) -> list[str]:
    why = []
    if not messages or messages[0]["role"] != "user":
        why.append("first message must use the user role")
    for message in messages:
        if not isinstance(message["content"], list) or not message["content"]:
            why.append("empty content")
        kinds = [block["type"] for block in message["content"]]
        thinking = [kind in {"thinking", "redacted_thinking"} for kind in kinds]
        if any(thinking) and (message["role"] == "user" or thinking[-1]):
            why.append("thinking of the user, or at the end of a turn")
        if "tool_use" in kinds and any(thinking[kinds.index("tool_use") :]):
            why.append("thinking behind a call")
    return why


def _pairing(messages: list[dict[str, Any]]) -> list[str]:
    why = []
    seen: list[str] = []
    for said, answered in pairwise([{"role": "-", "content": []}, *messages, {"role": "-", "content": []}]):
        calls = [block["id"] for block in said["content"] if block["type"] == "tool_use"]
        kinds = [block["type"] for block in answered["content"]]
        results = [block["tool_use_id"] for block in answered["content"] if block["type"] == "tool_result"]
        if sorted(calls) != sorted(results):
            why.append("tool_use without tool_result, or the reverse")
        if kinds[: len(results)] != ["tool_result"] * len(results):
            why.append("tool_result blocks must come first")
        seen += calls
    if len(set(seen)) < len(seen):
        why.append("tool_use ids must be unique")
    if not all(re.fullmatch(r"[a-zA-Z0-9_-]+", call_id) for call_id in seen):
        why.append("tool_use id pattern")
    return why


def _marks(sent: dict[str, Any]) -> list[str]:
    blocks = [*sent.get("tools", []), *sent.get("system", []), *(b for m in sent["messages"] for b in m["content"])]
    marks = [block["cache_control"] for block in blocks if "cache_control" in block]
    ttls = [mark.get("ttl", "5m") for mark in marks]
    why = []
    if len(marks) > 4:
        why.append("more than 4 cache_control")
    if ttls != sorted(ttls, key=lambda ttl: ttl != "1h"):
        why.append("1h after 5m")
    nested = [inner for block in blocks if block.get("type") == "tool_result" for inner in block["content"]]
    if any("cache_control" in inner for inner in nested):
        why.append("nested cache_control")
    return why


def _block(block: dict[str, Any], role: str) -> list[str]:
    match block["type"]:
        case "text":
            return [] if block["text"].strip() else ["text content blocks must be non-empty"]
        case "tool_use":
            return [] if isinstance(block["input"], dict) and role == "assistant" else ["tool_use"]
        case "tool_result":
            return [why for inner in block["content"] for why in _block(inner, role)] + [""] * (role != "user")
        case "image" | "document" if block["source"]["type"] == "base64":
            allowed = {"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"}
            fits = block["source"]["media_type"] in allowed and not block["source"]["data"].startswith("data:")
            return [] if fits else ["media type or data"]
        case "thinking" if not block["signature"]:
            return ["thinking without signature"]
        case _:
            return []
