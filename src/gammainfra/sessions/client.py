"""Which client asks, by its own headers and by the names of its tools.

A name for statistics and for the field in which reasoning is shown; it never changes money, rights or routing, since
anybody can send any header. Facts were taken from the clients' own requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

OTHER: Final = "other"

# What a client calls itself: in X-Title and HTTP-Referer (an extension inside an SDK), then in User-Agent. A fork
# stands before what it was made from.
_SELF_NAMES: Final = (
    ("kilo code", "kilo"),
    ("kilo-code", "kilo"),
    ("kilocode", "kilo"),
    ("roo code", "roo"),
    ("roocode", "roo"),
    ("roo-cline", "roo"),
    ("roo-code", "roo"),
    ("cline", "cline"),
    ("opencode", "opencode"),
    ("claude-cli", "claude-code"),
    ("claude-code", "claude-code"),
    ("codex", "codex"),
    ("qwencode", "qwen"),
    ("qwen-code", "qwen"),
    ("continuedev", "continue"),
    ("continue/", "continue"),
    ("aider", "aider"),
    ("mini-swe-agent", "mini-swe-agent"),
)
# Libraries, by User-Agent alone: they say how was asked, not who asked.
_LIBRARIES: Final = (
    ("anthropic/python", "anthropic-python"),
    ("asyncanthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-js"),
    ("openai/python", "openai-python"),
    ("asyncopenai/python", "openai-python"),
    ("openai/js", "openai-js"),
    ("litellm", "litellm"),
    ("langchain", "langchain"),
    ("pydantic-ai", "pydantic-ai"),
    ("ai-sdk/", "ai-sdk"),
    ("curl/", "curl"),
)
# Tool names that one client alone declares: the only mark of those that ask through a plain library.
_TOOLS: Final = (
    (frozenset({"switch_mode", "apply_diff"}), "roo"),
    (frozenset({"read_files", "run_commands"}), "cline"),
    (frozenset({"replace_in_file", "plan_mode_respond"}), "cline"),
    (frozenset({"builtin_read_file"}), "continue"),
    (frozenset({"edit_existing_file"}), "continue"),
)


def client_name(headers: Mapping[str, str], tool_names: Sequence[str]) -> str:
    """Name the client of one request, ``other`` when nothing tells. ``headers`` has lower-case names.

    A client's name for itself counts most, then its tools, then the library it asks through.
    """
    agent = headers.get("user-agent", "").lower()
    for text in (headers.get("x-title", "").lower(), headers.get("http-referer", "").lower(), agent):
        if text and (found := _first(_SELF_NAMES, text)) is not None:
            return found
    declared = frozenset(tool_names)
    for marks, client in _TOOLS:
        if marks <= declared:
            return client
    return _first(_LIBRARIES, agent) or OTHER


def _first(names: Sequence[tuple[str, str]], text: str) -> str | None:
    return next((client for mark, client in names if mark in text), None)
