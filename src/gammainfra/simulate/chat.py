"""The chat-completions wire that OpenAI and its followers share: reading a request, pieces of a stream, the whole
body, error bodies. It decides framing; what differs between them stands in a file of each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from gammainfra.simulate.ids import Mint
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.script import Ask, Turn, read_task
from gammainfra.simulate.tokens import count_tokens, count_value_tokens
from gammainfra.simulate.vendor import Answer, Body, Finish, WrittenCall

FINISH_WORDS: Mapping[Finish, str] = {
    Finish.STOP: "stop",
    Finish.CALLS: "tool_calls",
    Finish.LENGTH: "length",
}
DONE = b"data: [DONE]\n\n"


def render_event(value: object) -> bytes:
    """One ``data:`` event."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def read_text(content: object) -> str:
    """The text of a message's content, whether a string or parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


class ChatVendor(ABC):
    """What all chat-completions vendors do alike. Stateless."""

    name: str = ""
    overloaded_message: str = ""
    stream_type: str = "text/event-stream; charset=utf-8"
    frame_extras: ClassVar[Mapping[str, Any]] = {}
    count_paths: frozenset[str] = frozenset()

    def read_key(self, headers: Mapping[str, str]) -> str:
        """The bearer token."""
        scheme, _, key = headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    def refuse_size(self) -> Refusal:
        """413."""
        return Refusal(413, "invalid_request_error", "Request body is too large.")

    def refuse_path(self, method: str, path: str) -> Refusal:
        """404."""
        message = f"Invalid URL ({method} {path})"
        return Refusal(404, "invalid_request_error", message)

    def refuse_syntax(self) -> Refusal:
        """400."""
        message = "We could not parse the JSON body of your request."
        return Refusal(400, "invalid_request_error", message)

    def is_thinking(self, body: Body) -> bool:
        """Whether the model may show its thinking."""
        del body
        return False

    def read(self, body: Body) -> Ask:
        """The request without its dress."""
        messages = body["messages"]
        users = [read_text(item.get("content")) for item in messages if item.get("role") == "user"]
        turns = [item["tool_calls"] for item in messages if item.get("tool_calls")]
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        return Ask(
            vendor=self.name,
            model=body["model"],
            step=len(turns),
            task=read_task(messages, read_text),
            last_user_text=users[-1] if users else "",
            message_count=len(messages),
            tool_names=tuple(tool.get("function", tool).get("name", "") for tool in body.get("tools") or ()),
            call_ids=tuple(call["id"] for turn in turns for call in turn),
            stream=bool(body.get("stream")),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            thinking=self.is_thinking(body),
            max_tokens=limit,
        )

    def dress(self, turn: Turn, ask: Ask) -> Turn:
        """The turn as it is."""
        del ask
        return turn

    def count_prompt(self, body: Body) -> int:
        """Tokens of all tools and messages."""
        return sum(count_value_tokens(item) for item in prompt_values(body))

    def make_answer_id(self, mint: Mint) -> str:
        """``chatcmpl-`` and 29 letters and digits."""
        return "chatcmpl-" + mint.base62(29)

    def make_call_id(self, mint: Mint, at: int) -> str:
        """``call_`` and 24 letters and digits."""
        del at
        return "call_" + mint.base62(24)

    def make_request_id(self, mint: Mint) -> str:
        """``req_`` and 32 hexadecimal digits."""
        return "req_" + mint.hexadecimal(32)

    # Answers.

    @abstractmethod
    def render_usage(self, answer: Answer) -> Body:
        """The usage object."""

    def opening_delta(self, answer: Answer) -> Body:
        """The delta that names the role; ``content`` is null when only calls follow."""
        return {"role": "assistant", "content": "" if answer.text or not answer.calls else None}

    def text_delta(self, text: str, answer: Answer) -> Body:
        """A delta of visible text."""
        del answer
        return {"content": text}

    def thinking_delta(self, thinking: str) -> Body | None:
        """A delta of thinking, or None where the vendor hides it."""
        del thinking
        return None

    def finish_delta(self, answer: Answer) -> Body:
        """The delta beside the finish reason."""
        del answer
        return {}

    def finish_usage(self, answer: Answer) -> Body | None:
        """The usage beside the finish reason."""
        del answer
        return None

    def render_usage_event(self, answer: Answer) -> bytes | None:
        """The event that carries usage alone, with no choices."""
        del answer
        return None

    def render_frame(self, answer: Answer, kind: str) -> Body:
        """The fields around the choices."""
        head = {"id": answer.answer_id, "object": kind, "created": int(answer.created_s)}
        return {**head, "model": answer.ask.model, **self.frame_extras}

    def render_chunk(self, answer: Answer, delta: Body, finish: str | None = None, usage: Body | None = None) -> bytes:
        """One chunk with one choice; ``usage: null`` only where the vendor writes it."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk: Body = {**self.render_frame(answer, "chat.completion.chunk"), "choices": [choice]}
        if usage is not None or self.writes_null_usage(answer):
            chunk["usage"] = usage
        return render_event(chunk)

    def writes_null_usage(self, answer: Answer) -> bool:
        """Whether chunks without usage say so."""
        return answer.ask.include_usage

    def render_stream(self, answer: Answer) -> list[Piece]:
        """Role chunk, thinking, text, calls, finish, usage, ``[DONE]``."""
        opening = self.render_chunk(answer, self.opening_delta(answer))
        pieces = [Piece(opening, Stage.OPEN), *self._speech(answer)]
        for at, call in enumerate(answer.calls):
            pieces.extend(self._call(answer, at, call))
        if answer.finish is not None:
            finish = self.render_chunk(
                answer,
                self.finish_delta(answer),
                FINISH_WORDS[answer.finish],
                self.finish_usage(answer),
            )
            pieces.append(Piece(finish, Stage.FINISH))
        usage = self.render_usage_event(answer)
        if usage is not None:
            pieces.append(Piece(usage, Stage.USAGE))
        pieces.append(Piece(DONE, Stage.END))
        return pieces

    def _speech(self, answer: Answer) -> Iterator[Piece]:
        for words in answer.pace.split_words(answer.thinking):
            delta = self.thinking_delta(words)
            raw = b"" if delta is None else self.render_chunk(answer, delta)
            yield Piece(raw, Stage.THINKING, count_tokens(words))
        for words in answer.pace.split_words(answer.text):
            raw = self.render_chunk(answer, self.text_delta(words, answer))
            yield Piece(raw, Stage.TEXT, count_tokens(words))

    def _call(self, answer: Answer, at: int, call: WrittenCall) -> Iterator[Piece]:
        head: Body = {"index": at}
        if call.call_id is not None:
            head["id"] = call.call_id
        head |= {"type": "function", "function": {"name": call.name, "arguments": ""}}
        raw = self.render_chunk(answer, {"tool_calls": [head]})
        yield Piece(raw, Stage.CALL, count_tokens(call.name), call.call_id or "")
        for part in answer.pace.split_arguments(call.arguments):
            delta = {"tool_calls": [{"index": at, "function": {"arguments": part}}]}
            yield Piece(self.render_chunk(answer, delta), Stage.ARGUMENTS, count_tokens(part))
        yield Piece(b"", Stage.CALL_END)

    def render_message(self, answer: Answer) -> Body:
        """The assistant message of a whole."""
        message: Body = {"role": "assistant", "content": answer.text or (None if answer.calls else "")}
        if answer.calls:
            message["tool_calls"] = [_whole_call(call) for call in answer.calls]
        return message

    def render_whole(self, answer: Answer) -> bytes:
        """The completion object."""
        finish = None if answer.finish is None else FINISH_WORDS[answer.finish]
        message = self.render_message(answer)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        whole = self.render_frame(answer, "chat.completion")
        return msgspec.json.encode({**whole, "choices": [choice], "usage": self.render_usage(answer)})

    # Errors.

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """``{"error": {message, type, param, code}}``."""
        del request_id
        error = {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.param,
            "code": refusal.code,
        }
        return msgspec.json.encode({"error": error})

    def render_error_event(self, request_id: str) -> bytes:
        """An error inside a stream: a ``data:`` event with an ``error`` object."""
        refusal = Refusal(500, "server_error", self.overloaded_message)
        return b"data: " + self.render_refusal(refusal, request_id) + b"\n\n"


def prompt_values(body: Body) -> list[object]:
    """The parts of a prompt in the order in which a vendor's cache sees them: tools, then messages."""
    return [*(body.get("tools") or ()), *body["messages"]]


def _whole_call(call: WrittenCall) -> Body:
    head: Body = {} if call.call_id is None else {"id": call.call_id}
    return {**head, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
