"""The short way from a Messages client to Anthropic itself: messages, system and tools verbatim.

Only the top level is decoded. It never mends, moves or marks anything: whoever needs that takes the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.anthropic import betas
from gammainfra.wire.anthropic.fields import GATEWAY_FIELDS, OPENAI_NAMES, TRAVELLING, betas_of
from gammainfra.wire.cache_marks import MARKS
from gammainfra.wire.lenient import decode

_BODY: Final = msgspec.json.Decoder(dict[str, Raw])
_ANY: Final = msgspec.json.Decoder()

# Refused parameters (OpenAI's names) that are one field here, so that leaving it out is all there is to do.
_PLAIN: Final = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "stop": "stop_sequences",
                 "user": "metadata"}  # fmt: skip
# Those that take more than that.
_INVOLVED: Final = frozenset(
    {"cache_control", "max_tokens", "parallel_tool_calls", "prefill", "reasoning_effort", "response_format", "strict",
     "tool_choice"}
)  # fmt: skip
_THINKING: Final[Mapping[str, frozenset[str]]] = {
    "budget": frozenset({"enabled", "disabled"}),
    "adaptive": frozenset({"adaptive", "between_tools", "disabled"}),
    "always": frozenset({"adaptive", "between_tools"}),
}


def copy_request(raw: bytes, sketch: Sketch, target: Target) -> Written | None:
    """The request for ``target`` without the hub, or None when the hub is needed, which is exactly when

    - client and target speak different dialects, or the target is a compatible host and not Anthropic;
    - the messages are not ones that Anthropic takes (``Sketch.clean``), or end in text that the model cannot continue;
    - a system message stands on the way, and the model is not the one that the client wrote for;
    - a message brings settings of its own without the beta that allows it;
    - the client set no cache marks and the target caches only where it is told to, or it set more than four;
    - the output limit is absent or above what the model can write;
    - the way to think, the effort, a forced tool or the form of the answer is one that the model does not take;
    - an earlier refusal asks for a request that differs in more than one top-level field.
    """
    if sketch.dialect != target.dialect or not target.owns_dialect or not sketch.clean:
        return None
    if target.drop_thinking or target.renames or not _fits(sketch, target):
        return None
    body = {name: value for name, value in decode(raw, _BODY).items() if bytes(value) != b"null"}
    if not _thinks(body, target) or not _may_force(body, target) or "output_format" in body:
        return None
    refused = {_PLAIN[name] for name in (target.drop | target.capabilities.refuses) & _PLAIN.keys()}
    fields: dict[str, Any] = {}
    dropped: list[str] = []
    for name, value in body.items():
        if name in TRAVELLING and name not in refused:
            fields[name] = value
        elif name not in GATEWAY_FIELDS and name != "stream":
            dropped.append(OPENAI_NAMES.get(name, name))
    fields["model"] = target.model
    if target.stream:
        fields["stream"] = True
    if betas.is_lost(target):
        dropped.append(betas.HEADER)
    return Written(
        msgspec.json.encode(fields),
        dropped_params=tuple(dropped),
        headers=betas.header(target, betas_of(fields)),
    )


def _fits(sketch: Sketch, target: Target) -> bool:
    capabilities = target.capabilities
    if (target.drop | capabilities.refuses) & _INVOLVED:
        return False
    if sketch.cache_marks > MARKS or (not sketch.cache_marks and target.automatic_cache_marks):
        return False
    if sketch.turn_config and not betas.relayed(target):
        return False
    if sketch.system_turns and sketch.model.rpartition("/")[2] != target.model:
        return False
    if sketch.roles[-1:] == ("assistant",) and not capabilities.prefill:
        return False
    bounds = (capabilities.max_output_tokens, target.clamp_max_tokens)
    if sketch.max_tokens is None or any(bound is not None and sketch.max_tokens > bound for bound in bounds):
        return False
    return "json_schema" not in sketch.needs or "json_schema" in capabilities.does


def _thinks(body: Mapping[str, Raw], target: Target) -> bool:
    kind = target.capabilities.thinking
    thinking, output = _object(body, "thinking"), _object(body, "output_config")
    if thinking and thinking.get("type") not in _THINKING.get(kind, frozenset()):
        return False
    return "effort" not in output or kind in {"adaptive", "always"}


def _may_force(body: Mapping[str, Raw], target: Target) -> bool:
    forced = _object(body, "tool_choice").get("type") in {"any", "tool"}
    return target.capabilities.forced_tool_choice or not forced


def _object(body: Mapping[str, Raw], name: str) -> Mapping[str, Any]:
    value = _ANY.decode(body[name]) if name in body else None
    return value if isinstance(value, dict) else {}
