"""One recorded exchange as bytes, and where recordings come from: a folder of JSON lines, read and told apart by rule.

A recording that is no answer of a provider is never dropped in silence: ``read_folder`` names it with its reason.
Nothing of a recording is changed except what its recorder did to it: base64 is undone, and a stream that holds
several whole answers one after the other becomes several records.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

Json = Any
Dialect = Literal["anthropic", "openai_chat", "gemini"]

VARIABLE: Final = "WIRE_RECORDINGS"
_BESIDE: Final = Path(__file__).resolve().parents[4] / "shared" / "data" / "wire"
# The file of one provider -> its name in the gateway's settings and the dialect of what it holds.
FILES: Final[Mapping[str, tuple[str, Dialect]]] = {
    "anthropic_messages": ("anthropic", "anthropic"),
    "openai_chat": ("openai", "openai_chat"),
    "deepseek_chat": ("deepseek", "openai_chat"),
    "groq_chat": ("groq", "openai_chat"),
    "openrouter_chat": ("openrouter", "openai_chat"),
    "mistral_chat": ("mistral", "openai_chat"),
    "xai_chat": ("xai", "openai_chat"),
    "azure_chat": ("azure", "openai_chat"),
    "gemini_generateContent": ("google", "gemini"),
    "vertex_generateContent": ("vertex", "gemini"),
}
REQUIRED: Final = (
    "anthropic_messages",
    "openai_chat",
    "deepseek_chat",
    "mistral_chat",
    "groq_chat",
    "xai_chat",
    "openrouter_chat",
    "azure_chat",
    "gemini_generateContent",
    "vertex_generateContent",
)
_MESSAGE_START: Final = re.compile(r"^event: ?message_start$", re.MULTILINE)
_HOP_HEADERS: Final = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class Record:
    """What a provider answered. ``id`` is made of letters, digits and ``_``; ``tools`` names what it had been given."""

    id: str
    group: str
    provider: str
    dialect: Dialect
    body: bytes
    streamed: bool = False
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """A model of its own for every record: what one of them teaches the gateway's health touches no other."""
        return f"replayed-{self.id}"

    @property
    def kind(self) -> str:
        """The row of the report that it counts in."""
        form = "error" if self.status >= 400 else "stream" if self.streamed else "whole"
        return f"{self.group} {form}"


def folder() -> Path | None:
    """Where recordings are: the folder that ``WIRE_RECORDINGS`` names, else the one beside the checkout."""
    named = os.environ.get(VARIABLE)
    place = Path(named) if named else _BESIDE
    return place if place.is_dir() else None


def read_folder(place: Path, files: tuple[str, ...]) -> tuple[list[Record], list[str]]:
    """The records of these files, and why the others are none: one ``<id>: <reason>`` each."""
    records: list[Record] = []
    left_out: list[str] = []
    for name in files:
        path = place / f"{name}.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        for line in lines:
            for one in _read(name, json.loads(line)):
                if isinstance(one, Record):
                    records.append(one)
                else:
                    left_out.append(one)
    return records, left_out


def _read(name: str, raw: Json) -> Iterator[Record | str]:
    provider, dialect = FILES[name]
    streamed = "sse_text" in raw
    if streamed:
        text = _undo_base64(raw["sse_text"])
    elif "response_body" in raw:
        text = json.dumps(raw["response_body"], ensure_ascii=False)
    else:
        text = _undo_base64(raw.get("response_text") or "")
    parts = _answers(text) if streamed and dialect == "anthropic" else [text]
    if parts is None:
        yield f"{raw['id']}: one answer was spliced into another"
        return
    status = raw["response_status"]
    headers = {key: value for key, value in raw["response_headers"].items() if key not in _HOP_HEADERS}
    headers["content-type"] = "text/event-stream" if streamed else headers.get("content-type", "application/json")
    tools = tuple(_tool_names(raw.get("request")))
    for number, part in enumerate(parts, 1):
        record_id = raw["id"] if len(parts) == 1 else f"{raw['id']}_{number}"
        yield Record(record_id, name, provider, dialect, part.encode(), streamed, status, headers, tools)


def _undo_base64(text: str) -> str:
    """Some recorders write bodies as base64; no answer of a provider looks like it."""
    try:
        return base64.b64decode(text, validate=True).decode() if len(text) > 64 and " " not in text[:64] else text
    except (binascii.Error, UnicodeDecodeError):
        return text


def _answers(text: str) -> list[str] | None:
    """The answers in one Messages stream, None when one begins inside another; a repeated beginning is none."""
    starts = [found.start() for found in _MESSAGE_START.finditer(text)]
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    if len(parts) < 2:
        return [text]
    unfinished = [part for part in parts[:-1] if "message_stop" not in part]
    if not unfinished:
        return parts
    return [text] if not any("content_block" in part for part in unfinished) else None


def _tool_names(request: Json) -> Iterator[str]:
    """The client tools of a recorded request, in any dialect's shape; server tools have no schema."""
    tools = request.get("tools") if isinstance(request, dict) else None
    for tool in tools if isinstance(tools, list) else ():
        declared = tool.get("functionDeclarations") if isinstance(tool, dict) else None
        yield from (str(one["name"]) for one in declared or () if one.get("name"))
        shape = tool.get("function", tool) if isinstance(tool, dict) else {}
        if isinstance(shape, dict) and shape.get("name") and (shape.get("input_schema") or "function" in tool):
            yield str(shape["name"])
