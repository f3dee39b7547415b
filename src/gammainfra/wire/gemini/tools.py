"""Function declarations and the choice among them, as generateContent accepts them.

It decides names, schemas and ``toolConfig``. It never drops a tool the client declared, except one whose name is
already taken. Rules: https://ai.google.dev/gemini-api/docs/function-calling.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.ids import base62
from gammainfra.wire.gemini.notes import Block, Notes
from gammainfra.wire.gemini.schema import is_empty, readable_schema

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}\Z")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_.:-]+")
_NAME_HEAD_CHARS: Final = 53
_NAME_HASH_CHARS: Final = 9


def tool_name(name: str, notes: Notes) -> str:
    """The name to send: itself when it is accepted, else its readable head and a hash of the whole name."""
    if _NAME.match(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    head = "_" + _NOT_IN_NAME.sub("_", name)[:_NAME_HEAD_CHARS].lstrip("_")
    sent = f"{head}_{base62(int.from_bytes(digest, 'big'), _NAME_HASH_CHARS)}"
    notes.names[name] = sent
    return sent


def write_tools(request: ChatRequest, notes: Notes) -> list[Block]:
    """The declarations. A tool without parameters has no schema: an empty object is refused in some places."""
    written: dict[str, Block] = {}
    for spec in request.tools:
        name = tool_name(spec.name, notes)
        if name in written:
            continue
        tool: Block = {"name": name, "description": spec.description or ""}
        if spec.parameters is not None and not is_empty(spec.parameters):
            schema = readable_schema(spec.parameters)
            schema.setdefault("type", "object")
            tool["parametersJsonSchema"] = schema
        written[name] = tool
    return list(written.values())


def write_tool_config(request: ChatRequest, notes: Notes) -> Block | None:
    """Auto, none, required, named and a restricted set as AUTO, NONE, ANY and VALIDATED; None where AUTO is meant.

    VALIDATED lets the model choose between text and calls as AUTO does, holds calls to their schemas (``strict``) and
    takes ``allowedFunctionNames``, which AUTO does not.
    """
    if request.parallel_tool_calls is False:
        notes.drop("parallel_tool_calls")
    choice = request.tool_choice
    mode = choice.mode if choice is not None else "auto"
    allowed = choice.allowed if choice is not None else None
    if mode == "none":
        return _config("NONE")
    if notes.refuses("tool_choice") or (mode != "auto" and not notes.target.capabilities.forced_tool_choice):
        if mode != "auto" or allowed is not None:
            notes.drop("tool_choice")
        return None
    names = [choice.name] if choice is not None and mode == "named" else allowed
    declared = {spec.name for spec in request.tools}
    sent = [tool_name(name, notes) for name in names or () if name in declared]
    if mode == "auto":
        strict = any(spec.strict for spec in request.tools) and not notes.refuses("strict")
        return _config("VALIDATED", sent) if sent or strict else None
    return _config("ANY", sent)


def _config(mode: str, names: list[str] | None = None) -> Block:
    config: Block = {"mode": mode}
    if names:
        config["allowedFunctionNames"] = names
    return {"functionCallingConfig": config}
