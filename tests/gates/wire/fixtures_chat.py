"""Chat Completions made by hand after the vendor's page and what compatible hosts do, each with what must arrive.

https://platform.openai.com/docs/api-reference/chat, .../guides/error-codes. Every whole answer is streamed too; what
only a stream can be (cut, broken, oddly numbered) follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from tests.gates.wire.fixture import Fixture, error
from tests.gates.wire.oracle import Call, Choice, Counts, Expected
from tests.gates.wire.record import Json, Record

_ID_1: Final = "call_AAAAAAAAAAAAAAAAAAAAAAAA"
_ID_2: Final = "call_BBBBBBBBBBBBBBBBBBBBBBBB"
_USAGE: Final = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
_COUNTS: Final = Counts(11, 7)
_PATH: Final = {"path": "src/naïve file.py", "lines": [1, 2], "deep": {"a": None, "b": 1.5}}
_TEXT: Final = json.dumps(_PATH, ensure_ascii=False)
_READ: Final = Call("read_file", _PATH, _ID_1)
_LIST: Final = Call("list", {}, _ID_2)


def _call(call_id: str | None = _ID_1, name: str = "read_file", arguments: Json = _TEXT) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _choice(content: Json, *calls: Json, finish: str | None = "stop", index: int = 0, **more: Json) -> Json:
    message = {"role": "assistant", "content": content, "refusal": None, **more}
    message |= {"tool_calls": list(calls)} if calls else {}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish}


def _body(*choices: Json, usage: Json = _USAGE, **more: Json) -> Json:
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt", "choices": list(choices)}
    return {**head, **({"usage": usage} if usage else {}), **more}


def _answer(text: str = "", *calls: Call, finish: str = "stop", usage: Counts | None = _COUNTS) -> Expected:
    return Expected(choices=[Choice(text, list(calls), finish)], usage=usage)


def _thought(expected: Expected, text: str) -> Expected:
    expected.thoughts = [(text, "", "")]
    return expected


def _whole_answers() -> dict[str, tuple[Json, Expected]]:
    """Answers that may come in either form."""
    odd = Call("read_file", _PATH, "functions.read:0")
    two = Expected(choices=[Choice("One."), Choice("Two.", [], "length")], usage=_COUNTS)
    logprobs = {
        **_choice("A"),
        "logprobs": {"content": [{"token": "A", "logprob": -0.1, "bytes": [65], "top_logprobs": []}]},
    }
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "So."}]
    cached = {**_USAGE, "prompt_tokens": 200, "total_tokens": 207, "prompt_tokens_details": {"cached_tokens": 128}}
    details = [{"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}]
    return {
        "text": (_body(_choice('Hi, wörld 🎉 \u2028 "q" \\n')), _answer('Hi, wörld 🎉 \u2028 "q" \\n')),
        "call": (_body(_choice(None, _call(), finish="tool_calls")), _answer("", _READ, finish="tool_calls")),
        "parallel": (
            _body(_choice("Both.", _call(), _call(_ID_2, "list", "{}"), finish="tool_calls")),
            _answer("Both.", _READ, _LIST, finish="tool_calls"),
        ),
        "call_but_stop": (_body(_choice(None, _call())), _answer("", _READ, finish="tool_calls")),
        "tool_calls_without_call": (_body(_choice("Well.", finish="tool_calls")), _answer("Well.")),
        "no_arguments": (
            _body(_choice(None, _call(_ID_2, "list", ""), finish="tool_calls")),
            _answer("", _LIST, finish="tool_calls"),
        ),
        "arguments_as_object": (
            _body(_choice(None, _call(arguments=_PATH), finish="tool_calls")),
            _answer("", _READ, finish="tool_calls"),
        ),
        "broken_arguments": (
            _body(_choice(None, _call(arguments='{"path": "a')), usage=_USAGE),
            _answer("", Call("read_file", '{"path": "a', _ID_1), finish="tool_calls"),
        ),
        "odd_id": (
            _body(_choice(None, _call("functions.read:0"), finish="tool_calls")),
            _answer("", odd, finish="tool_calls"),
        ),
        "no_id": (
            _body(_choice(None, _call(None), finish="tool_calls")),
            _answer("", Call("read_file", _PATH, ""), finish="tool_calls"),
        ),
        "function_call": (
            _body(_choice(None, finish="function_call", function_call=_call()["function"])),
            _answer("", Call("read_file", _PATH, ""), finish="tool_calls"),
        ),
        "two_choices": (_body(_choice("One."), _choice("Two.", finish="length", index=1)), two),
        "logprobs": (_body(logprobs), _answer("A")),
        "refusal": (
            _body(_choice(None, refusal="I cannot.")),
            Expected(choices=[Choice(refusal="I cannot.")], usage=_COUNTS),
        ),
        "length": (_body(_choice("Cut o", finish="length")), _answer("Cut o", finish="length")),
        "empty_by_length": (_body(_choice("", finish="length")), _answer(finish="length")),
        "filtered": (_body(_choice("", finish="content_filter")), _answer(finish="content_filter")),
        "model_length": (_body(_choice("Full", finish="model_length")), _answer("Full", finish="length")),
        "unheard_finish": (_body(_choice("A", finish="eos")), _answer("A")),
        "empty": (_body(_choice("")), _answer()),
        "reasoning_content": (_body(_choice("So.", reasoning_content="Hm.")), _thought(_answer("So."), "Hm.")),
        "reasoning": (_body(_choice("So.", reasoning="Hm.")), _thought(_answer("So."), "Hm.")),
        "reasoning_details": (
            _body(_choice("So.", reasoning="Hm.", reasoning_details=details)),
            _thought(_answer("So."), "Hm."),
        ),
        "reasoning_and_call": (
            _body(_choice(None, _call(), finish="tool_calls", reasoning_content="Hm.")),
            _thought(_answer("", _READ, finish="tool_calls"), "Hm."),
        ),
        "reasoning_only": (_body(_choice(None, reasoning_content="Hm.")), _thought(_answer(), "Hm.")),
        "parts": (_body(_choice(parts)), _thought(_answer("So."), "Hm.")),
        "annotations": (_body(_choice("A", annotations=[])), _answer("A")),
        "cache_counts": (_body(_choice("A"), usage=cached), _answer("A", usage=Counts(200, 7, 128))),
        "no_usage": (_body(_choice("A"), usage=None), _answer("A", usage=None)),
        "odd_service_tier": (_body(_choice("A"), service_tier="on_demand"), _answer("A")),
    }


def _data(chunk: Json) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


_DONE: Final = "data: [DONE]\n\n"


def _chunk(delta: Json, finish: str | None = None, index: int = 0, **more: Json) -> Json:
    shown = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [shown]}


def _counted(usage: Json = _USAGE) -> Json:
    return {**_chunk({}), "choices": [], "usage": usage}


def _pieces(text: str, size: int = 5) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _chunks(body: Json) -> list[Json]:
    """The body as a stream: text, reasoning and arguments in small pieces."""
    made = []
    for choice in body["choices"]:
        number, message = choice["index"], choice["message"]
        made.append(_chunk({"role": "assistant", "content": ""}, index=number))
        for name in ("reasoning_content", "reasoning"):
            made += [_chunk({name: piece}, index=number) for piece in _pieces(message.get(name) or "")]
        made += [_chunk({name: message[name]}) for name in ("refusal", "function_call") if message.get(name)]
        content = message["content"] or ""
        deltas = [{"content": piece} for piece in (_pieces(content) if isinstance(content, str) else [content])]
        more = {"logprobs": choice["logprobs"]} if choice["logprobs"] else {}
        made += [_chunk(delta, index=number, **more) for delta in deltas]
        for index, call in enumerate(message.get("tool_calls") or ()):
            made += [_chunk({"tool_calls": [piece]}, index=number) for piece in _call_pieces(index, call)]
        made.append(_chunk({}, choice["finish_reason"], number))
    return [*made, *([_counted(body["usage"])] if "usage" in body else [])]


def _call_pieces(index: int | None, call: Json) -> list[Json]:
    """A call as OpenAI streams it: its head without arguments, then the arguments; objects come at once."""
    head = {} if index is None else {"index": index}
    function = call["function"]
    if not isinstance(function["arguments"], str):
        return [{**head, **call}]
    first = {**head, **call, "function": {"name": function["name"], "arguments": ""}}
    return [first, *({**head, "function": {"arguments": piece}} for piece in _pieces(function["arguments"]))]


def _streams() -> dict[str, tuple[str, Expected]]:
    """What only a stream can be."""
    text = _chunks(_body(_choice("Hello, world")))
    call = _chunks(_body(_choice("I read.", _call(), finish="tool_calls")))
    two = _chunks(_body(_choice(None, _call(), _call(_ID_2, "list", "{}"), finish="tool_calls")))
    whole_calls = [_call(), _call(_ID_2, "list", "{}")]
    finish = [_chunk({}, "tool_calls"), _counted()]
    busy = {"error": {"type": "server_error", "message": "The server is overloaded"}}
    calls = _answer("", _READ, _LIST, finish="tool_calls")
    head = next(n for n, one in enumerate(call) if one["choices"][0]["delta"].get("tool_calls"))
    at_call = error(503, "all_providers_failed", broken_after="I read.")
    at_call.choices[0].calls = [Call("read_file", None, _ID_1)]
    in_call = error(503, "all_providers_failed", broken_after="I read.")
    in_call.choices[0].calls = [Call("read_file", '{"pat', _ID_1)]
    cut = error(503, "all_providers_failed", broken_after="Hello, wor")
    late = error(503, "all_providers_failed", "The server is overloaded", broken_after="Hello, wor")
    same = [{**one, "index": 0} for one in whole_calls]
    unnumbered = [{name: one[name] for name in ("id", "type", "function")} for one in whole_calls]
    fitting = {**_chunk({}, "stop"), "usage": _USAGE}
    filtered = {**_chunk({}), "choices": [], "prompt_filter_results": []}
    return {
        "crlf": (_joined(text).replace("\n", "\r\n"), _answer("Hello, world")),
        "comments": (": waiting\n\n" + _joined(text).replace("\n\n", "\n\n: still\n\n", 1), _answer("Hello, world")),
        "no_space": (_joined(text).replace("data: ", "data:"), _answer("Hello, world")),
        "no_done": (_joined(text, end=""), _answer("Hello, world")),
        "no_finish": (_joined([*text[:4], text[-1]]), _answer("Hello, world")),
        "no_finish_no_done": (
            _joined(text[:4], end=""),
            error(503, "all_providers_failed", broken_after="Hello, world"),
        ),
        "usage_with_finish": (_joined([*text[:4], fitting]), _answer("Hello, world")),
        "leading_filter_chunk": (_joined([filtered, *text]), _answer("Hello, world")),
        "calls_in_one_chunk": (
            _joined([_chunk({"tool_calls": [{**one, "index": n} for n, one in enumerate(whole_calls)]}), *finish]),
            calls,
        ),
        "calls_all_index_0": (_joined([*(_chunk({"tool_calls": [one]}) for one in same), *finish]), calls),
        "calls_without_index": (_joined([*(_chunk({"tool_calls": [one]}) for one in unnumbered), *finish]), calls),
        "same_id_twice": (
            _joined([*(_chunk({"tool_calls": [{**_call(), "index": n}]}) for n in range(2)), *finish]),
            _answer("", _READ, Call("read_file", _PATH, _ID_1), finish="tool_calls"),
        ),
        "calls_no_finish": (_joined(two[:-2]), _answer("", _READ, _LIST, finish="tool_calls", usage=None)),
        "calls_no_finish_no_done": (
            _joined(two[:-2], end=""),
            _answer("", _READ, _LIST, finish="tool_calls", usage=None),
        ),
        "error_at_once": (_joined([busy], end=""), error(503, "all_providers_failed", "The server is overloaded")),
        "error_after_text": (_joined([*text[:3], busy], end=""), late),
        "error_after_calls": (
            _joined([*two[:-2], busy], end=""),
            _answer("", _READ, _LIST, finish="tool_calls", usage=None),
        ),
        "cut_at_once": ("", error(503, "all_providers_failed")),
        "cut_before_text": (_joined(text[:1], end=""), error(503, "all_providers_failed")),
        "cut_after_text": (_joined(text[:3], end=""), cut),
        "cut_inside_chunk": (_joined(text[:3], end='data: {"id": "chatcmpl-1", "cho'), cut),
        "cut_at_call": (_joined(call[: head + 1], end=""), at_call),
        "cut_inside_call": (_joined(call[: head + 2], end=""), in_call),
        "nothing_but_done": (_DONE, error(503, "all_providers_failed")),
        "no_json": ("data: {nonsense\n\n" + _joined(text), error(503, "all_providers_failed")),
    }


def _joined(made: list[Json], *, end: str = _DONE) -> str:
    return "".join(_data(one) for one in made) + end


def _refusals() -> dict[str, tuple[int, str, dict[str, str], Expected]]:
    def told(kind: str, code: str | None, message: str, param: str | None = None) -> str:
        return json.dumps({"error": {"message": message, "type": kind, "code": code, "param": param}})

    wait = {"retry-after": "120"}
    wrong, rate = "invalid_request_error", "Rate limit reached for requests"
    key = error(503, "provider_credentials_rejected")
    length = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    broke, gone = "You exceeded your current quota", "The model `gpt-0` does not exist"
    busy = error(503, "all_providers_failed", "Overloaded")
    return {
        "400": (400, told(wrong, None, "Bad image"), {}, error(400, "invalid_request", "Bad image")),
        "400_long": (
            400,
            told(wrong, "context_length_exceeded", length, "messages"),
            {},
            error(400, "context_length_exceeded", length),
        ),
        "400_parameter": (
            400,
            told(wrong, "unsupported_parameter", "Unsupported parameter: 'max_tokens'", "max_tokens"),
            {},
            error(400, "invalid_request", "Unsupported parameter: 'max_tokens'"),
        ),
        "401": (401, told(wrong, "invalid_api_key", "Incorrect API key provided"), {}, key),
        "404": (404, told(wrong, "model_not_found", gone), {}, error(404, "model_not_found", gone)),
        "413": (413, told(wrong, None, "Too large"), {}, error(413, "request_too_large", "Too large")),
        "429": (429, told("requests", "rate_limit_exceeded", rate), wait, error(503, "all_providers_failed", rate)),
        "429_money": (
            429,
            told("insufficient_quota", "insufficient_quota", broke),
            {},
            error(503, "all_providers_failed", broke),
        ),
        "500": (500, told("server_error", None, "Sorry"), {}, error(503, "all_providers_failed", "Sorry")),
        "503": (503, told("server_error", None, "Overloaded"), wait, busy),
        "502_page": (502, "<html><title>Bad gateway</title></html>", wait, error(503, "all_providers_failed")),
    }


def fixtures() -> Iterator[Fixture]:
    """All of them."""
    for name, (body, want) in _whole_answers().items():
        whole = json.dumps(body, ensure_ascii=False).encode()
        yield Fixture(_record(f"whole_{name}", whole), want)
        streamed = replace(want, flawed=name in {"broken_arguments", "reasoning_only", "empty"})
        yield Fixture(_record(f"stream_{name}", _joined(_chunks(body)).encode(), streamed=True), streamed)
    for name, (stream, want) in _streams().items():
        yield Fixture(_record(f"stream_{name}", stream.encode(), streamed=True), want)
    for name, (status, told, headers, want) in _refusals().items():
        yield Fixture(_record(f"error_{name}", told.encode(), status=status, headers=headers), want)
    unfinished = json.dumps(_body(_choice("A", finish=None))).encode()
    yield Fixture(_record("whole_no_finish", unfinished), _answer("A"))
    bodies: dict[str, Any] = {
        "page": "<html>Hello</html>",
        "cut": '{"choices": [{"index": 0, "mess',
        "other": '{"a": 1}',
    }
    bodies["no_choices"] = json.dumps(_body())
    for name, told in bodies.items():
        yield Fixture(_record(f"whole_no_answer_{name}", told.encode()), error(503, "all_providers_failed"))


def _record(
    name: str, body: bytes, *, streamed: bool = False, status: int = 200, headers: dict[str, str] | None = None
) -> Record:
    kind = "text/event-stream" if streamed else "application/json"
    about = {"content-type": kind, **(headers or {})}
    return Record(f"o_{name}", "fixtures chat", "openai", "openai_chat", body, streamed, status, about)
