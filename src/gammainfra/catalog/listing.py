"""Reads a provider's own list of models, in each of the shapes in which vendors publish what their models can do.

It decides which shape a row has by its fields and takes over only what the row says; silence changes nothing. Sources:
the model lists of Anthropic (``capabilities``), Mistral (``capabilities``, ``max_context_length``), OpenRouter
(``supported_parameters``, ``architecture``), Groq (``context_window``) and OpenAI, whose rows say nothing but names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gammainfra.domain import limits
from gammainfra.domain.endpoint import ThinkingKind
from gammainfra.domain.sketch import Need

_LEAST_TOKENS: Final = 256  # a smaller window is a mistake of the list
_MOST_TOKENS: Final = 100_000_000
_ANTHROPIC: Final[Mapping[str, Need]] = {
    "image_input": "images",
    "pdf_input": "documents",
    "structured_outputs": "json_schema",
}
_MISTRAL: Final[Mapping[str, Need]] = {"function_calling": "tools", "vision": "images", "reasoning": "thinking"}
_MODALITIES: Final[Mapping[str, Need]] = {"image": "images", "file": "documents", "audio": "audio"}
_PARAMETERS: Final[Mapping[str, Need]] = {
    "tools": "tools",
    "structured_outputs": "json_schema",
    "response_format": "json_object",
    "reasoning": "thinking",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """What a provider says of one of its models; None and absent needs are not said."""

    context_tokens: int | None = None
    max_output_tokens: int | None = None
    does: Mapping[Need, bool] = field(default_factory=dict)
    thinking: ThinkingKind | None = None


def read_listing(body: bytes) -> dict[str, Listed]:
    """What the list says of each model, by its name there; at most ``limits.MODELS_LISTED``. ValueError: no list."""
    try:
        decoded = msgspec.json.decode(body)
    except RecursionError as error:
        raise ValueError("the list is nested too deeply") from error
    rows = decoded.get("data") if isinstance(decoded, dict) else decoded
    if not isinstance(rows, list):
        raise ValueError("no list of models")  # noqa: TRY004 - bytes of the wrong content, not a wrong type of ours
    named = [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
    return {row["id"]: _read_row(row) for row in named[: limits.MODELS_LISTED]}


def _read_row(row: Mapping[str, Any]) -> Listed:
    capabilities = _mapping(row, "capabilities")
    if "max_input_tokens" in row or "thinking" in capabilities:
        return _read_anthropic(row, capabilities)
    if "max_context_length" in row:
        does = {need: capabilities[name] is True for name, need in _MISTRAL.items() if name in capabilities}
        return Listed(_tokens(row, "max_context_length"), does=does)
    if "context_length" in row:
        return _read_openrouter(row)
    return Listed(_tokens(row, "context_window"), _tokens(row, "max_completion_tokens"))


def _read_anthropic(row: Mapping[str, Any], capabilities: Mapping[str, Any]) -> Listed:
    does = {need: _supported(capabilities, name) for name, need in _ANTHROPIC.items() if name in capabilities}
    thinking: ThinkingKind | None = None
    if "thinking" in capabilities:
        does["thinking"] = _supported(capabilities, "thinking")
        types = _mapping(_mapping(capabilities, "thinking"), "types")
        if not does["thinking"]:
            thinking = "none"
        elif _supported(types, "adaptive"):
            thinking = "adaptive"
        elif _supported(types, "enabled"):
            thinking = "budget"
    return Listed(_tokens(row, "max_input_tokens"), _tokens(row, "max_tokens"), does, thinking)


def _read_openrouter(row: Mapping[str, Any]) -> Listed:
    does: dict[Need, bool] = {}
    parameters = row.get("supported_parameters")
    if isinstance(parameters, list):
        does |= {need: name in parameters for name, need in _PARAMETERS.items()}
    inputs = _mapping(row, "architecture").get("input_modalities")
    if isinstance(inputs, list):
        does |= {need: name in inputs for name, need in _MODALITIES.items()}
    top = _mapping(row, "top_provider")
    return Listed(_tokens(row, "context_length"), _tokens(top, "max_completion_tokens"), does)


def _mapping(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _supported(capabilities: Mapping[str, Any], name: str) -> bool:
    return _mapping(capabilities, name).get("supported") is True


def _tokens(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    fits = isinstance(value, int) and not isinstance(value, bool) and _LEAST_TOKENS <= value <= _MOST_TOKENS
    return value if fits else None
