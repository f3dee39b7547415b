"""xAI as a simulated vendor: ``reasoning_content``, whole calls, chunks without a finish reason until there is one, and
counts whose completion leaves out the reasoning. The request rules stand in validate_xai.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from gammainfra.simulate.breakage import PONDERING
from gammainfra.simulate.chat import render_event
from gammainfra.simulate.compatible import CompatibleVendor
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.script import Ask, Turn
from gammainfra.simulate.tokens import count_tokens
from gammainfra.simulate.validate_xai import check_xai, is_reasoning
from gammainfra.simulate.vendor import Answer, Body, WrittenCall

_TITLES: Mapping[int, str] = {
    400: "Client specified an invalid argument",
    402: "The caller has used all its credits",
    404: "Some requested entity was not found",
    429: "Some resource has been exhausted",
}


class XAI(CompatibleVendor):
    """``POST /v1/chat/completions`` and ``GET /v1/models``."""

    name = "xai"
    base_path = "/v1"
    generate_paths = frozenset({"/v1/chat/completions"})
    model_paths = frozenset({"/v1/models"})
    overloaded_message = "The service is currently overloaded. Please retry later."
    models = ("grok-4.6", "grok-4.5", "grok-4.3", "grok-4-1-fast-reasoning", "grok-4-1-fast-non-reasoning")
    key_status = 400
    key_message = "Incorrect API key provided: sk***00. You can obtain an API key from https://console.x.ai."
    frame_extras: ClassVar[Mapping[str, Any]] = {"system_fingerprint": "fp_simulated0"}

    def is_thinking(self, body: Body) -> bool:
        """Reasoning models, unless the effort is none."""
        return is_reasoning(body["model"]) and body.get("reasoning_effort") != "none"

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """Reasoning models always think."""
        if ask.thinking and not turn.thinking:
            return replace(turn, thinking=PONDERING)
        return super().dress(turn, ask)

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """XAI's request rules."""
        del headers
        check_xai(body)

    def make_answer_id(self, mint: Mint) -> str:
        """A UUID."""
        return mint.uuid()

    def make_call_id(self, mint: Mint, at: int) -> str:
        """``call_`` and eight digits."""
        del at
        return f"call_{int(mint.hexadecimal(12), 16) % 10**8:08d}"

    def thinking_delta(self, thinking: str) -> Body | None:
        """``reasoning_content``."""
        return {"reasoning_content": thinking, "role": "assistant"}

    def render_chunk(self, answer: Answer, delta: Body, finish: str | None = None, usage: Body | None = None) -> bytes:
        """A chunk that is not the last says nothing of its finish."""
        choice: Body = {"index": 0, "delta": delta}
        if finish is not None:
            choice["finish_reason"] = finish
        chunk: Body = {**self.render_frame(answer, "chat.completion.chunk"), "choices": [choice]}
        return render_event(chunk if usage is None else {**chunk, "usage": usage})

    def render_usage_event(self, answer: Answer) -> bytes | None:
        """The chunk with ``choices: []``, only if ``include_usage`` was asked."""
        if not answer.ask.include_usage:
            return None
        frame = self.render_frame(answer, "chat.completion.chunk")
        return render_event({**frame, "choices": [], "usage": self.render_usage(answer)})

    def render_usage(self, answer: Answer) -> Body:
        """The reasoning stands beside the completion, and the total holds both."""
        usage, counted = answer.usage, super().render_usage(answer)
        details = {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0}
        more = {"num_sources_used": 0, "cost_in_usd_ticks": 12_345, "completion_tokens_details": details}
        return {**counted, "completion_tokens": usage.output_tokens - usage.reasoning_tokens, **more}

    def _call(self, answer: Answer, at: int, call: WrittenCall) -> Iterator[Piece]:
        """A call is one piece."""
        head: Body = {} if call.call_id is None else {"id": call.call_id}
        function = {"name": call.name, "arguments": call.arguments}
        delta = {"role": "assistant", "tool_calls": [{**head, "function": function, "index": at, "type": "function"}]}
        tokens = count_tokens(call.name) + count_tokens(call.arguments)
        yield Piece(self.render_chunk(answer, delta), Stage.CALL, tokens, call.call_id or "")
        yield Piece(b"", Stage.CALL_END)

    def render_message(self, answer: Answer) -> Body:
        """The message with its thinking; content is never null."""
        message = {**super().render_message(answer), "content": answer.text, "refusal": None}
        return {**message, "reasoning_content": answer.thinking} if answer.thinking else message

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """``{"code": <words>, "error": <message>}``."""
        del request_id
        title = _TITLES.get(refusal.status, "Internal error")
        return msgspec.json.encode({"code": title, "error": refusal.message})
