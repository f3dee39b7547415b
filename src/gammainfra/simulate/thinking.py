"""Signatures of simulated thinking. They can be checked, so foreign or altered thinking is refused as the
vendor refuses it; with binding on, a signature also names the conversation before it ("preserved thinking").
They hide nothing and protect nothing.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from gammainfra.simulate.tokens import canonical

_MARK = b"simulated-thinking:"


def sign_thinking(thinking: str, prefix: bytes) -> str:
    """The signature of a thinking text made after this prefix (its digest)."""
    own = hashlib.sha256(_MARK + thinking.encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(_MARK + own + prefix).decode()


def is_genuine(thinking: str, signature: object) -> bool:
    """Whether some simulated Anthropic model made this thinking."""
    return isinstance(signature, str) and signature.startswith(sign_thinking(thinking, b"")[:68])


def is_bound_to(signature: str, prefix: bytes) -> bool:
    """Whether the thinking was made after exactly this prefix."""
    try:
        return base64.b64decode(signature, validate=True).endswith(prefix)
    except ValueError:
        return False


def name_prefix(system: object, tools: object, turns: list[tuple[str, list[dict[str, Any]]]]) -> bytes:
    """The digest of everything before a thinking block, cache marks aside."""
    blocks = [(role, [_unmark(block) for block in content]) for role, content in turns]
    clean_system = [_unmark(block) for block in system] if isinstance(system, list) else system
    clean_tools = [_unmark(tool) for tool in tools] if isinstance(tools, list) else []
    return hashlib.sha256(canonical([clean_system, clean_tools, blocks])).digest()


def _unmark(value: object) -> object:
    if not isinstance(value, dict):
        return value
    clean = {name: item for name, item in value.items() if name != "cache_control"}
    if isinstance(clean.get("content"), list):
        clean["content"] = [_unmark(item) for item in clean["content"]]
    return clean
