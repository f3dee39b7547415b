"""Gemini as a simulated vendor, at the Gemini API or at Vertex AI: generateContent, streamed or whole, model
list, errors with RetryInfo, automatic prompt caching. The request rules stand in validate_gemini.py.

Shapes follow recorded answers. Model and method stand in the path, and are put into the body first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from gammainfra.simulate.cache import PrefixMemory, Segment, split_automatic
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.script import Ask, Turn, read_task
from gammainfra.simulate.tokens import canonical, count_tokens, count_value_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.validate_gemini import check_gemini, is_three, refuse, sign
from gammainfra.simulate.vendor import Answer, Body, Finish, Moment, WrittenCall

CACHE_MINIMUM_TOKENS = 1024
MODELS = ("gemini-3.8-flash", "gemini-3.5-flash", "gemini-3.1-pro-preview", "gemini-2.5-pro", "gemini-2.5-flash")
_METHOD = re.compile(r".*/models/(?P<model>[^/:]+):(?P<method>generateContent|streamGenerateContent)\Z")
_STREAMS = "streamGenerateContent"


class _Generating(frozenset[str]):
    """Every path that generates: there is one for each model."""

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and _METHOD.match(path) is not None


@dataclass(frozen=True, slots=True)
class Gemini:
    """``POST .../models/<model>:generateContent`` and ``:streamGenerateContent``, ``GET /v1beta/models``.

    ``name`` is ``gemini`` or ``vertex``: neither takes signatures of the other.
    """

    name: str = "gemini"
    base_path: str = ""
    generate_paths: frozenset[str] = _Generating()
    model_paths: frozenset[str] = frozenset({"/v1beta/models"})
    count_paths: frozenset[str] = frozenset()
    stream_type: str = "text/event-stream"

    def read_key(self, headers: Mapping[str, str]) -> str:
        """``x-goog-api-key``; at Vertex AI a bearer token."""
        if self.name == "gemini":
            return headers.get("x-goog-api-key", "")
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def refuse_key(self, key: str) -> Refusal:
        """400 at the Gemini API, 401 at Vertex AI."""
        if self.name == "vertex":
            return Refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not key:
            return Refusal(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        message = "API key not valid. Please pass a valid API key."
        return Refusal(400, "INVALID_ARGUMENT", message, code="API_KEY_INVALID")

    def refuse_size(self) -> Refusal:
        """400."""
        return refuse("Request payload size exceeds the limit: 33554432 bytes.")

    def refuse_path(self, method: str, path: str) -> Refusal:
        """404."""
        del method, path
        return Refusal(404, "NOT_FOUND", "Requested entity was not found.")

    def refuse_syntax(self) -> Refusal:
        """400."""
        return refuse("Invalid JSON payload received.")

    def refuse_length(self, prompt_tokens: int, window_tokens: int) -> Refusal:
        """400, told by its words only."""
        words = f"({prompt_tokens}) exceeds the maximum number of tokens allowed ({window_tokens})"
        return refuse(f"The input token count {words}.")

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of a fault; the wait stands in the body, and no header tells it."""
        del model
        match fault:
            case Fault.RATE_LIMIT:
                return Refusal(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")
            case Fault.RATE_LIMIT_RETRY_AFTER:
                message = f"You exceeded your current quota. Please retry in {pace.retry_after_s}s."
                return Refusal(429, "RESOURCE_EXHAUSTED", message, param=f"{pace.retry_after_s}s")
            case Fault.UNAVAILABLE | Fault.OVERLOADED:
                return Refusal(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
            case Fault.AUTH_401:
                return self.refuse_key("revoked")
            case Fault.BILLING_402:
                message = "This API method requires billing to be enabled."
                return Refusal(403, "PERMISSION_DENIED", message, code="BILLING_DISABLED")
            case Fault.SPEND_LIMIT:
                message = "You exceeded your current quota. * Quota exceeded for metric: requests, limit: 0"
                return Refusal(429, "RESOURCE_EXHAUSTED", message)
            case Fault.CONTEXT_OVERFLOW:
                return self.refuse_length(1_250_074, 1_048_576)
            case _:
                return Refusal(500, "INTERNAL", "An internal error has occurred.")

    def translate(self, path: str, body: Body) -> Body:
        """The body with ``model`` and ``stream`` as the path of a generateContent says."""
        found = _METHOD.match(path)
        return body if found is None else {**body, "model": found["model"], "stream": found["method"] == _STREAMS}

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """Gemini's request rules."""
        del headers
        check_gemini(body, self.name)

    def read(self, body: Body) -> Ask:
        """The request without its dress."""
        messages = [
            {"role": "assistant" if item.get("role") == "model" else "user", "content": item["parts"]}
            for item in body["contents"]
        ]
        calls = [[part["functionCall"] for part in m["content"] if "functionCall" in part] for m in messages]
        spoken = [text for m in messages if m["role"] == "user" and (text := _read_text(m["content"]))]
        config = body.get("generationConfig") or {}
        tools = [one for tool in body.get("tools") or () for one in tool.get("functionDeclarations") or ()]
        return Ask(
            vendor=self.name,
            model=body["model"],
            step=sum(1 for made in calls if made),
            task=read_task(messages, _read_text),
            last_user_text=spoken[-1] if spoken else "",
            message_count=len(messages),
            tool_names=tuple(tool["name"] for tool in tools),
            call_ids=tuple(call["id"] for made in calls for call in made if call.get("id")),
            stream=bool(body.get("stream")),
            include_usage=True,
            thinking=bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
            max_tokens=config.get("maxOutputTokens"),
        )

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """No thoughts are shown unless the request asked for them."""
        return turn if ask.thinking else replace(turn, thinking="")

    def count_prompt(self, body: Body) -> int:
        """Tokens of system, tools and contents."""
        return sum(segment.tokens for segment in _segments(body))

    def meter(self, body: Body, root: str, memory: PrefixMemory) -> SimulatedUsage:
        """Known prefixes of 1,024 tokens and more are read from the cache."""
        split = split_automatic(memory, root, _segments(body), minimum_tokens=CACHE_MINIMUM_TOKENS, grain_tokens=1)
        return SimulatedUsage(input_tokens=split.input_tokens, cache_read_tokens=split.read_tokens)

    def make_answer_id(self, mint: Mint) -> str:
        """23 letters and digits."""
        return mint.base62(23)

    def make_call_id(self, mint: Mint, at: int) -> str:
        """8 letters and digits."""
        del at
        return mint.base62(8).lower()

    def make_request_id(self, mint: Mint) -> str:
        """16 letters and digits: for the simulator's log, Google names none."""
        return mint.base62(16)

    # Answers.

    def _usage(self, answer: Answer) -> Body:
        usage = answer.usage
        counted: Body = {
            "promptTokenCount": usage.prompt_tokens,
            "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
            "totalTokenCount": usage.prompt_tokens + usage.output_tokens,
        }
        if usage.cache_read_tokens:
            counted["cachedContentTokenCount"] = usage.cache_read_tokens
        if usage.reasoning_tokens:
            counted["thoughtsTokenCount"] = usage.reasoning_tokens
        return counted

    def _chunk(self, answer: Answer, parts: list[Body], finish: str | None = None, usage: Body | None = None) -> Body:
        candidate: Body = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish is not None:
            candidate["finishReason"] = finish
        prompt = {"promptTokenCount": answer.usage.prompt_tokens}
        return {
            "candidates": [candidate],
            "usageMetadata": usage or prompt,
            "modelVersion": answer.ask.model,
            "responseId": answer.answer_id,
        }

    def _calls(self, answer: Answer) -> list[Body]:
        """The calls as parts: the first one is signed. One that does not parse is never shown."""
        parts: list[Body] = []
        for call in answer.calls:
            if not _parses(call):
                continue
            made: Body = {"name": call.name, "args": msgspec.json.decode(call.arguments)}
            if call.call_id is not None:
                made["id"] = call.call_id
            part: Body = {"functionCall": made}
            if not parts and is_three(answer.ask.model):
                part["thoughtSignature"] = sign(self.name, part)
            parts.append(part)
        return parts

    def _finish(self, answer: Answer) -> str | None:
        if answer.finish is None or answer.finish is Finish.LENGTH:
            return None if answer.finish is None else "MAX_TOKENS"
        return "STOP" if all(map(_parses, answer.calls)) else "MALFORMED_FUNCTION_CALL"

    def render_stream(self, answer: Answer) -> list[Piece]:
        """Chunks with CRLF; a call is one chunk, and the finish comes behind it in a chunk of its own."""
        pieces: list[Piece] = []
        for words in answer.pace.split_words(answer.thinking):
            chunk = self._chunk(answer, [{"text": words, "thought": True}])
            pieces.append(Piece(_event(chunk), Stage.THINKING, count_tokens(words)))
        pieces += [
            Piece(_event(self._chunk(answer, [{"text": words}])), Stage.TEXT, count_tokens(words))
            for words in answer.pace.split_words(answer.text)
        ]
        for part in self._calls(answer):
            pieces += self._call_pieces(answer, part)
        last: list[Body] = []
        if answer.text and not answer.calls and is_three(answer.ask.model):
            last = [{"text": "", "thoughtSignature": sign(self.name, {"text": ""})}]
        end = self._chunk(answer, last or [{"text": ""}], self._finish(answer), self._usage(answer))
        return [*pieces, Piece(_event(end), Stage.FINISH)]

    def _call_pieces(self, answer: Answer, part: Body) -> list[Piece]:
        """One chunk in three pieces of bytes, so that a cut can fall inside."""
        raw = _event(self._chunk(answer, [part]))
        call, half = part["functionCall"], len(raw) // 2
        tokens = count_tokens(call["name"]) + count_tokens(canonical(call["args"]))
        return [
            Piece(raw[:half], Stage.CALL),
            Piece(raw[half:-2], Stage.ARGUMENTS),
            Piece(raw[-2:], Stage.CALL_END, tokens, call.get("id", "")),
        ]

    def render_whole(self, answer: Answer) -> bytes:
        """One GenerateContentResponse."""
        parts: list[Body] = [{"text": answer.thinking, "thought": True}] if answer.thinking else []
        if answer.text:
            parts.append({"text": answer.text})
            if not answer.calls and is_three(answer.ask.model):
                parts[-1]["thoughtSignature"] = sign(self.name, parts[-1])
        parts += self._calls(answer)
        return msgspec.json.encode(self._chunk(answer, parts, self._finish(answer), self._usage(answer)))

    # Errors and the rest.

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """``{"error": {code, message, status, details}}``, as google.rpc.Status."""
        del request_id
        error: Body = {"code": refusal.status, "message": refusal.message, "status": refusal.kind}
        details: list[Body] = []
        if refusal.code is not None:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            details.append({"@type": kind, "reason": refusal.code, "domain": "googleapis.com"})
        if refusal.param is not None:
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": refusal.param})
        if details:
            error["details"] = details
        return msgspec.json.format(msgspec.json.encode({"error": error}), indent=2)

    def render_error_event(self, request_id: str) -> bytes:
        """An error inside a stream: the JSON as it is, without ``data:``."""
        return self.render_refusal(self.refuse_by_fault(Fault.OVERLOADED, "", Pace()), request_id) + b"\r\n"

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """Google tells how long it took, and no limits."""
        return (("server-timing", f"gfet4t7; dur={moment.taken_ms}"),)

    def render_models(self) -> bytes:
        """The model list, one page."""
        models = [
            {
                "name": f"models/{name}",
                "displayName": name.replace("-", " ").title(),
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "thinking": True,
            }
            for name in MODELS
        ]
        return msgspec.json.encode({"models": models})


def _event(chunk: Body) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n"


def _parses(call: WrittenCall) -> bool:
    try:
        return isinstance(msgspec.json.decode(call.arguments), dict)
    except msgspec.DecodeError:
        return False


def _read_text(parts: object) -> str:
    return "\n".join(part["text"] for part in parts if part.get("text")) if isinstance(parts, list) else ""


def _segments(body: Body) -> list[Segment]:
    """System, tools, contents: the order in which a prefix is known."""
    values = [body.get("systemInstruction"), *(body.get("tools") or ()), *body["contents"]]
    return [Segment(canonical(value), count_value_tokens(value)) for value in values if value]
