"""Groq as a simulated vendor: ``reasoning`` beside the text, its own ``x_groq`` in the first and last chunk, a service
tier that OpenAI does not know, and errors as events. The request rules stand in validate_groq.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from gammainfra.simulate.chat import render_event
from gammainfra.simulate.compatible import CompatibleVendor
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.openai import render_duration
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_groq import check_groq
from gammainfra.simulate.vendor import Answer, Body, Moment

TOKENS_LIMIT = 250_000


class Groq(CompatibleVendor):
    """``POST /openai/v1/chat/completions`` and ``GET /openai/v1/models``."""

    name = "groq"
    base_path = "/openai/v1"
    generate_paths = frozenset({"/openai/v1/chat/completions"})
    model_paths = frozenset({"/openai/v1/models"})
    overloaded_message = "The model is currently over capacity. Please try again and back off exponentially."
    models = ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "llama-3.3-70b-versatile", "llama-3.1-8b-instant")
    kinds: ClassVar[Mapping[int, str]] = {429: "requests", 500: "internal_server_error", 503: "service_unavailable"}
    frame_extras: ClassVar[Mapping[str, Any]] = {"system_fingerprint": "fp_simulated0"}

    def is_thinking(self, body: Body) -> bool:
        """The open reasoning models, unless the effort is none."""
        reasons = "gpt-oss" in body["model"] or "qwen" in body["model"]
        return reasons and body.get("reasoning_effort") != "none"

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """Groq's request rules."""
        del headers
        check_groq(body)

    def make_call_id(self, mint: Mint, at: int) -> str:
        """Nine letters and digits."""
        del at
        return mint.base62(9).lower()

    def thinking_delta(self, thinking: str) -> Body | None:
        """``reasoning`` and its channel."""
        return {"reasoning": thinking, "channel": "analysis"}

    def render_usage(self, answer: Answer) -> Body:
        """Sums beside times."""
        usage = super().render_usage(answer)
        details = {"completion_tokens_details": {"reasoning_tokens": answer.usage.reasoning_tokens}}
        return {"queue_time": 0.01, "prompt_time": 0.01, "completion_time": 0.1, "total_time": 0.12, **usage, **details}

    def writes_null_usage(self, answer: Answer) -> bool:
        """Never."""
        del answer
        return False

    def render_chunk(self, answer: Answer, delta: Body, finish: str | None = None, usage: Body | None = None) -> bytes:
        """``x_groq`` names the request in the first chunk and counts in the last."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk: Body = {**self.render_frame(answer, "chat.completion.chunk"), "choices": [choice]}
        request: Body = {"id": f"req_{answer.answer_id}"}
        if "role" in delta:
            chunk["x_groq"] = {**request, "seed": 1}
        if finish is not None:
            counted = self.render_usage(answer) if usage is None else usage
            chunk |= {"x_groq": {**request, "usage": counted}, "usage": counted}
        return render_event(chunk)

    def render_usage_event(self, answer: Answer) -> bytes | None:
        """Once more, with the tier, when ``include_usage`` was asked."""
        if not answer.ask.include_usage:
            return None
        frame = self.render_frame(answer, "chat.completion.chunk")
        usage = self.render_usage(answer)
        return render_event({**frame, "choices": [], "usage": usage, "service_tier": "on_demand"})

    def render_message(self, answer: Answer) -> Body:
        """The message, with ``reasoning``; of calls alone it has no content."""
        message = super().render_message(answer)
        if message["content"] is None:
            del message["content"]
        return {**message, "reasoning": answer.thinking} if answer.thinking else message

    def render_whole(self, answer: Answer) -> bytes:
        """With a tier that OpenAI's types do not know."""
        whole = msgspec.json.decode(super().render_whole(answer))
        extra = {"usage_breakdown": None, "x_groq": {"id": f"req_{answer.answer_id}"}, "service_tier": "on_demand"}
        return msgspec.json.encode({**whole, **extra})

    def render_error_event(self, request_id: str) -> bytes:
        """A named event, with the status inside."""
        del request_id
        refusal = Refusal(503, "service_unavailable", self.overloaded_message)
        error = {"message": refusal.message, "type": refusal.kind, "code": None, "status_code": refusal.status}
        return b"event: error\n" + render_event({"error": error})

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """Request id and rate limits."""
        left = max(0, TOKENS_LIMIT - moment.used_tokens)
        return (
            ("x-request-id", moment.request_id),
            ("x-groq-region", "dls"),
            ("x-ratelimit-limit-tokens", str(TOKENS_LIMIT)),
            ("x-ratelimit-remaining-tokens", str(left)),
            ("x-ratelimit-reset-tokens", render_duration(60 * moment.used_tokens / TOKENS_LIMIT)),
        )

    def render_model(self, name: str) -> Body:
        """With its window."""
        return {
            **super().render_model(name),
            "active": True,
            "context_window": 131_072,
            "max_completion_tokens": 65_536,
        }
