"""Anthropic as a simulated vendor: messages, token counts, model list, headers, errors, marked prompt
caching. The request rules stand in validate_anthropic.py.

Shapes follow recorded answers of the API; messages of errors follow its documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from gammainfra.simulate.anthropic_models import MODELS
from gammainfra.simulate.blocks_anthropic import refuse
from gammainfra.simulate.cache import CACHE_TTL_S, PrefixMemory, Segment, split_marked
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.script import Ask, Turn, read_task
from gammainfra.simulate.thinking import is_bound_to, name_prefix, sign_thinking
from gammainfra.simulate.tokens import canonical, count_tokens, count_value_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.validate_anthropic import (
    blocks_of,
    check_anthropic,
    check_prompt,
    check_version,
    merge_turns,
)
from gammainfra.simulate.vendor import Answer, Body, Finish, Moment, WrittenCall

CACHE_MINIMUM_TOKENS = 1024
ONE_HOUR_S = 3600
REQUESTS_LIMIT = 4_000
TOKEN_LIMITS: Mapping[str, int] = {"input-tokens": 2_000_000, "output-tokens": 400_000, "tokens": 2_400_000}
STOP_WORDS: Mapping[Finish, str] = {
    Finish.STOP: "end_turn",
    Finish.CALLS: "tool_use",
    Finish.LENGTH: "max_tokens",
}


def render_time(epoch_s: float) -> str:
    """A moment as RFC 3339 in UTC, whole seconds."""
    return datetime.fromtimestamp(int(epoch_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render_event(kind: str, **fields: object) -> bytes:
    """One ``event:`` + ``data:`` pair."""
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode({"type": kind, **fields}) + b"\n\n"


@dataclass(frozen=True, slots=True)
class Anthropic:
    """``POST /v1/messages``, ``POST /v1/messages/count_tokens``, ``GET /v1/models``.

    With ``bind_thinking`` a thinking block is refused in a conversation whose earlier part has changed.
    """

    bind_thinking: bool = False
    name: str = "anthropic"
    base_path: str = ""
    stream_type: str = "text/event-stream; charset=utf-8"
    generate_paths: frozenset[str] = frozenset({"/v1/messages"})
    model_paths: frozenset[str] = frozenset({"/v1/models"})
    count_paths: frozenset[str] = frozenset({"/v1/messages/count_tokens"})

    def read_key(self, headers: Mapping[str, str]) -> str:
        """``x-api-key``, or a bearer token."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return headers.get("x-api-key", "") or (token.strip() if scheme.lower() == "bearer" else "")

    def refuse_key(self, key: str) -> Refusal:
        """401."""
        return Refusal(401, "authentication_error", "invalid x-api-key" if key else "x-api-key header is required")

    def refuse_size(self) -> Refusal:
        """413."""
        return Refusal(413, "request_too_large", "Request exceeds the maximum size")

    def refuse_path(self, method: str, path: str) -> Refusal:
        """404."""
        del method, path
        return Refusal(404, "not_found_error", "Not Found")

    def refuse_syntax(self) -> Refusal:
        """400."""
        return refuse("The request body is not valid JSON")

    def refuse_length(self, prompt_tokens: int, window_tokens: int) -> Refusal:
        """400, told by its words only."""
        return refuse(f"prompt is too long: {prompt_tokens} tokens > {window_tokens} maximum")

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of a fault."""
        del model
        match fault:
            case Fault.RATE_LIMIT | Fault.RATE_LIMIT_RETRY_AFTER:
                told = fault is Fault.RATE_LIMIT_RETRY_AFTER
                headers = (("retry-after", str(pace.retry_after_s)),) if told else ()
                message = "This request would exceed your organization's rate limit of 4,000 requests per minute."
                return Refusal(429, "rate_limit_error", message, headers=headers)
            case Fault.UNAVAILABLE:
                return Refusal(503, "api_error", "Service Unavailable")
            case Fault.OVERLOADED:
                return Refusal(529, "overloaded_error", "Overloaded")
            case Fault.AUTH_401:
                return self.refuse_key("revoked")
            case Fault.BILLING_402:
                message = "There is an issue with your billing or payment information."
                return Refusal(402, "billing_error", message)
            case Fault.SPEND_LIMIT:
                return refuse(
                    "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
                    "Billing to upgrade or purchase credits."
                )
            case Fault.CONTEXT_OVERFLOW:
                return self.refuse_length(204_918, 200_000)
            case _:
                return Refusal(500, "api_error", "Internal server error")

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """Anthropic's request rules."""
        check_anthropic(body, headers)
        if self.bind_thinking:
            self._check_bindings(body)

    def check_count(self, body: Body, headers: Mapping[str, str]) -> None:
        """The rules for ``count_tokens``: no max_tokens needed."""
        check_version(headers)
        for name in ("model", "messages"):
            if name not in body:
                raise refuse(f"{name}: Field required")
        check_prompt(body)

    def _check_bindings(self, body: Body) -> None:
        turns = merge_turns(body["messages"])
        for at, (_, blocks) in enumerate(turns):
            for spot, block in enumerate(blocks):
                if block["type"] != "thinking":
                    continue
                prefix = name_prefix(body.get("system"), body.get("tools"), turns[:at])
                if not is_bound_to(block["signature"], prefix):
                    where = f"messages.{at}.content.{spot}"
                    raise refuse(f"{where}: The block is bound to a different conversation")

    def read(self, body: Body) -> Ask:
        """The request without its dress."""
        messages = body["messages"]
        calls = [
            [block["id"] for block in blocks_of(item["content"]) if block["type"] == "tool_use"] for item in messages
        ]
        users = [_read_text(item["content"]) for item in messages if item["role"] == "user"]
        spoken = [text for text in users if text]
        thinking = body.get("thinking") or {}
        return Ask(
            vendor=self.name,
            model=body["model"],
            step=sum(1 for ids in calls if ids),
            task=read_task(messages, _read_text),
            last_user_text=spoken[-1] if spoken else "",
            message_count=len(messages),
            tool_names=tuple(tool.get("name", "") for tool in body.get("tools") or ()),
            call_ids=tuple(call_id for ids in calls for call_id in ids),
            stream=bool(body.get("stream")),
            include_usage=True,
            thinking=thinking.get("type") in {"enabled", "adaptive", "between_tools"},
            max_tokens=body.get("max_tokens"),
        )

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """No thinking is shown unless the request asked for it."""
        return turn if ask.thinking else replace(turn, thinking="")

    def count_prompt(self, body: Body) -> int:
        """Tokens of tools, system and messages."""
        return sum(segment.tokens for segment in _segments(body))

    def meter(self, body: Body, root: str, memory: PrefixMemory) -> SimulatedUsage:
        """Divided by the request's cache marks; a prefix under 1,024 tokens is never cached."""
        split = split_marked(memory, root, _segments(body), minimum_tokens=CACHE_MINIMUM_TOKENS)
        return SimulatedUsage(split.input_tokens, split.read_tokens, split.write_5m_tokens, split.write_1h_tokens)

    def make_answer_id(self, mint: Mint) -> str:
        """``msg_01`` and 22 letters and digits."""
        return "msg_01" + mint.base62(22)

    def make_call_id(self, mint: Mint, at: int) -> str:
        """``toolu_01`` and 22 letters and digits."""
        del at
        return "toolu_01" + mint.base62(22)

    def make_request_id(self, mint: Mint) -> str:
        """``req_011C`` and 20 letters and digits."""
        return "req_011C" + mint.base62(20)

    # Answers.

    def _usage(self, answer: Answer, output_tokens: int) -> Body:
        usage = answer.usage
        counted: Body = {
            "input_tokens": usage.input_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
            "cache_read_input_tokens": usage.cache_read_tokens,
            "output_tokens": output_tokens,
        }
        if usage.reasoning_tokens and output_tokens >= usage.reasoning_tokens:
            counted["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
        return counted

    def _full_usage(self, answer: Answer, output_tokens: int) -> Body:
        split = {
            "ephemeral_5m_input_tokens": answer.usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": answer.usage.cache_write_1h_tokens,
        }
        usage = self._usage(answer, output_tokens)
        return {**usage, "cache_creation": split, "service_tier": "standard"}

    def _signature(self, answer: Answer) -> str:
        body = answer.body
        prefix = name_prefix(body.get("system"), body.get("tools"), merge_turns(body["messages"]))
        return sign_thinking(answer.thinking, prefix)

    def _message(self, answer: Answer, content: list[Body], stop: str | None, usage: Body) -> Body:
        head = {"model": answer.ask.model, "id": answer.answer_id, "type": "message", "role": "assistant"}
        return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}

    def render_stream(self, answer: Answer) -> list[Piece]:
        """message_start, ping, blocks, message_delta with cumulative usage, message_stop."""
        start = self._message(answer, [], None, self._full_usage(answer, 1))
        opening = render_event("message_start", message=start) + render_event("ping")
        pieces = [Piece(opening, Stage.OPEN)]
        index = 0
        if answer.thinking:
            pieces.extend(self._thinking_block(answer, index))
            index += 1
        if answer.text:
            pieces.extend(self._text_block(answer, index))
            index += 1
        for call in answer.calls:
            pieces.extend(self._call_block(answer, index, call))
            index += 1
        if answer.finish is not None:
            delta = {"stop_reason": STOP_WORDS[answer.finish], "stop_sequence": None}
            usage = self._usage(answer, answer.usage.output_tokens)
            pieces.append(Piece(render_event("message_delta", delta=delta, usage=usage), Stage.FINISH))
        pieces.append(Piece(render_event("message_stop"), Stage.END))
        return pieces

    def _thinking_block(self, answer: Answer, index: int) -> Iterator[Piece]:
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        yield _start(index, empty, Stage.THINKING)
        for words in answer.pace.split_words(answer.thinking):
            delta = {"type": "thinking_delta", "thinking": words}
            yield _delta(index, delta, Stage.THINKING, count_tokens(words))
        yield _delta(index, {"type": "signature_delta", "signature": self._signature(answer)}, Stage.THINKING)
        yield _stop(index, Stage.THINKING)

    def _text_block(self, answer: Answer, index: int) -> Iterator[Piece]:
        yield _start(index, {"type": "text", "text": ""}, Stage.TEXT)
        for words in answer.pace.split_words(answer.text):
            yield _delta(index, {"type": "text_delta", "text": words}, Stage.TEXT, count_tokens(words))
        yield _stop(index, Stage.TEXT)

    def _call_block(self, answer: Answer, index: int, call: WrittenCall) -> Iterator[Piece]:
        head = _start(index, _call_head(call, {}), Stage.CALL, count_tokens(call.name))
        yield replace(head, call_id=call.call_id or "")
        opening = {"type": "input_json_delta", "partial_json": ""}
        yield _delta(index, opening, Stage.CALL)
        for part in answer.pace.split_arguments(call.arguments):
            delta = {"type": "input_json_delta", "partial_json": part}
            yield _delta(index, delta, Stage.ARGUMENTS, count_tokens(part))
        yield _stop(index, Stage.CALL_END)

    def render_whole(self, answer: Answer) -> bytes:
        """The message object. Arguments that do not parse are written as they are, which breaks the body."""
        content: list[Body] = []
        if answer.thinking:
            signature = self._signature(answer)
            content.append({"type": "thinking", "thinking": answer.thinking, "signature": signature})
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        for call in answer.calls:
            cut = answer.finish is Finish.LENGTH and call is answer.calls[-1]
            content.append(_call_head(call, {} if cut else msgspec.Raw(call.arguments.encode())))
        stop = None if answer.finish is None else STOP_WORDS[answer.finish]
        usage = self._full_usage(answer, answer.usage.output_tokens)
        return msgspec.json.encode(self._message(answer, content, stop, usage))

    # Errors and the rest.

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """``{"type": "error", "error": {type, message}, "request_id"}``."""
        error = {"type": refusal.kind, "message": refusal.message}
        return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})

    def render_error_event(self, request_id: str) -> bytes:
        """``event: error`` inside a stream."""
        refusal = Refusal(529, "overloaded_error", "Overloaded")
        return b"event: error\ndata: " + self.render_refusal(refusal, request_id) + b"\n\n"

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """Request id and rate limits."""
        reset = render_time(moment.now_s + 60)
        left = REQUESTS_LIMIT - moment.request_number % REQUESTS_LIMIT
        headers = [
            ("request-id", moment.request_id),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
            ("anthropic-ratelimit-requests-limit", str(REQUESTS_LIMIT)),
            ("anthropic-ratelimit-requests-remaining", str(left)),
            ("anthropic-ratelimit-requests-reset", reset),
        ]
        for name, limit in TOKEN_LIMITS.items():
            used = 0 if name == "output-tokens" else moment.used_tokens
            headers.append((f"anthropic-ratelimit-{name}-limit", str(limit)))
            headers.append((f"anthropic-ratelimit-{name}-remaining", str(max(0, limit - used) // 1000 * 1000)))
            headers.append((f"anthropic-ratelimit-{name}-reset", reset))
        return tuple(headers)

    def render_models(self) -> bytes:
        """The model list, one page."""
        models = [_model_info(name) for name in MODELS]
        page = {"data": models, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
        return msgspec.json.encode(page)

    def render_count(self, tokens: int) -> bytes:
        """``{"input_tokens": n}``."""
        return msgspec.json.encode({"input_tokens": tokens})


def _model_info(name: str) -> Body:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }


def _start(index: int, block: Body, stage: Stage, tokens: int = 0) -> Piece:
    return Piece(render_event("content_block_start", index=index, content_block=block), stage, tokens)


def _delta(index: int, delta: Body, stage: Stage, tokens: int = 0) -> Piece:
    return Piece(render_event("content_block_delta", index=index, delta=delta), stage, tokens)


def _stop(index: int, stage: Stage) -> Piece:
    return Piece(render_event("content_block_stop", index=index), stage)


def _call_head(call: WrittenCall, arguments: object) -> Body:
    head: Body = {"type": "tool_use"}
    if call.call_id is not None:
        head["id"] = call.call_id
    return {**head, "name": call.name, "input": arguments}


def _read_text(content: object) -> str:
    return "\n".join(block["text"] for block in blocks_of(content) if block.get("type") == "text")


def _segment(value: Body, **around: str) -> Segment:
    mark = value.get("cache_control")
    ttl_s = 0 if mark is None else ONE_HOUR_S if mark.get("ttl") == "1h" else CACHE_TTL_S
    clean = {name: item for name, item in value.items() if name != "cache_control"}
    return Segment(canonical({**around, "block": clean}), count_value_tokens(clean), ttl_s)


def _segments(body: Body) -> list[Segment]:
    """Tools, system, blocks of messages: the order in which the vendor caches."""
    segments = [_segment(tool, part="tool") for tool in body.get("tools") or ()]
    segments += [_segment(block, part="system") for block in blocks_of(body.get("system"))]
    for message in body["messages"]:
        segments += [_segment(block, part=message["role"]) for block in blocks_of(message["content"])]
    if body.get("cache_control") is not None and segments:
        segments[-1] = replace(segments[-1], mark_ttl_s=segments[-1].mark_ttl_s or CACHE_TTL_S)
    return segments
