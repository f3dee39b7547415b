"""DeepSeek as a simulated vendor: chat completions with ``reasoning_content``, thinking on unless the request
turns it off, and usage split into cache hit and miss. The request rules stand in validate_deepseek.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from gammainfra.simulate.breakage import PONDERING
from gammainfra.simulate.cache import PrefixMemory, Segment, split_automatic
from gammainfra.simulate.chat import ChatVendor, prompt_values
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.script import Ask, Turn
from gammainfra.simulate.tokens import canonical, count_value_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.validate_deepseek import check_deepseek, is_thinking
from gammainfra.simulate.vendor import Answer, Body, Moment

CACHE_GRAIN_TOKENS = 64
MODELS = ("deepseek-v4-pro", "deepseek-v4-flash", "deepseek-flash")
_BALANCE_MESSAGE = "Insufficient Balance"


class DeepSeek(ChatVendor):
    """``POST /chat/completions``, also under ``/v1``, and ``GET /models``."""

    name = "deepseek"
    base_path = ""
    generate_paths = frozenset({"/chat/completions", "/v1/chat/completions"})
    model_paths = frozenset({"/models", "/v1/models"})
    overloaded_message = "The server is overloaded, please try again later."
    frame_extras: ClassVar[Mapping[str, Any]] = {"system_fingerprint": "fp_simulated0_kvcache"}

    def is_thinking(self, body: Body) -> bool:
        """On, unless the request says ``thinking: {type: disabled}``."""
        return is_thinking(body)

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """Thinking models always think; with thinking off nothing is shown."""
        if not ask.thinking:
            return replace(turn, thinking="")
        return turn if turn.thinking else replace(turn, thinking=PONDERING)

    def refuse_key(self, key: str) -> Refusal:
        """401."""
        message = f"Authentication Fails, Your api key: ****{key[-4:]} is invalid"
        return Refusal(401, "authentication_error", message, code="invalid_request_error")

    def refuse_length(self, prompt_tokens: int, window_tokens: int) -> Refusal:
        """400, told by its words only."""
        message = (
            f"This model's maximum context length is {window_tokens} tokens. However, you requested "
            f"{prompt_tokens} tokens ({prompt_tokens} in the messages, 0 in the completion). Please reduce "
            "the length of the messages or completion."
        )
        return Refusal(400, "invalid_request_error", message, code="invalid_request_error")

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of a fault."""
        del model
        match fault:
            case Fault.RATE_LIMIT | Fault.RATE_LIMIT_RETRY_AFTER:
                told = fault is Fault.RATE_LIMIT_RETRY_AFTER
                headers = (("retry-after", str(pace.retry_after_s)),) if told else ()
                message = "Rate limit reached, please slow down your requests."
                return Refusal(429, "rate_limit_reached_error", message, headers=headers)
            case Fault.UNAVAILABLE:
                return Refusal(503, "service_unavailable_error", self.overloaded_message)
            case Fault.OVERLOADED:
                return Refusal(529, "service_unavailable_error", self.overloaded_message)
            case Fault.AUTH_401:
                return self.refuse_key("sk-revoked-key-0000")
            case Fault.BILLING_402 | Fault.SPEND_LIMIT:
                return Refusal(402, "unknown_error", _BALANCE_MESSAGE, code="invalid_request_error")
            case Fault.CONTEXT_OVERFLOW:
                return self.refuse_length(1_250_025, 1_048_565)
            case _:
                return Refusal(500, "internal_server_error", "Internal Server Error")

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """DeepSeek's request rules."""
        del headers
        check_deepseek(body)

    def meter(self, body: Body, root: str, memory: PrefixMemory) -> SimulatedUsage:
        """Known prefixes are hits, in steps of 64 tokens."""
        segments = [Segment(canonical(value), count_value_tokens(value)) for value in prompt_values(body)]
        split = split_automatic(
            memory, root, segments, minimum_tokens=CACHE_GRAIN_TOKENS, grain_tokens=CACHE_GRAIN_TOKENS
        )
        return SimulatedUsage(input_tokens=split.input_tokens, cache_read_tokens=split.read_tokens)

    def make_answer_id(self, mint: Mint) -> str:
        """A UUID."""
        return mint.uuid()

    def make_call_id(self, mint: Mint, at: int) -> str:
        """``call_``, the position in two digits, and 24 letters and digits."""
        return f"call_{at:02d}_{mint.base62(24)}"

    def render_usage(self, answer: Answer) -> Body:
        """The usage object with hit and miss."""
        usage = answer.usage
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.prompt_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "prompt_cache_hit_tokens": usage.cache_read_tokens,
            "prompt_cache_miss_tokens": usage.input_tokens,
        }

    def writes_null_usage(self, answer: Answer) -> bool:
        """Always."""
        del answer
        return True

    def opening_delta(self, answer: Answer) -> Body:
        """The role; a thinking model opens with an empty thought and no text."""
        if answer.thinking:
            return {"role": "assistant", "content": None, "reasoning_content": ""}
        return super().opening_delta(answer)

    def text_delta(self, text: str, answer: Answer) -> Body:
        """Text beside ``reasoning_content: null`` when thinking is on."""
        return {"content": text, "reasoning_content": None} if answer.ask.thinking else {"content": text}

    def thinking_delta(self, thinking: str) -> Body | None:
        """``reasoning_content`` beside ``content: null``."""
        return {"content": None, "reasoning_content": thinking}

    def finish_delta(self, answer: Answer) -> Body:
        """An empty text."""
        return self.text_delta("", answer)

    def finish_usage(self, answer: Answer) -> Body | None:
        """DeepSeek writes usage on the chunk with the finish reason, asked or not."""
        return self.render_usage(answer)

    def render_message(self, answer: Answer) -> Body:
        """The assistant message, thinking included."""
        message = {**super().render_message(answer), "content": answer.text}
        return {**message, "reasoning_content": answer.thinking} if answer.thinking else message

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """DeepSeek sends a trace id and no rate limits."""
        return (("x-ds-trace-id", moment.request_id.removeprefix("req_")),)

    def render_models(self) -> bytes:
        """The model list."""
        models = [{"id": name, "object": "model", "owned_by": "deepseek"} for name in MODELS]
        return msgspec.json.encode({"object": "list", "data": models})
