"""The kinds of input items and who says them: the one table that the sketch and the hub reader share.

It decides which items are calls, which are results, and which nobody but OpenAI's own servers could understand. Items
of hosted tools are neither: they are left out and named.
"""

from __future__ import annotations

from typing import Final, Literal

from gammainfra.domain.failure import Refused
from gammainfra.wire.lenient import refused

DIALECT: Final = "openai_responses"

Voice = Literal["message", "thought", "call", "result", "tools", "other"]

_VOICES: Final[dict[str, Voice]] = {
    "message": "message",
    "reasoning": "thought",
    "function_call": "call",
    "custom_tool_call": "call",
    "local_shell_call": "call",
    "tool_search_call": "call",
    "function_call_output": "result",
    "custom_tool_call_output": "result",
    "local_shell_call_output": "result",
    "tool_search_output": "result",
    "additional_tools": "tools",
}
_REMEMBERED: Final = frozenset({"item_reference"})
_SEALED: Final = frozenset({"compaction", "compaction_summary", "compaction_trigger"})
WHOLE_INPUT: Final = "Send the whole conversation in `input` with every request (store: false); nothing is kept here."


def voice_of(kind: str | None, execution: str | None, at: str) -> Voice:
    """Who says an item of this type. Refused 400 when its content is at OpenAI's servers or readable there only.

    ``execution`` tells the client's tool search from the hosted one, whose result is a list of tools and no more.
    """
    kind = kind or "message"
    if kind in _REMEMBERED:
        raise refused(f"`{at}`: an {kind} names an item of a stored response. {WHOLE_INPUT}", at)
    if kind in _SEALED:
        message = f"`{at}`: a {kind} can be read by OpenAI's servers only. Let the client summarise its own history"
        raise refused(message, at)
    if kind.startswith("tool_search_") and execution != "client":
        return "tools"
    return _VOICES.get(kind, "other")


def stateful(field: str) -> Refused:
    """The refusal of a field that asks for a conversation kept at the server."""
    return refused(f"`{field}` is not supported: responses are not stored here. {WHOLE_INPUT}", field)
