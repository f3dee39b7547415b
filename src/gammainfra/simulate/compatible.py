"""What hosts that follow OpenAI's wire have in common as simulated vendors: errors by fault, automatic prompt caching,
a model list. Each host's file says its own words and quirks; this one renders no chunk of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import msgspec

from gammainfra.simulate.cache import PrefixMemory, Segment, split_automatic
from gammainfra.simulate.chat import ChatVendor, prompt_values
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.script import Ask, Turn
from gammainfra.simulate.tokens import canonical, count_value_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.vendor import Answer, Body, Moment

CACHE_GRAIN_TOKENS = 64


class CompatibleVendor(ChatVendor):
    """A host with models of its own names. ``kinds`` are its error types by status."""

    models: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[int, str]] = {}
    key_status: ClassVar[int] = 401
    key_message: ClassVar[str] = "Invalid API Key"
    request_id_header: ClassVar[str] = "x-request-id"

    def refuse(self, status: int, message: str, *, code: str | None = None) -> Refusal:
        """A refusal in this host's words."""
        return Refusal(status, self.kinds.get(status, "invalid_request_error"), message, code=code)

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """Nothing is thought unasked."""
        return turn if ask.thinking else replace(turn, thinking="")

    def refuse_key(self, key: str) -> Refusal:
        """The status and words of a wrong key."""
        del key
        return self.refuse(self.key_status, self.key_message, code="invalid_api_key")

    def refuse_length(self, prompt_tokens: int, window_tokens: int) -> Refusal:
        """400, told by its words."""
        message = f"The prompt has {prompt_tokens} tokens: the model's maximum context length is {window_tokens}."
        return self.refuse(400, message)

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of a fault."""
        match fault:
            case Fault.RATE_LIMIT | Fault.RATE_LIMIT_RETRY_AFTER:
                refusal = self.refuse(429, f"Rate limit exceeded for {model}.", code="rate_limit_exceeded")
                if fault is Fault.RATE_LIMIT_RETRY_AFTER:
                    refusal.headers = (("retry-after", str(pace.retry_after_s)),)
                return refusal
            case Fault.UNAVAILABLE:
                return self.refuse(503, self.overloaded_message)
            case Fault.OVERLOADED:
                return self.refuse(529, self.overloaded_message)
            case Fault.AUTH_401:
                return self.refuse_key("sk-revoked-key-0000")
            case Fault.BILLING_402 | Fault.SPEND_LIMIT:
                return self.refuse(402, "Insufficient credits. Add more to go on.")
            case Fault.CONTEXT_OVERFLOW:
                return self.refuse_length(131_072, 128_000)
            case _:
                return self.refuse(500, "Internal server error")

    def meter(self, body: Body, root: str, memory: PrefixMemory) -> SimulatedUsage:
        """Known prefixes are read from the cache, in steps of 64 tokens."""
        segments = [Segment(canonical(value), count_value_tokens(value)) for value in prompt_values(body)]
        split = split_automatic(
            memory, root, segments, minimum_tokens=CACHE_GRAIN_TOKENS, grain_tokens=CACHE_GRAIN_TOKENS
        )
        return SimulatedUsage(input_tokens=split.input_tokens, cache_read_tokens=split.read_tokens)

    def render_usage(self, answer: Answer) -> Body:
        """Sums, with what was cached in the prompt's details."""
        usage = answer.usage
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.prompt_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        }

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """The request's id."""
        return ((self.request_id_header, moment.request_id),)

    def render_model(self, name: str) -> Body:
        """One row of the model list."""
        return {"id": name, "object": "model", "created": 1_760_000_000, "owned_by": self.name}

    def render_models(self) -> bytes:
        """The model list."""
        return msgspec.json.encode({"object": "list", "data": [self.render_model(name) for name in self.models]})
