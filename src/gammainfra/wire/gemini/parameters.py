"""Everything of a request that is neither message nor tool: limits, sampling, reasoning, the form of the answer.

It decides what a value becomes for this model and names what cannot be said (OpenAI's names). What a model takes
comes from the catalog's capabilities, never from its name. Rules: https://ai.google.dev/api/generate-content
(GenerationConfig) and https://ai.google.dev/gemini-api/docs/thinking.
"""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from gammainfra.domain.chat import ChatRequest
from gammainfra.wire.gemini.notes import Block, Notes
from gammainfra.wire.gemini.schema import readable_schema

_STOPS: Final = 5
_CANDIDATES: Final = 8
_SEED_BITS: Final = 31

# thinkingLevel: every model of Gemini 3 takes these three; "minimal" and "off" are refused by some.
_LEVELS: Final = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_LEVEL_UP_TO_TOKENS: Final = ((2048, "low"), (8192, "medium"))

# thinkingBudget of Gemini 2.5, as Google's own OpenAI surface maps the efforts; what every model takes lies between.
_BUDGETS: Final = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 24_576,
    "max": 24_576,
}
_LEAST_BUDGET_TOKENS: Final = 512
_MOST_BUDGET_TOKENS: Final = 24_576

# What OpenAI's clients may ask for and no Gemini does; absent and neutral values are not named. Penalties and log
# probabilities exist in the API, and models since 2.5 answer them with a 400.
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
    "safety_identifier",
)
_NEUTRAL: Final = {"modalities": ["text"], "repetition_penalty": 1, "verbosity": "medium"}

_JSON_ONLY: Final = "Answer with one JSON object and nothing else: no prose, no code fence."
_JSON_SCHEMA: Final = "Answer with one JSON value that matches this JSON schema and nothing else: "


def generation_config(request: ChatRequest, notes: Notes) -> Block:
    """Limits, sampling and reasoning; what the client did not say is left to the model."""
    written: Block = {}
    _limit(request, notes, written)
    _sample(request, notes, written)
    thinking = _thinking(request, notes)
    if thinking is not None:
        written["thinkingConfig"] = thinking
    if request.n > 1:
        if notes.refuses("n"):
            notes.drop("n")
        else:
            written["candidateCount"] = min(request.n, _CANDIDATES)
    return written


def answer_form(request: ChatRequest, notes: Notes) -> tuple[Block, str | None]:
    """``responseMimeType`` and ``responseJsonSchema``, or an instruction for the end of the system text.

    Models before Gemini 3 refuse a form beside function declarations; it is then named as dropped, and told.
    """
    wanted = request.response_format
    if wanted is None:
        return {}, None
    schema = wanted.schema if wanted.kind == "json_schema" else None
    does = notes.target.capabilities.does
    able = ("json_object" if schema is None else "json_schema") in does and not notes.refuses("response_format")
    if able and (not request.tools or notes.demands_signatures):
        form: Block = {"responseMimeType": "application/json"}
        return form if schema is None else form | {"responseJsonSchema": readable_schema(dict(schema))}, None
    notes.drop("response_format")
    return {}, _JSON_ONLY if schema is None else _JSON_SCHEMA + msgspec.json.encode(schema).decode()


def name_unsayable(request: ChatRequest, notes: Notes) -> None:
    """Name what the client asked for and cannot be said here."""
    if request.user:
        notes.drop("user")
    for name in _UNSAYABLE:
        value = request.extra.get(name)
        if value and value != _NEUTRAL.get(name):
            notes.drop(name)


def _limit(request: ChatRequest, notes: Notes, written: Block) -> None:
    """``maxOutputTokens`` contains the thoughts; never more than the model can write."""
    if request.max_tokens is None:
        return
    if notes.refuses("max_tokens"):
        notes.drop("max_tokens")
        return
    bounds = (notes.target.capabilities.max_output_tokens, notes.target.clamp_max_tokens)
    written["maxOutputTokens"] = max(1, min(request.max_tokens, *(bound for bound in bounds if bound is not None)))


def _sample(request: ChatRequest, notes: Notes, written: Block) -> None:
    stop = [sequence for sequence in request.stop if sequence][:_STOPS]
    seed = request.seed
    wanted: dict[str, tuple[str, object]] = {
        "temperature": ("temperature", _bounded(request.temperature, 2.0)),
        "top_p": ("topP", _bounded(request.top_p, 1.0)),
        "top_k": ("topK", request.top_k),
        "seed": ("seed", seed if seed is not None and seed.bit_length() <= _SEED_BITS else None),
        "stop": ("stopSequences", stop or None),
    }
    for name, (native, value) in wanted.items():
        if value is None:
            continue
        if notes.refuses(name):
            notes.drop(name)
        else:
            written[native] = value
    if len(stop) < len(request.stop):
        notes.drop("stop")
    if seed is not None and seed.bit_length() > _SEED_BITS:
        notes.drop("seed")


def _bounded(value: float | None, most: float) -> float | None:
    return None if value is None else min(max(value, 0.0), most)


def _thinking(request: ChatRequest, notes: Notes) -> Block | None:
    """``thinkingConfig``. Summaries of the thoughts are asked for whenever the client speaks of reasoning."""
    effort, budget = request.effort, request.thinking_budget
    if effort is None and budget is None:
        return None
    known = effort is None or effort in _LEVELS
    if notes.refuses("reasoning_effort") or not known:
        notes.drop("reasoning_effort")
        return None
    kind = notes.target.capabilities.thinking
    match kind:
        case "none":
            if effort != "none":
                notes.drop("reasoning_effort")
            return None
        case "budget":
            tokens = _BUDGETS[effort or "medium"] if budget is None else budget
            if tokens:
                tokens = min(max(tokens, _LEAST_BUDGET_TOKENS), _MOST_BUDGET_TOKENS)
            return {"thinkingBudget": tokens, "includeThoughts": tokens > 0}
        case "effort" | "adaptive" | "always":
            return {"thinkingLevel": _level(effort, budget), "includeThoughts": effort != "none"}
        case _:
            assert_never(kind)


def _level(effort: str | None, budget: int | None) -> str:
    if effort is not None:
        return _LEVELS[effort]
    return next((name for tokens, name in _LEVEL_UP_TO_TOKENS if budget is not None and budget <= tokens), "high")
