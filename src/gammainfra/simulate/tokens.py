"""The simulator's own token count: ceil(UTF-8 bytes / 4) over canonical JSON. It decides what a simulated
vendor says it counted; it never tries to equal a real tokenizer, so that a test which compares a bill with
the vendor's usage cannot pass by estimating.
"""

from __future__ import annotations

from typing import Any

import msgspec

BYTES_PER_TOKEN = 4
MEDIA_TOKENS = 1_500
"""Flat weight of an image, a document or a sound, so that base64 does not fill a context window."""

_MEDIA_TYPES = frozenset({"image", "image_url", "document", "input_audio", "file"})


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no white space."""
    return msgspec.json.encode(value, order="deterministic")


def count_tokens(text: str | bytes) -> int:
    """Tokens of a text: ceil(bytes / 4), zero for nothing."""
    size = len(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return -(-size // BYTES_PER_TOKEN)


def count_value_tokens(value: object) -> int:
    """Tokens of one JSON value (a message, a block, a tool); media inside a content list weigh flat."""
    if not isinstance(value, dict):
        return count_tokens(canonical(value))
    if value.get("type") in _MEDIA_TYPES:
        return MEDIA_TOKENS
    content = value.get("content")
    if not isinstance(content, list):
        return count_tokens(canonical(value))
    rest: dict[str, Any] = {name: item for name, item in value.items() if name != "content"}
    return count_tokens(canonical(rest)) + sum(count_value_tokens(part) for part in content)
