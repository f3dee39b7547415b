"""How many input tokens a Messages request has: the request for Anthropic's own count, and an estimate without it.

The estimate is for models of other vendors, whose tokenizers are not at hand: the text's characters by kind, not the
body's bytes, so that JSON escapes and base64 do not count. It is never billed and never called exact.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from gammainfra.wire.openai_chat.lenient import read_body

_BODY: Final = msgspec.json.Decoder(dict[str, Raw])
_ANY: Final = msgspec.json.Decoder()
_COUNTED: Final = (
    "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "context_management",
    "mcp_servers",
)  # fmt: skip
_SAID: Final = ("messages", "system", "tools")

# Fitted on recorded requests with their counted tokens; see tests/wire/anthropic/test_count.py for what is held.
_ASCII_CHARS_PER_TOKEN: Final = 3.6
_OTHER_CHARS_PER_TOKEN: Final = 1.3
_TOKENS_PER_BLOCK: Final = 4
_TOOLS_TOKENS: Final = 340  # the system text that tools bring with them
_IMAGE_TOKENS: Final = 1600  # Anthropic's bound for one picture
_BASE64_CHARS_PER_TOKEN: Final = 40  # of a document: about 2,000 tokens a page of 60 KB


def counting_body(body: bytes) -> bytes:
    """What ``POST /v1/messages/count_tokens`` takes of a request that was written for Anthropic."""
    fields = _BODY.decode(body)
    return msgspec.json.encode({name: fields[name] for name in _COUNTED if name in fields})


def estimate_tokens(raw: bytes) -> int:
    """About how many tokens the request ``raw`` has; at least 1."""
    body = read_body(raw, _ANY)
    fields = body if isinstance(body, dict) else {}
    tokens = sum(_tokens(fields.get(name)) for name in _SAID)
    return max(1, round(tokens + (_TOOLS_TOKENS if fields.get("tools") else 0)))


def _tokens(value: object) -> float:
    match value:
        case str():
            n_ascii = len(value.encode("ascii", "ignore"))
            return n_ascii / _ASCII_CHARS_PER_TOKEN + (len(value) - n_ascii) / _OTHER_CHARS_PER_TOKEN
        case {"type": "image"}:
            return _IMAGE_TOKENS
        case {"type": "base64", "data": str(encoded)}:
            return len(encoded) / _BASE64_CHARS_PER_TOKEN
        case {"type": "thinking", "thinking": str(text)}:
            return _tokens(text)
        case {"type": "redacted_thinking"}:
            return 0
        case dict():
            return _TOKENS_PER_BLOCK + sum(
                _tokens(key) + _tokens(inner) for key, inner in value.items() if key != "type"
            )
        case list():
            return sum(map(_tokens, value))
        case None | bool():
            return 0
        case _:
            return 1
