"""Everything of a request that is neither message nor tool: limits, sampling, reasoning, the form of the answer.

It decides what a value becomes for this model and names what cannot be said (OpenAI's names). What a model takes
comes from the catalog's capabilities, never from its name. Rules:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking, /adaptive-thinking, /effort.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

import msgspec

from gammainfra.domain.chat import ChatRequest
from gammainfra.wire.anthropic.notes import Block, Notes
from gammainfra.wire.anthropic.schema import closed_schema

_MIN_BUDGET_TOKENS: Final = 1024
_BUDGET_TOKENS: Final = {
    "minimal": 1024,
    "low": 2048,
    "medium": 4096,
    "high": 8192,
    "xhigh": 16_384,
    "max": 16_384,
}
_EFFORTS: Final = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
# A client that names a budget where the model takes an effort.
_EFFORT_UP_TO_TOKENS: Final = ((2048, "low"), (8192, "medium"))

_MIN_TOP_P_THINKING: Final = 0.95
_SAFE_MAX_TOKENS: Final = 8192  # accepted by every model since Claude 3.5: for a target that refused a larger one
_USER_ID_CHARS: Final = 256

# What OpenAI's clients may ask for and the Messages API has no word for; absent and neutral values are not named.
_UNSAYABLE: Final = (
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "min_p",
    "top_a",
    "audio",
    "modalities",
    "prediction",
    "verbosity",
    "web_search_options",
    "functions",
    "function_call",
)
_NEUTRAL: Final = {"modalities": ["text"], "repetition_penalty": 1, "verbosity": "medium"}

_JSON_ONLY: Final = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA: Final = "Answer with one JSON value that matches this JSON schema and nothing else: "


@dataclass(frozen=True, slots=True)
class Reasoning:
    """``thinking`` and ``output_config.effort`` of one request; None leaves the model its default."""

    thinking: Block | None = None
    effort: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether the request switches thinking on, which narrows what sampling it may name."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def max_tokens(request: ChatRequest, notes: Notes) -> int:
    """The required ``max_tokens``: the client's or the default, never more than the model can write."""
    target = notes.target
    wanted = request.max_tokens if request.max_tokens is not None else target.default_max_tokens
    if notes.refuses("max_tokens"):
        wanted = min(wanted, _SAFE_MAX_TOKENS)
    bounds = (target.capabilities.max_output_tokens, target.clamp_max_tokens)
    return max(1, min(wanted, *(bound for bound in bounds if bound is not None)))


def reasoning(request: ChatRequest, notes: Notes, limit: int, *, forced: bool, unfit: bool) -> Reasoning:
    """How the model is asked to think.

    ``limit`` is ``max_tokens``; ``forced``: a tool call is demanded, which thinking does not allow; ``unfit``: the
    history cannot be continued with manual thinking (a call without its thinking block, a prefill).
    """
    effort, budget = request.effort, request.thinking_budget
    if effort is None and budget is None:
        return Reasoning()
    known = effort is None or effort == "none" or effort in _EFFORTS
    if notes.refuses("reasoning_effort") or not known:
        notes.drop("reasoning_effort")
        return Reasoning()
    kind = notes.target.capabilities.thinking
    match kind:
        case "none":
            if effort != "none":
                notes.drop("reasoning_effort")
            return Reasoning()
        case "budget":
            return _manual(effort, budget, notes, limit, possible=not (forced or unfit))
        case "adaptive" if effort == "none":
            return Reasoning({"type": "disabled"})
        case "adaptive":
            return Reasoning(None if forced else {"type": "adaptive"}, _effort(effort, budget))
        case "effort" | "always":
            return Reasoning(None, _effort(effort, budget))
        case _:
            assert_never(kind)


def sampling(request: ChatRequest, notes: Notes, *, thinking: bool) -> Block:
    """``temperature`` (0..1), ``top_p`` or ``top_k``, ``stop_sequences``: as far as model and thinking allow.

    Newer models refuse temperature and top_p together, so temperature wins everywhere. With thinking on,
    temperature must be 1, top_k absent, top_p at least 0.95.
    """
    written: Block = {}
    if request.temperature is not None:
        temperature = min(max(request.temperature, 0.0), 1.0)
        if notes.refuses("temperature") or (thinking and temperature != 1.0):
            notes.drop("temperature")
        else:
            written["temperature"] = temperature
    if request.top_p is not None:
        top_p = min(max(request.top_p, 0.0), 1.0)
        unfit = "temperature" in written or (thinking and top_p < _MIN_TOP_P_THINKING)
        if unfit or notes.refuses("top_p"):
            notes.drop("top_p")
        else:
            written["top_p"] = top_p
    if request.top_k is not None:
        if thinking or notes.refuses("top_k"):
            notes.drop("top_k")
        else:
            written["top_k"] = request.top_k
    stop = [sequence for sequence in request.stop if sequence.strip()]
    if len(stop) < len(request.stop) or (stop and notes.refuses("stop")):
        notes.drop("stop")
    if stop and not notes.refuses("stop"):
        written["stop_sequences"] = stop
    return written


def answer_form(request: ChatRequest, notes: Notes) -> tuple[Block | None, str | None]:
    """The native ``output_config.format``, or an instruction for the end of the system text.

    There is no native ``json_object``. A schema that the model cannot be held to is named as dropped, and told.
    """
    wanted = request.response_format
    if wanted is None:
        return None, None
    if wanted.kind == "json_object" or wanted.schema is None:
        return None, _JSON_ONLY
    if "json_schema" in notes.target.capabilities.does and not notes.refuses("response_format"):
        return {"type": "json_schema", "schema": closed_schema(dict(wanted.schema))}, None
    notes.drop("response_format")
    return None, _JSON_SCHEMA + msgspec.json.encode(wanted.schema).decode()


def metadata(request: ChatRequest, notes: Notes) -> Block | None:
    """Who the client's user is; a name that is too long is replaced by its SHA-256."""
    user = request.user or request.extra.get("safety_identifier")
    if not isinstance(user, str) or not user:
        return None
    if notes.refuses("user"):
        notes.drop("user")
        return None
    return {"user_id": user if len(user) <= _USER_ID_CHARS else hashlib.sha256(user.encode()).hexdigest()}


def name_unsayable(request: ChatRequest, notes: Notes) -> None:
    """Name what the client asked for and no Messages API can do (``n`` > 1, ``seed``, penalties, log probabilities)."""
    if request.n > 1:
        notes.drop("n")
    if request.seed is not None:
        notes.drop("seed")
    for name in _UNSAYABLE:
        value = request.extra.get(name)
        if value and value != _NEUTRAL.get(name):
            notes.drop(name)


def renamed(body: Block, notes: Notes) -> Block:
    """The body with the names that this model or host wants."""
    names: Mapping[str, str] = {**notes.target.capabilities.renames, **notes.target.renames}
    return {names.get(name, name): value for name, value in body.items()} if names else body


def _manual(effort: str | None, budget: int | None, notes: Notes, limit: int, *, possible: bool) -> Reasoning:
    """Manual thinking: 1024 <= budget < max_tokens, else it is lowered to half of them or left out."""
    if effort == "none":
        return Reasoning()
    tokens = budget if budget is not None else _BUDGET_TOKENS[effort or "medium"]
    if tokens >= limit or (budget is None and tokens > limit // 2):
        tokens = limit // 2
    tokens = max(tokens, _MIN_BUDGET_TOKENS)
    if not possible or tokens >= limit:
        notes.drop("reasoning_effort")
        return Reasoning()
    return Reasoning({"type": "enabled", "budget_tokens": tokens})


def _effort(effort: str | None, budget: int | None) -> str:
    if effort is not None:
        return _EFFORTS.get(effort, "low")  # "none", where thinking cannot be switched off
    return next((name for tokens, name in _EFFORT_UP_TO_TOKENS if budget is not None and budget <= tokens), "high")
