"""OpenAI as a simulated vendor: chat completions, model list, headers, errors, automatic prompt caching. The
request rules stand in validate_openai.py.

Shapes follow recorded answers of the API; messages of errors follow its documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from gammainfra.simulate.cache import PrefixMemory, Segment, split_automatic
from gammainfra.simulate.chat import ChatVendor, prompt_values, render_event
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.tokens import canonical, count_value_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.validate_openai import check_openai
from gammainfra.simulate.vendor import Answer, Body, Moment

CACHE_MINIMUM_TOKENS = 1024
CACHE_GRAIN_TOKENS = 128
REQUESTS_LIMIT = 10_000
TOKENS_LIMIT = 2_000_000
MODELS = ("gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.2", "gpt-5", "gpt-5-mini", "gpt-4.1", "gpt-4o")

_SERVER_MESSAGE = "The server had an error while processing your request. Sorry about that!"
_QUOTA_MESSAGE = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)


def render_duration(seconds: float) -> str:
    """A duration as OpenAI's rate limit headers have it: ``6m0s``, ``1.5s``, ``12ms``, ``0s``."""
    if seconds <= 0:
        return "0s"
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{tail}"
    return f"{minutes}m{tail}" if minutes else tail


class OpenAI(ChatVendor):
    """``POST /v1/chat/completions`` and ``GET /v1/models``."""

    name = "openai"
    base_path = "/v1"
    generate_paths = frozenset({"/v1/chat/completions"})
    model_paths = frozenset({"/v1/models"})
    overloaded_message = _SERVER_MESSAGE
    frame_extras: ClassVar[Mapping[str, Any]] = {
        "service_tier": "default",
        "system_fingerprint": "fp_simulated0",
    }

    def refuse_key(self, key: str) -> Refusal:
        """401, with the key masked as the vendor masks it."""
        if not key:
            message = (
                "You didn't provide an API key. You need to provide your API key in an Authorization header "
                "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
            return Refusal(401, "invalid_request_error", message)
        masked = f"{key[:8]}{'*' * 8}{key[-4:]}"
        message = (
            f"Incorrect API key provided: {masked}. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        )
        return Refusal(401, "invalid_request_error", message, code="invalid_api_key")

    def refuse_length(self, prompt_tokens: int, window_tokens: int) -> Refusal:
        """400 ``context_length_exceeded``."""
        message = (
            f"This model's maximum context length is {window_tokens} tokens. However, your messages resulted "
            f"in {prompt_tokens} tokens. Please reduce the length of the messages."
        )
        code = "context_length_exceeded"
        return Refusal(400, "invalid_request_error", message, param="messages", code=code)

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of a fault."""
        match fault:
            case Fault.RATE_LIMIT | Fault.RATE_LIMIT_RETRY_AFTER:
                return _refuse_rate(model, pace, told=fault is Fault.RATE_LIMIT_RETRY_AFTER)
            case Fault.UNAVAILABLE:
                message = "The server is currently overloaded with other requests. Sorry about that!"
                return Refusal(503, "service_unavailable", message)
            case Fault.OVERLOADED:
                message = "The engine is currently overloaded, please try again later."
                return Refusal(529, "server_error", message, code="overloaded")
            case Fault.AUTH_401:
                return self.refuse_key("sk-revoked-key-0000")
            case Fault.BILLING_402:
                return Refusal(402, "insufficient_quota", _QUOTA_MESSAGE, code="insufficient_quota")
            case Fault.SPEND_LIMIT:
                return Refusal(429, "insufficient_quota", _QUOTA_MESSAGE, code="insufficient_quota")
            case Fault.CONTEXT_OVERFLOW:
                return self.refuse_length(131_072, 128_000)
            case _:
                return Refusal(500, "server_error", _SERVER_MESSAGE)

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """OpenAI's request rules."""
        del headers
        check_openai(body)

    def meter(self, body: Body, root: str, memory: PrefixMemory) -> SimulatedUsage:
        """Known prefixes of at least 1,024 tokens are cached, in steps of 128."""
        segments = [Segment(canonical(value), count_value_tokens(value)) for value in prompt_values(body)]
        split = split_automatic(
            memory,
            root,
            segments,
            minimum_tokens=CACHE_MINIMUM_TOKENS,
            grain_tokens=CACHE_GRAIN_TOKENS,
        )
        return SimulatedUsage(input_tokens=split.input_tokens, cache_read_tokens=split.read_tokens)

    def render_usage(self, answer: Answer) -> Body:
        """The usage object; ``prompt_tokens`` includes what was cached."""
        usage = answer.usage
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.prompt_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": usage.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def render_usage_event(self, answer: Answer) -> bytes | None:
        """The chunk with ``choices: []``, only if ``include_usage`` was asked."""
        if not answer.ask.include_usage:
            return None
        frame = self.render_frame(answer, "chat.completion.chunk")
        return render_event({**frame, "choices": [], "usage": self.render_usage(answer)})

    def opening_delta(self, answer: Answer) -> Body:
        """The role, with the ``refusal`` OpenAI always names."""
        return {**super().opening_delta(answer), "refusal": None}

    def render_message(self, answer: Answer) -> Body:
        """The assistant message, with the fields OpenAI always writes."""
        return {**super().render_message(answer), "refusal": None, "annotations": []}

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """Request id, timing and rate limits."""
        requests = max(0, REQUESTS_LIMIT - moment.request_number % REQUESTS_LIMIT)
        tokens = max(0, TOKENS_LIMIT - moment.used_tokens)
        return (
            ("x-request-id", moment.request_id),
            ("openai-processing-ms", str(moment.taken_ms)),
            ("openai-version", "2020-10-01"),
            ("openai-organization", "org-simulated"),
            ("x-ratelimit-limit-requests", str(REQUESTS_LIMIT)),
            ("x-ratelimit-limit-tokens", str(TOKENS_LIMIT)),
            ("x-ratelimit-remaining-requests", str(requests)),
            ("x-ratelimit-remaining-tokens", str(tokens)),
            ("x-ratelimit-reset-requests", render_duration(60 / REQUESTS_LIMIT)),
            ("x-ratelimit-reset-tokens", render_duration(60 * moment.used_tokens / TOKENS_LIMIT)),
        )

    def render_models(self) -> bytes:
        """The model list."""
        models = [{"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "system"} for name in MODELS]
        return msgspec.json.encode({"object": "list", "data": models})


def _refuse_rate(model: str, pace: Pace, *, told: bool) -> Refusal:
    wait_s = float(pace.retry_after_s) if told else 0.12
    message = (
        f"Rate limit reached for {model} in organization org-simulated on requests per min (RPM): Limit 500, "
        f"Used 500, Requested 1. Please try again in {render_duration(wait_s)}. Visit "
        "https://platform.openai.com/account/rate-limits to learn more."
    )
    headers = [
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", render_duration(wait_s)),
    ]
    if told:
        headers += [
            ("retry-after", str(pace.retry_after_s)),
            ("retry-after-ms", str(pace.retry_after_s * 1000)),
        ]
    return Refusal(429, "requests", message, code="rate_limit_exceeded", headers=tuple(headers))
