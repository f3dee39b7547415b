"""Messages answers made by hand after the vendor's pages, each with what must arrive, also by hand.

https://platform.claude.com/docs/en/api/messages, .../build-with-claude/streaming, .../api/errors. Every whole answer
is streamed too; what only a stream can be (cut, broken, oddly framed) follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from tests.gates.wire.fixture import Fixture, error
from tests.gates.wire.oracle import Call, Choice, Counts, Expected
from tests.gates.wire.record import Json, Record

_ID_1: Final = "toolu_01AAAAAAAAAAAAAAAAAAAAAA"
_ID_2: Final = "toolu_01BBBBBBBBBBBBBBBBBBBBBB"
_USAGE: Final = {"input_tokens": 11, "output_tokens": 7}
_COUNTS: Final = Counts(11, 7)
_CACHED: Final = {**_USAGE, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
_PATH: Final = {"path": "src/naïve file.py", "lines": [1, 2], "deep": {"a": None, "b": 1.5}}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _use(call_id: str = _ID_1, name: str = "read_file", given: Json = None) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": _PATH if given is None else given}


def _thinking(text: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _message(*content: Json, stop: str | None = "end_turn", usage: Json = None, **more: Json) -> Json:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": list(content)}
    counts = _USAGE if usage is None else usage
    return {**head, "stop_reason": stop, "stop_sequence": None, "usage": counts, **more}


def _answer(text: str = "", *calls: Call, finish: str = "stop", usage: Counts | None = _COUNTS) -> Expected:
    return Expected(choices=[Choice(text, list(calls), finish)], usage=usage)


def _thought(expected: Expected, *thoughts: tuple[str, str, str]) -> Expected:
    expected.thoughts = list(thoughts)
    return expected


_READ: Final = Call("read_file", _PATH, _ID_1)
_LIST: Final = Call("list", {}, _ID_2)
_SEARCH: Final = (
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
)


def _whole_answers() -> dict[str, tuple[Json, Expected]]:
    """Answers that may come in either form."""
    calls = _answer("Both.", _READ, _LIST, finish="tool_calls")
    first, second = _thinking("Let me see.\n", "c2lnbmVk"), _thinking("", "ZW1wdHk=")
    odd = Call("read_file", _PATH, "functions.read:0")
    long = Call("read_file", _PATH, "t" * 41)
    cited = {**_text("It is so."), "citations": [{"type": "char_location", "cited_text": "so", "document_index": 0}]}
    split = {"iterations": [_CACHED, {"input_tokens": 1, "output_tokens": 2}], "input_tokens": 1, "output_tokens": 2}
    return {
        "text": (_message(_text('Hi, wörld 🎉 \u2028 "quoted" \\n')), _answer('Hi, wörld 🎉 \u2028 "quoted" \\n')),
        "two_texts": (_message(_text("One."), _text(" Two.")), _answer("One. Two.")),
        "call": (_message(_use(), stop="tool_use"), _answer("", _READ, finish="tool_calls")),
        "parallel": (_message(_text("Both."), _use(), _use(_ID_2, "list", {}), stop="tool_use"), calls),
        "call_but_end_turn": (_message(_use(), stop="end_turn"), _answer("", _READ, finish="tool_calls")),
        "tool_use_without_call": (_message(_text("Well."), stop="tool_use"), _answer("Well.")),
        "odd_id": (_message(_use("functions.read:0"), stop="tool_use"), _answer("", odd, finish="tool_calls")),
        "long_id": (_message(_use("t" * 41), stop="tool_use"), _answer("", long, finish="tool_calls")),
        "thinking": (
            _message(first, _text("So.")),
            _thought(_answer("So."), ("Let me see.\n", "c2lnbmVk", "")),
        ),
        "thinking_and_call": (
            _message(first, second, _text("I read."), _use(), stop="tool_use"),
            _thought(
                _answer("I read.", _READ, finish="tool_calls"), ("Let me see.\n", "c2lnbmVk", ""), ("", "ZW1wdHk=", "")
            ),
        ),
        "redacted_and_call": (
            _message(first, {"type": "redacted_thinking", "data": "b3BhcXVl"}, _use(), stop="tool_use"),
            _thought(_answer("", _READ, finish="tool_calls"), ("Let me see.\n", "c2lnbmVk", ""), ("", "", "b3BhcXVl")),
        ),
        "thinking_only": (_message(first), _thought(_answer(), ("Let me see.\n", "c2lnbmVk", ""))),
        "empty": (_message(), _answer()),
        "server_tool": (_message(*_SEARCH, cited), _answer("It is so.")),
        "server_tool_only": (_message(*_SEARCH), _answer()),
        "server_and_client_tool": (
            _message(*_SEARCH, _use(), stop="tool_use"),
            _answer("", _READ, finish="tool_calls"),
        ),
        "unknown_block": (_message({"type": "hologram", "points": [1]}, _text("Look.")), _answer("Look.")),
        "max_tokens": (_message(_text("Cut o"), stop="max_tokens"), _answer("Cut o", finish="length")),
        "window": (_message(_text("Full"), stop="model_context_window_exceeded"), _answer("Full", finish="length")),
        "stop_sequence": (_message(_text("A"), stop="stop_sequence", stop_sequence="\n"), _answer("A")),
        "pause_turn": (_message(*_SEARCH, _text("Wait"), stop="pause_turn"), _answer("Wait")),
        "refusal": (
            _message(stop="refusal", stop_details={"type": "refusal", "explanation": "No."}),
            Expected(choices=[Choice(finish="content_filter", refusal="No.")], usage=_COUNTS),
        ),
        "cache_counts": (_message(_text("A"), usage=_CACHED), _answer("A", usage=Counts(131, 7, 100, 20))),
        "iterations": (_message(_text("A"), usage=split), _answer("A", usage=Counts(132, 9, 100, 20))),
        "null_counts": (
            _message(_text("A"), usage={**_USAGE, "cache_read_input_tokens": None}),
            _answer("A"),
        ),
        "no_usage": (_message(_text("A"), usage={}), _answer("A", usage=None)),
    }


def _event(body: Json, *, newline: str = "\n") -> str:
    return f"event: {body['type']}{newline}data: {json.dumps(body, ensure_ascii=False)}{newline}{newline}"


def _pieces(text: str, size: int = 5) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _block_events(index: int, block: Json) -> Iterator[Json]:
    """One block as its events, its content in small pieces."""
    empty: dict[str, Any] = dict(block)
    deltas: list[Json] = []
    match block["type"]:
        case "text":
            empty["text"] = ""
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
            deltas += [{"type": "citations_delta", "citation": one} for one in empty.pop("citations", [])]
        case "thinking":
            empty |= {"thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
            deltas += [{"type": "signature_delta", "signature": block["signature"]}]
        case "tool_use" | "server_tool_use" if block["input"]:
            empty["input"] = {}
            whole = json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_pieces(whole)]]
        case _:
            pass
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _events(message: Json) -> list[Json]:
    """The message as a stream: counts grow, a ping and an event of a later day come in between."""
    usage = message["usage"]
    start = {**usage, **({"output_tokens": 1} if usage else {})}
    start.pop("iterations", None)
    made: list[Json] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": start}},
        {"type": "ping"},
        {"type": "event_of_a_later_day", "index": 0, "delta": {"type": "unheard"}},
    ]
    for index, block in enumerate(message["content"]):
        made += _block_events(index, block)
    ends = ("stop_reason", "stop_sequence", "stop_details")
    delta = {name: message[name] for name in ends if name in message}
    made.append({"type": "message_delta", "delta": delta, **({"usage": usage} if usage else {})})
    return [*made, {"type": "message_stop"}]


def _streams() -> dict[str, tuple[str, Expected]]:
    """What only a stream can be."""
    text = _events(_message(_text("Hello, world")))
    call = _events(_message(_text("I read."), _use(), stop="tool_use"))
    two = _events(_message(_use(), _use(_ID_2, "list", {}), stop="tool_use"))
    thought = _events(_message(_thinking("Hm. Well.", "cw=="), _text("So.")))
    busy = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 5"}}
    cut_call = next(n for n, one in enumerate(call) if one.get("content_block", {}).get("type") == "tool_use") + 1
    cut = error(503, "all_providers_failed", broken_after="Hello, wor")
    cut_text = text[: 3 + 1 + 2]  # head, ping, unknown; block start; two pieces of five letters
    after_call = error(503, "all_providers_failed", broken_after="I read.")
    after_call.choices[0].calls = [Call("read_file", None, _ID_1)]
    inside = error(503, "all_providers_failed", broken_after="I read.")
    inside.choices[0].calls = [Call("read_file", '{"pat', _ID_1)]
    finished = _answer("", _READ, _LIST, finish="tool_calls", usage=None)
    saved_one = _answer("I read.", _READ, finish="tool_calls", usage=None)
    cut.choices[0].text = "Hello, wor"
    overloaded = error(503, "all_providers_failed", "Overloaded")
    late = error(503, "all_providers_failed", "Overloaded", broken_after="Hello, wor")
    truncated = _answer("I read.", Call("read_file", '{"pat', _ID_1), finish="length")
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Whole at once"}}
    named = {"type": "content_block_start", "index": 0, "content_block": _use()}
    end = {"type": "content_block_stop", "index": 0}
    shown = error(503, "all_providers_failed", broken_after="")
    shown.thoughts = []
    return {
        "crlf": (_joined(text, newline="\r\n"), _answer("Hello, world")),
        "comments": (
            ": hello\n\n" + _joined(text).replace("event: ping", ": note\nevent: ping"),
            _answer("Hello, world"),
        ),
        "no_event_lines": (_joined(text).replace("event: message", "x-event: message"), _answer("Hello, world")),
        "done_mark": (_joined(text) + "data: [DONE]\n\n", _answer("Hello, world")),
        "repeated_start": (_joined([text[0], *text]), _answer("Hello, world")),
        "no_message_stop": (_joined(text[:-1]), _answer("Hello, world")),
        "no_message_delta": (_joined([*text[:-2], text[-1]]), _answer("Hello, world", usage=Counts(11, 1))),
        "text_in_start": (_joined([text[0], start, end, *text[-2:]]), _answer("Whole at once")),
        "input_in_start": (_joined([two[0], named, end, *two[-2:]]), _answer("", _READ, finish="tool_calls")),
        "error_at_once": (_joined([busy]), overloaded),
        "error_before_text": (_joined([*text[:3], busy]), overloaded),
        "error_after_text": (_joined([*cut_text, busy]), late),
        "error_after_end": (_joined([*text, busy]), _answer("Hello, world")),
        "error_too_long": (
            _joined([text[0], wrong]),
            error(400, "context_length_exceeded", "prompt is too long: 9 > 5"),
        ),
        "cut_at_once": ("", error(503, "all_providers_failed")),
        "cut_before_text": (_joined(text[:3]), error(503, "all_providers_failed")),
        "cut_after_text": (_joined(cut_text), cut),
        "cut_inside_event": (_joined(cut_text) + 'event: content_block_delta\ndata: {"type": "conte', cut),
        "cut_after_thinking": (_joined(thought[:6]), shown),
        "cut_at_call": (_joined(call[:cut_call]), after_call),
        "cut_inside_call": (_joined(call[: cut_call + 2]), inside),
        "cut_after_call": (_joined(call[:-2]), saved_one),
        "cut_after_calls": (_joined(two[:-2]), finished),
        "error_after_calls": (_joined([*two[:-2], busy]), finished),
        "call_cut_by_max_tokens": (
            _joined(call[: cut_call + 2] + _events(_message(stop="max_tokens"))[-2:]),
            truncated,
        ),
        "no_json": ("event: message_start\ndata: {nonsense\n\n" + _joined(text), error(503, "all_providers_failed")),
    }


def _joined(made: list[Json], *, newline: str = "\n") -> str:
    return "".join(_event(one, newline=newline) for one in made)


def _refusals() -> dict[str, tuple[int, str, dict[str, str], Expected]]:
    def told(kind: str, message: str) -> str:
        return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})

    wait = {"retry-after": "120"}
    key = error(503, "provider_credentials_rejected")
    return {
        "400": (
            400,
            told("invalid_request_error", "messages.0: wrong"),
            {},
            error(400, "invalid_request", "messages.0: wrong"),
        ),
        "400_long": (
            400,
            told("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            {},
            error(400, "context_length_exceeded", "prompt is too long: 210000 tokens > 200000 maximum"),
        ),
        "400_money": (
            400,
            told("invalid_request_error", "Your credit balance is too low to use the API."),
            {},
            error(503, "all_providers_failed", "Your credit balance is too low to use the API."),
        ),
        "401": (401, told("authentication_error", "invalid x-api-key"), {}, key),
        "403": (403, told("permission_error", "Your key may not do this"), {}, key),
        "404": (
            404,
            told("not_found_error", "model: claude-0"),
            {},
            error(404, "model_not_found", "model: claude-0"),
        ),
        "413": (413, told("request_too_large", "Too large"), {}, error(413, "request_too_large", "Too large")),
        "429": (429, told("rate_limit_error", "Slow down"), wait, error(503, "all_providers_failed", "Slow down")),
        "500": (500, told("api_error", "Sorry"), {}, error(503, "all_providers_failed", "Sorry")),
        "529": (529, told("overloaded_error", "Overloaded"), wait, error(503, "all_providers_failed", "Overloaded")),
        "502_page": (502, "<html><title>Bad gateway</title></html>", wait, error(503, "all_providers_failed")),
    }


def fixtures() -> Iterator[Fixture]:
    """All of them."""
    for name, (message, want) in _whole_answers().items():
        whole = json.dumps(message, ensure_ascii=False).encode()
        yield Fixture(_record(f"whole_{name}", whole), want)
        streamed = replace(want, flawed=name in {"thinking_only", "empty"})
        yield Fixture(_record(f"stream_{name}", _joined(_events(message)).encode(), streamed=True), streamed)
    for name, (stream, want) in _streams().items():
        yield Fixture(_record(f"stream_{name}", stream.encode(), streamed=True), want)
    for name, (status, refusal, headers, want) in _refusals().items():
        yield Fixture(_record(f"error_{name}", refusal.encode(), status=status, headers=headers), want)
    bodies = {"page": "<html>Hello</html>", "cut": '{"type": "message", "content": [', "other": '{"type": "pong"}'}
    for name, told in bodies.items():
        yield Fixture(_record(f"whole_no_message_{name}", told.encode()), error(503, "all_providers_failed"))


def _record(
    name: str, body: bytes, *, streamed: bool = False, status: int = 200, headers: dict[str, str] | None = None
) -> Record:
    kind = "text/event-stream; charset=utf-8" if streamed else "application/json"
    about = {"content-type": kind, **(headers or {})}
    return Record(f"a_{name}", "fixtures anthropic", "anthropic", "anthropic", body, streamed, status, about)
