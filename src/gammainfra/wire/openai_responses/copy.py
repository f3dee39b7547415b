"""The short way from a Responses client to OpenAI itself: items, tools and instructions verbatim.

Only the top level is decoded. It never mends, moves or renames anything: whoever needs that takes the hub.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.gateway_fields import GATEWAY_FIELDS
from gammainfra.wire.lenient import decode
from gammainfra.wire.openai_responses.reasoning import MARK
from gammainfra.wire.openai_responses.write import INCLUDE, output_limit, refuses

_BODY: Final = msgspec.json.Decoder(dict[str, Raw])
_ANY: Final = msgspec.json.Decoder()
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_SEALED: Final = b'"' + MARK.encode()
# What keeps a conversation at the server, frames the stream, or changes the price.
_LEFT_OUT: Final = frozenset(
    {"store", "stream", "stream_options", "background", "conversation", "previous_response_id", "metadata",
     "client_metadata"}
)  # fmt: skip
_NAMED: Final = frozenset({"service_tier"})
# Refused parameters that take more than leaving one field out.
_INVOLVED: Final = frozenset({"reasoning_effort", "tool_choice", "response_format", "verbosity"})


def copy_request(raw: bytes, sketch: Sketch, target: Target) -> Written | None:
    """The request for ``target`` without the hub, or None when the hub is needed, which is exactly when

    - client and target speak different dialects, or the target is a compatible host and not OpenAI;
    - a call lacks its result, an id names two calls or is none that OpenAI accepts;
    - a thought that another vendor made, or a seal of ours, is in the history, or thoughts shall be left out;
    - the model does not reason and is asked to, cannot be forced to call a tool, or holds to no schema;
    - an earlier refusal asks for a request that differs in more than one top-level field.
    """
    if sketch.dialect != target.dialect or not target.owns_dialect or not _fits(sketch, target):
        return None
    body = {name: value for name, value in decode(raw, _BODY).items() if bytes(value) != b"null"}
    if _SEALED in bytes(body["input"]) or ("reasoning" in body and target.capabilities.thinking == "none"):
        return None
    refused = refuses(target)
    fields: dict[str, Any] = {}
    dropped: list[str] = []
    for name, value in body.items():
        if name in refused or name in _NAMED:
            dropped.append(name)
        elif name not in _LEFT_OUT and name not in GATEWAY_FIELDS:
            fields[name] = value
    fields["model"] = target.model
    fields["store"] = False
    fields["include"] = _included(body)
    if "max_output_tokens" in fields:
        limit = _ANY.decode(fields["max_output_tokens"])
        fields["max_output_tokens"] = output_limit(limit if isinstance(limit, int) else None, target)
    if target.stream:
        fields["stream"] = True
    return Written(msgspec.json.encode(fields), dropped_params=tuple(dropped))


def _fits(sketch: Sketch, target: Target) -> bool:
    capabilities = target.capabilities
    if target.drop_thinking or target.renames or (target.drop | capabilities.refuses) & _INVOLVED:
        return False
    if sketch.group_open or sketch.call_repeated or not all(map(_ID.match, sketch.call_ids)):
        return False
    if "tool_choice" in sketch.parameters and not capabilities.forced_tool_choice:
        return False
    return not {"json_schema", "json_object"} & sketch.needs - capabilities.does


def _included(body: Mapping[str, Raw]) -> list[object]:
    """What the client wants included, and the seals of reasoning in any case."""
    asked = _ANY.decode(body["include"]) if "include" in body else []
    asked = asked if isinstance(asked, list) else []
    return asked if INCLUDE in asked else [*asked, INCLUDE]
