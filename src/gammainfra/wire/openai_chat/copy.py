"""The short ways from an OpenAI client to an OpenAI-compatible endpoint: messages verbatim, or mended one by one.

Only the top level is decoded; of the messages, on the second way, the ones that need it. It never moves, joins,
pairs or renames anything: whoever needs that takes the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.effort import read_effort
from gammainfra.wire.gateway_fields import GATEWAY_FIELDS
from gammainfra.wire.lenient import decode
from gammainfra.wire.openai_chat.mend import mend_messages
from gammainfra.wire.openai_chat.parameters import effort_fields, effort_for, fit, limited, rules_for
from gammainfra.wire.openai_chat.read import read_max_tokens
from gammainfra.wire.tool_names import is_accepted

_BODY: Final = msgspec.json.Decoder(dict[str, Raw])
_ANY: Final = msgspec.json.Decoder()
_LIMITS: Final[tuple[str, ...]] = ("max_completion_tokens", "max_tokens")
_THOUGHT: Final[tuple[str, ...]] = ("reasoning_effort", "reasoning", "thinking")


def copy_request(raw: bytes, sketch: Sketch, target: Target) -> Written | None:
    """The request for ``target`` without the hub, or None when the hub is needed, which is exactly when

    - client and target speak different dialects;
    - calls and results are not paired one to one and next to each other, an id is repeated, unsafe or longer than 40
      characters, a tool result holds more than text, or a legacy function call is in the history;
    - the history has calls and the target wants their reasoning (``reasoning_required``), takes reasoning back in a
      field of its own, or has its own rule for ids;
    - there is a tool choice and the model cannot be forced to call;
    - a tool has a name that OpenAI does not accept;
    - the target takes no user message after a tool result, wants cache marks kept or set, or refuses message fields
      that OpenAI defines;
    - the body has legacy ``functions``, or tools whose ``strict`` the target refuses, an ``allowed_tools`` choice for
      a compatible host, or a JSON schema that the target cannot be held to.
    """
    if sketch.dialect != target.dialect or _needs_hub(sketch, target):
        return None
    body = decode(raw, _BODY)
    messages: Raw | None = body["messages"]
    lost = 0
    if not sketch.clean:
        mended = mend_messages(bytes(body["messages"]))
        if mended is None:
            return None
        messages, lost = mended
    if not _tools_travel(body, target):
        return None
    fields: dict[str, Any] = {name: value for name, value in body.items() if bytes(value) != b"null"}
    fields.update(model=target.model, messages=messages)
    for name in GATEWAY_FIELDS.intersection(fields):
        del fields[name]
    fields.pop("stream", None)
    fields.pop("stream_options", None)
    _set_limit(fields, target)
    _set_effort(fields, target)
    if not sketch.n_tools:
        fields.pop("tool_choice", None)
        fields.pop("parallel_tool_calls", None)
        fields.pop("tools", None)
    if bytes(fields.get("store", b"")) != b"true":
        fields.pop("metadata", None)
    rules = rules_for(target)
    fitting, dropped = fit(fields, rules)
    if target.stream:
        fitting["stream"] = True
        if "stream_options" not in rules.refuses:
            fitting["stream_options"] = {"include_usage": True}
    return Written(
        msgspec.json.encode(fitting),
        dropped_params=tuple(dropped),
        dropped_context=(f"thinking={lost}",) if lost else (),
    )


def _needs_hub(sketch: Sketch, target: Target) -> bool:
    if target.strict_messages:
        return True
    if sketch.call_ids and (target.reasoning_required or target.id_rule != "openai" or not target.user_after_tool):
        return True
    if target.reasoning_field and not sketch.clean:
        return True
    if "cache_control" in target.accepts and (sketch.cache_marks or target.automatic_cache_marks):
        return True
    if not all(map(is_accepted, sketch.tool_names)):
        return True
    if "tool_choice" in sketch.parameters and not target.capabilities.forced_tool_choice:
        return True
    if sketch.call_repeated or sketch.group_open or "functions" in sketch.parameters:
        return True
    return bool({"json_schema", "json_object"} & sketch.needs - target.capabilities.does)


def _tools_travel(body: Mapping[str, Raw], target: Target) -> bool:
    tools, choice = body.get("tools"), body.get("tool_choice")
    if tools is not None:
        if "strict" in rules_for(target).refuses and b'"strict"' in bytes(tools):
            return False
        if b'"cache_control"' in bytes(tools) or (b'"function"' not in bytes(tools) and bytes(tools) != b"[]"):
            return False
    return choice is None or target.owns_dialect or b"allowed_tools" not in bytes(choice)


def _set_limit(fields: dict[str, Any], target: Target) -> None:
    """One limit under one name: the client's own for the dialect's owner, else the name that every host knows."""
    given = {name: _ANY.decode(fields.pop(name)) for name in _LIMITS if name in fields}
    own_name = next(iter(given), "max_tokens") if target.owns_dialect else "max_tokens"
    limit = limited(read_max_tokens(given), target)
    if limit is not None:
        fields[own_name] = limit


def _set_effort(fields: dict[str, Any], target: Target) -> None:
    """Effort in OpenAI's words, whatever vendor's words the client used. A host that accepts those gets them."""
    if target.accepts.intersection(("reasoning", "thinking")):
        return
    given = {name: _ANY.decode(fields.pop(name)) for name in _THOUGHT if name in fields}
    fields.update(effort_fields(effort_for(*read_effort(given)), target))
