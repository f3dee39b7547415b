"""OpenRouter as a simulated vendor: comments before the answer, ``reasoning_details``, a finish that is said twice,
what the answer cost inside its usage, errors as chunks. The request rules stand in validate_openrouter.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from gammainfra.simulate.chat import FINISH_WORDS, render_event
from gammainfra.simulate.compatible import CompatibleVendor
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece
from gammainfra.simulate.validate_openrouter import check_openrouter
from gammainfra.simulate.vendor import Answer, Body

COMMENT = b": OPENROUTER PROCESSING\n\n"


class OpenRouter(CompatibleVendor):
    """``POST /api/v1/chat/completions`` and ``GET /api/v1/models``."""

    name = "openrouter"
    base_path = "/api/v1"
    generate_paths = frozenset({"/api/v1/chat/completions"})
    model_paths = frozenset({"/api/v1/models"})
    overloaded_message = "The provider is overloaded."
    models = (
        "anthropic/claude-opus-4.6",
        "openai/gpt-5.4",
        "google/gemini-3.1-pro-preview",
        "deepseek/deepseek-v4-pro",
    )
    key_message = "No auth credentials found"
    frame_extras: ClassVar[Mapping[str, Any]] = {"provider": "Simulated"}

    def is_thinking(self, body: Body) -> bool:
        """When reasoning is asked for in either way."""
        reasoning = body.get("reasoning")
        asked = isinstance(reasoning, dict) and reasoning.get("enabled") is not False
        return asked or body.get("reasoning_effort") not in {None, "none"}

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """OpenRouter's request rules."""
        del headers
        check_openrouter(body)

    def make_answer_id(self, mint: Mint) -> str:
        """``gen-``, seconds, and 20 letters and digits."""
        return f"gen-1780000000-{mint.base62(20)}"

    def thinking_delta(self, thinking: str) -> Body | None:
        """The text twice, as OpenRouter has it."""
        return {"role": "assistant", "content": "", "reasoning": thinking, "reasoning_details": [_detail(thinking)]}

    def text_delta(self, text: str, answer: Answer) -> Body:
        """Text beside the role."""
        del answer
        return {"role": "assistant", "content": text}

    def finish_delta(self, answer: Answer) -> Body:
        """No text."""
        return self.text_delta("", answer)

    def writes_null_usage(self, answer: Answer) -> bool:
        """Never."""
        del answer
        return False

    def render_usage_event(self, answer: Answer) -> bytes | None:
        """The finish once more, with the counts, asked or not."""
        if answer.finish is None:
            return None
        return self.render_chunk(
            answer, self.finish_delta(answer), FINISH_WORDS[answer.finish], self.render_usage(answer)
        )

    def render_usage(self, answer: Answer) -> Body:
        """Sums, details, and the money."""
        cost = {"cost": 0.00004025, "is_byok": False, "cost_details": {"upstream_inference_cost": None}}
        details = {"reasoning_tokens": answer.usage.reasoning_tokens}
        return {**super().render_usage(answer), "completion_tokens_details": details, **cost}

    def render_stream(self, answer: Answer) -> list[Piece]:
        """Comments first."""
        opening, *rest = super().render_stream(answer)
        return [replace(opening, raw=COMMENT * 2 + opening.raw), *rest]

    def render_message(self, answer: Answer) -> Body:
        """The message with both forms of its reasoning."""
        message = {**super().render_message(answer), "refusal": None, "reasoning": answer.thinking or None}
        return {**message, "reasoning_details": [_detail(answer.thinking)]} if answer.thinking else message

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """The status as a number, and the host's own words inside."""
        del request_id
        error: Body = {"message": refusal.message, "code": refusal.status}
        if refusal.status >= 429:  # noqa: PLR2004
            error = {**error, "message": "Provider returned error"}
            error["metadata"] = {"raw": refusal.message, "provider_name": "Simulated"}
        return msgspec.json.encode({"error": error, "user_id": "user_simulated"})

    def render_error_event(self, request_id: str) -> bytes:
        """A chunk with an error and a finish of that name."""
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "native_finish_reason": "error"}
        error = {"code": 502, "message": self.overloaded_message}
        head = {"id": request_id, "object": "chat.completion.chunk", "created": 1_780_000_000, "provider": "Simulated"}
        return render_event({**head, "model": "simulated", "error": error, "choices": [choice]})

    def render_model(self, name: str) -> Body:
        """With its window and what it takes."""
        modalities = {"input_modalities": ["text", "image"], "output_modalities": ["text"]}
        return {
            "id": name,
            "name": name,
            "created": 1_760_000_000,
            "context_length": 1_000_000,
            "architecture": modalities,
            "top_provider": {"context_length": 1_000_000, "max_completion_tokens": 128_000},
            "supported_parameters": ["tools", "tool_choice", "reasoning", "structured_outputs", "max_tokens"],
        }


def _detail(thinking: str) -> Body:
    return {"type": "reasoning.text", "text": thinking, "format": "unknown", "index": 0}
