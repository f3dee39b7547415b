"""Mistral as a simulated vendor: whole calls with ids of nine characters, thinking as parts of the content, usage on
the last chunk, asked or not. The request rules stand in validate_mistral.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec

from gammainfra.simulate.compatible import CompatibleVendor
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.tokens import count_tokens
from gammainfra.simulate.validate_mistral import ORDER, check_mistral
from gammainfra.simulate.vendor import Answer, Body, WrittenCall


class Mistral(CompatibleVendor):
    """``POST /v1/chat/completions`` and ``GET /v1/models``."""

    name = "mistral"
    base_path = "/v1"
    generate_paths = frozenset({"/v1/chat/completions"})
    model_paths = frozenset({"/v1/models"})
    overloaded_message = "Service tier capacity exceeded for this model."
    models = ("mistral-large-4", "mistral-medium-3-5", "mistral-small-2603", "devstral-2512", "codestral-2508")
    kinds: ClassVar[Mapping[int, str]] = {
        422: "invalid_request_error",
        429: "rate_limited",
        500: "internal_server_error",
        503: "service_unavailable",
        529: "service_tier_capacity_exceeded",
    }
    request_id_header = "mistral-correlation-id"

    def is_thinking(self, body: Body) -> bool:
        """When the effort is high; magistral always thinks."""
        return body.get("reasoning_effort") == "high" or body["model"].startswith("magistral")

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """Mistral's request rules."""
        del headers
        check_mistral(body)

    def make_answer_id(self, mint: Mint) -> str:
        """32 hexadecimal digits."""
        return mint.hexadecimal(32)

    def make_call_id(self, mint: Mint, at: int) -> str:
        """Nine letters and digits."""
        del at
        return mint.base62(9)

    def thinking_delta(self, thinking: str) -> Body | None:
        """A part of the content."""
        return {"content": [_thought(thinking)]}

    def opening_delta(self, answer: Answer) -> Body:
        """The role and no text."""
        del answer
        return {"role": "assistant", "content": ""}

    def finish_delta(self, answer: Answer) -> Body:
        """No text."""
        del answer
        return {"content": ""}

    def finish_usage(self, answer: Answer) -> Body | None:
        """Beside the finish reason, asked or not."""
        return self.render_usage(answer)

    def writes_null_usage(self, answer: Answer) -> bool:
        """Never."""
        del answer
        return False

    def _call(self, answer: Answer, at: int, call: WrittenCall) -> Iterator[Piece]:
        """A call is one piece."""
        raw = self.render_chunk(answer, {"tool_calls": [_call(at, call)]})
        yield Piece(raw, Stage.CALL, count_tokens(call.name) + count_tokens(call.arguments), call.call_id or "")
        yield Piece(b"", Stage.CALL_END)

    def render_message(self, answer: Answer) -> Body:
        """Thinking stands in the content; a message without calls says so."""
        content: object = answer.text
        if answer.thinking:
            said = [{"type": "text", "text": answer.text}] if answer.text else []
            content = [_thought(answer.thinking), *said]
        calls = [_call(at, call) for at, call in enumerate(answer.calls)]
        return {"role": "assistant", "tool_calls": calls or None, "content": content}

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """``{"object": "error", ...}``, a bare ``detail`` for keys, every detail of a body that is not valid."""
        del request_id
        if refusal.status == 401:  # noqa: PLR2004
            return msgspec.json.encode({"detail": refusal.message})
        message: object = refusal.message
        if refusal.param is not None:
            detail = {"type": "extra_forbidden", "loc": refusal.param.split("."), "msg": refusal.message}
            message = {"detail": [detail]}
        kind = "invalid_request_message_order" if refusal.code == ORDER else refusal.kind
        error = {"object": "error", "message": message, "type": kind, "param": None, "code": refusal.code}
        return msgspec.json.encode(error)


def _thought(thinking: str) -> Body:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thinking}]}


def _call(at: int, call: WrittenCall) -> Body:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id or "null", "type": "function", "function": function, "index": at}
