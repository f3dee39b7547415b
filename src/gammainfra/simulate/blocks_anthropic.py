"""The rules for one content block of an Anthropic message. It judges a block by itself; whether calls and
results belong together is judged in pairing_anthropic.py.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.thinking import is_genuine
from gammainfra.simulate.vendor import Body

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+$")
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "image": frozenset({"type", "source", "cache_control", "transformations"}),
    "document": frozenset({"type", "source", "cache_control", "title", "context", "citations"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control", "caller", "toolset_name"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
_FREE = frozenset(
    {
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "search_result",
        "container_upload",
        "mcp_tool_use",
        "mcp_tool_result",
        "compaction",
        "fallback",
    }
)
"""Block types that are accepted as they are: what is in them is not simulated."""

_USER_ONLY = frozenset({"image", "tool_result", "document", "search_result", "container_upload"})
_ASSISTANT_ONLY = frozenset({"tool_use", "thinking", "redacted_thinking", "server_tool_use"})


def refuse(message: str) -> Refusal:
    """A 400 in Anthropic's words."""
    return Refusal(400, "invalid_request_error", message)


def check_block(where: str, block: object, role: str) -> None:
    """Raises Refusal unless the block is well formed and may stand in a message of this role."""
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or not isinstance(kind, str) or kind not in _FIELDS.keys() | _FREE:
        listed = ", ".join(f"'{name}'" for name in _FIELDS)
        raise refuse(
            f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: " + listed
        )
    if (role == "assistant" and kind in _USER_ONLY) or (role != "assistant" and kind in _ASSISTANT_ONLY):
        raise refuse(f"{where}: `{kind}` blocks can not be in `{role}` messages")
    if kind in _FREE:
        return
    for name in block:
        if name not in _FIELDS[kind]:
            raise refuse(f"{where}.{kind}.{name}: Extra inputs are not permitted")
    match kind:
        case "text":
            _check_text(where, block)
        case "image":
            _check_image(where, block.get("source"))
        case "tool_use":
            _check_tool_use(where, block)
        case "tool_result":
            _check_tool_result(where, block)
        case "thinking":
            _check_thinking(where, block)
        case _:
            pass


def _check_text(where: str, block: Body) -> None:
    text = block.get("text")
    if not isinstance(text, str):
        raise refuse(f"{where}.text.text: Field required")
    if not text:
        raise refuse("messages: text content blocks must be non-empty")
    if not text.strip():
        raise refuse("messages: text content blocks must contain non-whitespace text")


def _check_image(where: str, source: object) -> None:
    if not isinstance(source, dict) or source.get("type") not in {"base64", "url", "file"}:
        raise refuse(f"{where}.image.source: Input should be a valid dictionary")
    if source["type"] != "base64":
        return
    if source.get("media_type") not in IMAGE_TYPES:
        raise refuse(
            f"{where}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' "
            "or 'image/webp'"
        )
    try:
        base64.b64decode(str(source.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise refuse(f"{where}.image.source.base64.data: Input should be valid base64") from None


def _check_tool_use(where: str, block: Body) -> None:
    check_call_id(f"{where}.tool_use.id", block.get("id"))
    if not isinstance(block.get("name"), str) or not block["name"]:
        raise refuse(f"{where}.tool_use.name: Field required")
    if not isinstance(block.get("input"), dict):
        raise refuse(f"{where}.tool_use.input: Input should be a valid dictionary")


def _check_tool_result(where: str, block: Body) -> None:
    check_call_id(f"{where}.tool_result.tool_use_id", block.get("tool_use_id"))
    content = block.get("content")
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        raise refuse(f"{where}.tool_result.content: Input should be a valid list")
    for spot, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in {"text", "image", "document", "search_result", "tool_reference"}:
            raise refuse(f"{where}.tool_result.content.{spot}: Input tag '{kind}' is not expected")
        if kind in {"text", "image"}:
            check_block(f"{where}.tool_result.content.{spot}", part, "user")


def check_call_id(where: str, call_id: object) -> None:
    """The id of a call: letters, digits, ``_`` and ``-``."""
    if not isinstance(call_id, str):
        raise refuse(f"{where}: Field required")
    if not _CALL_ID.match(call_id):
        raise refuse(f"{where}: String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_thinking(where: str, block: Body) -> None:
    for name in ("thinking", "signature"):
        if not isinstance(block.get(name), str):
            raise refuse(f"{where}.thinking.{name}: Field required")
    if not is_genuine(block["thinking"], block["signature"]):
        raise refuse(f"{where}: Invalid `signature` in `thinking` block")
