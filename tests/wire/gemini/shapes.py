"""What the tests of this dialect share: targets, requests, and bodies as they are sent."""

from __future__ import annotations

from typing import Any

import msgspec

from gammainfra.domain.chat import ChatRequest, Message, ToolSpec
from gammainfra.domain.endpoint import Capabilities
from gammainfra.domain.target import Target, Written
from gammainfra.wire.gemini import PROVIDER

MADE_BY = "google-gemini-v1"
SENTINEL = "skip_thought_signature_validator"
DOES = frozenset({"tools", "images", "documents", "json_schema", "json_object", "thinking"})
TWO = {"thinking": "budget"}  # a model before Gemini 3


def target(**changes: Any) -> Target:
    """A model of Gemini 3; ``capabilities`` holds changes of them."""
    able: dict[str, Any] = {
        "context_tokens": 1_000_000,
        "max_output_tokens": 65_536,
        "does": DOES,
        "thinking": "effort",
    }
    given = {"provider": "google", "dialect": "gemini", "model": "gemini-3.5-flash", "owns_dialect": True, **changes}
    return Target(**{**given, "capabilities": Capabilities(**{**able, **given.pop("capabilities", {})})})


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(**{"dialect": "openai_chat", "model": "m", "messages": messages, **fields})


def written(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> Written:
    return PROVIDER.write_request(request(*messages, **fields), target(**(to or {})))


def body(*messages: Message, to: dict[str, Any] | None = None, **fields: Any) -> Any:
    return msgspec.json.decode(written(*messages, to=to, **fields).body)


def contents(*messages: Message, **changes: Any) -> list[Any]:
    """The parts of each turn."""
    return [turn["parts"] for turn in body(*messages, to=changes)["contents"]]


TOOLS = (ToolSpec("f"), ToolSpec("g"))
