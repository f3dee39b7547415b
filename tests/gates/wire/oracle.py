"""What a client must see of a recorded answer, computed from the recording alone: no code of the product is used here.

Sources: the vendors' pages on messages, streaming and errors, and the documented rules of the gateway (docs/errors.md;
one candidate, so nobody else is asked): an answer that its provider finished is delivered as it is; one that broke is
delivered when it ends in complete calls, else it is an error, in-band when something had been shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from tests.gates.wire.record import Json, Record

Outcome = Literal["answer", "refused", "broken"]

_ANTHROPIC_FINISH: Final = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_GEMINI_FINISH: Final = {
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "BLOCKLIST": "content_filter",
    "SPII": "content_filter",
    "2": "length",  # the enum's number
}
_GEMINI_BROKEN: Final = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})
_CHAT_FINISH: Final = {"length": "length", "model_length": "length", "content_filter": "content_filter"}
_OVERFLOW: Final = re.compile(
    r"prompt is too long|context_length_exceeded|maximum context length|input token count .* exceeds", re.IGNORECASE
)
_BILLING: Final = re.compile(r"credit balance is too low|insufficient_quota", re.IGNORECASE)
_NO_MODEL: Final = re.compile(r"not_found_error|model_not_found", re.IGNORECASE)
_TOOL_FAILED: Final = re.compile(r"tool_use_failed|output_parse_failed|json_validate_failed")
_IN_BAND_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "request_too_large": 413,
}


@dataclass(slots=True)
class Call:
    """A call of a client tool. ``arguments`` is decoded, or the text when that is no JSON."""

    name: str
    arguments: Json
    id: str


@dataclass(slots=True)
class Choice:
    """One of the answers asked for. ``refusal`` is what the model says instead of an answer."""

    text: str = ""
    calls: list[Call] = field(default_factory=list)
    finish: str = "stop"
    refusal: str = ""


@dataclass(slots=True)
class Counts:
    """Tokens as the gateway shows them: ``prompt`` contains what was read from and written to the cache."""

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0


@dataclass(slots=True)
class Expected:
    """``usage`` None: nobody counted, an estimate is shown. ``thoughts`` are (text, signature, redacted).

    ``status`` and ``code`` are those of an error; ``words`` must occur in its message. ``broken``: an error of that
    kind, or the same in-band after a prefix of the text. ``flawed``: a finished stream that says nothing or whose call
    is no JSON is asked for once more before it is delivered, so that its reasoning may have been shown twice and what
    follows its finish (the counts) need not have been read.
    """

    outcome: Outcome = "answer"
    choices: list[Choice] = field(default_factory=lambda: [Choice()])
    thoughts: list[tuple[str, str, str]] = field(default_factory=list)
    usage: Counts | None = None
    status: int = 200
    code: str = ""
    words: str = ""
    flawed: bool = False


@dataclass(slots=True)
class _Said:
    """A recording, read: everything it says before it is judged."""

    choices: dict[int, Choice] = field(default_factory=dict)
    thoughts: list[tuple[str, str, str]] = field(default_factory=list)
    usage: Counts | None = None
    finished: bool = False
    error: str | None = None
    useful: bool = False
    shows: bool = False  # blocks that no client of another dialect can be shown


def expected(record: Record) -> Expected:
    """What must arrive."""
    if record.status >= 400:
        return _refused(record.status, record.body.decode("utf-8", "replace"))
    try:
        said = _READERS[record.dialect, record.streamed](record)
    except json.JSONDecodeError:
        return _refused(503, "")
    choices = [said.choices[number] for number in sorted(said.choices)] or [Choice()]
    complete_calls = bool(choices[0].calls) and all(_is_complete(call) for call in choices[0].calls)
    if said.finished and said.error is None:
        for choice in choices:
            choice.finish = "tool_calls" if choice.calls and choice.finish == "stop" else choice.finish
        return Expected("answer", choices, said.thoughts, said.usage, flawed=record.streamed and _is_flawed(said))
    if complete_calls:
        choices[0].finish = "tool_calls"
        return Expected("answer", choices, said.thoughts)
    error = _refused(_IN_BAND_STATUS.get(_kind(said.error), 503), said.error or "")
    if record.streamed and said.useful:
        error.outcome, error.choices = "broken", choices
    return error


def _refused(status: int, told: str) -> Expected:
    """The error that a caller gets for an upstream ``status`` (docs/errors.md)."""
    message = _message(told)
    if _OVERFLOW.search(told):
        return Expected("refused", status=400, code="context_length_exceeded", words=message)
    if status == 413:
        return Expected("refused", status=413, code="request_too_large", words=message)
    rejected = status in {401, 403} and not _BILLING.search(told)
    if rejected:
        return Expected("refused", status=503, code="provider_credentials_rejected")
    if (status == 404 or _NO_MODEL.search(told)) and not _BILLING.search(told):
        return Expected("refused", status=404, code="model_not_found", words=message)
    elsewhere = "RESOURCE_EXHAUSTED" in told or _BILLING.search(told) or _TOOL_FAILED.search(told)
    if status in {400, 422} and message and not elsewhere:
        return Expected("refused", status=400, code="invalid_request", words=message)
    return Expected("refused", status=503, code="all_providers_failed", words=message)


def _error_of(told: str) -> Json:
    try:
        body = json.loads(told)
    except json.JSONDecodeError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _message(told: str) -> str:
    message = _error_of(told).get("message")
    return message if isinstance(message, str) else ""


def _kind(told: str | None) -> str:
    return str(_error_of(told or "").get("type"))


def _is_flawed(said: _Said) -> bool:
    choices = list(said.choices.values())
    if any(choice.finish in {"length", "content_filter"} for choice in choices):
        return False
    calls = [call for choice in choices for call in choice.calls]
    is_silent = not calls and not said.shows and not any(choice.text or choice.refusal for choice in choices)
    return is_silent or not all(isinstance(call.arguments, dict) for call in calls)


def _is_complete(call: Call) -> bool:
    return bool(call.name) and isinstance(call.arguments, dict)


def events(body: bytes) -> Iterator[Json]:
    """The JSON events of an event stream, without its end marker; a cut last event is none."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    *blocks, rest = text.split("\n\n")
    for block in [*blocks, rest]:
        told = "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:"))
        if not told.strip() or told.strip() == "[DONE]":
            continue
        try:
            yield json.loads(told)
        except json.JSONDecodeError:
            if block is not rest:
                raise
            return


def arguments_of(text: str) -> Json:
    """Arguments decoded; no arguments at all are the empty object, and what is no JSON stays text."""
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


# ---- Anthropic Messages ---------------------------------------------------------------------------------------------
def _anthropic_whole(record: Record) -> _Said:
    body = json.loads(record.body)
    if not isinstance(body, dict) or body.get("type") != "message":
        return _Said(error=json.dumps(body))
    said = _Said(finished=True)
    blocks = [{**block, "arguments": json.dumps(block.get("input") or {})} for block in body["content"]]
    _take_blocks(said, blocks, body.get("stop_reason"))
    said.choices[0].refusal = _explanation(body)
    said.usage = _anthropic_counts(body.get("usage") or {})
    return said


def _anthropic_stream(record: Record) -> _Said:
    said = _Said()
    blocks: list[dict[str, Any]] = []
    by_index: dict[int, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    stop, why = None, ""
    for event in events(record.body):
        match event.get("type"):
            case "message_start":
                usage.update(_known(event["message"].get("usage")))
            case "content_block_start":
                block = by_index[event["index"]] = {"arguments": "", **event["content_block"]}
                blocks.append(block)
            case "content_block_delta":
                _add_delta(by_index[event["index"]], event["delta"])
            case "content_block_stop":
                _close(by_index[event["index"]])
            case "message_delta":
                stop = event["delta"].get("stop_reason") or stop
                usage.update(_known(event.get("usage")))
                why = why or _explanation(event["delta"])
                said.finished = said.finished or stop is not None
            case "message_stop":
                said.finished = True
            case "error" if not said.finished:
                said.error = json.dumps(event)
                break
    if said.finished and stop not in _ANTHROPIC_FINISH:
        for block in blocks:
            _close(block)
    _take_blocks(said, blocks, stop)
    said.choices[0].refusal = why
    said.usage = _anthropic_counts(usage)
    return said


def _explanation(ended: Json) -> str:
    return (ended.get("stop_details") or {}).get("explanation") or "" if ended.get("stop_reason") == "refusal" else ""


def _known(counts: Json) -> dict[str, Any]:
    return {name: count for name, count in (counts or {}).items() if count is not None}


def _add_delta(block: dict[str, Any], delta: Json) -> None:
    names = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
    if delta["type"] in names:
        name = names[delta["type"]]
        block[name] = (block.get(name) or "") + (delta.get(name) or "")
    elif delta["type"] == "input_json_delta":
        block["arguments"] += delta["partial_json"]


def _close(block: dict[str, Any]) -> None:
    if block["type"] == "tool_use" and not block["arguments"]:
        block["arguments"] = json.dumps(block.get("input") or {})


def _take_blocks(said: _Said, blocks: list[dict[str, Any]], stop: str | None) -> None:
    choice = said.choices[0] = Choice(finish=_ANTHROPIC_FINISH.get(stop or "", "stop"))
    for block in blocks:
        match block["type"]:
            case "text":
                choice.text += block.get("text") or ""
                said.useful = said.useful or bool(block.get("text"))
            case "thinking":
                thought = (block.get("thinking") or "", block.get("signature") or "", "")
                said.thoughts += [thought] if any(thought) else []
                said.useful = said.useful or any(thought)
            case "redacted_thinking":
                said.thoughts.append(("", "", block["data"]))
                said.useful = True
            case "tool_use":
                text = block["arguments"]
                # Cut before its first piece a call is not one without arguments.
                arguments = arguments_of(text) if text or said.finished else None
                choice.calls.append(Call(block["name"], arguments, block["id"]))
                said.useful = True
            case _:
                said.useful = said.shows = True


def _anthropic_counts(usage: dict[str, Any]) -> Counts | None:
    """Disjoint classes made into sums; ``iterations`` are what is billed where there are any."""
    parts = usage.get("iterations") or [usage]
    if not any(_known(part) for part in parts):
        return None
    cached = sum(part.get("cache_read_input_tokens") or 0 for part in parts)
    written = sum(part.get("cache_creation_input_tokens") or 0 for part in parts)
    fresh = sum(part.get("input_tokens") or 0 for part in parts)
    return Counts(fresh + cached + written, sum(part.get("output_tokens") or 0 for part in parts), cached, written)


# ---- Chat Completions -----------------------------------------------------------------------------------------------
def _chat_whole(record: Record) -> _Said:
    body = json.loads(record.body)
    if not isinstance(body, dict) or not body.get("choices"):
        return _Said(error=json.dumps(body))
    said = _Said(finished=True, usage=_chat_counts(body.get("usage")))
    for shown in body["choices"]:
        choice = said.choices[shown.get("index") or 0] = Choice(finish=_chat_finish(shown.get("finish_reason")))
        message = shown.get("message") or {}
        thought = _take_content(choice, message)
        if not shown.get("index"):
            said.thoughts += _detailed(message.get("reasoning_details") or (), thought)
        made = list(message.get("tool_calls") or ())
        made += [{"function": message["function_call"]}] if message.get("function_call") else []
        for call in made:
            function = call["function"]
            choice.calls.append(Call(function["name"], _arguments(function.get("arguments")), call.get("id") or ""))
    return said


def _chat_stream(record: Record) -> _Said:
    said = _Said()
    pieces: dict[int, list[dict[str, Any]]] = {}
    thought = ""
    details: list[Json] = []
    finished: set[int] = set()
    marked = re.search(rb"^data: ?\[DONE\]", record.body, re.MULTILINE) is not None
    for event in events(record.body):
        if event.get("error") and not finished:
            said.error = json.dumps(event)
            break
        counted = _chat_counts(event.get("usage") or (event.get("x_groq") or {}).get("usage"))
        said.usage = counted or said.usage
        for shown in event.get("choices") or ():
            number = shown.get("index") or 0
            choice = said.choices.setdefault(number, Choice())
            delta = shown.get("delta") or {}
            piece = _take_content(choice, delta)
            thought += "" if number else piece
            details += [] if number else delta.get("reasoning_details") or []
            made = list(delta.get("tool_calls") or ())
            made += [{"function": delta["function_call"]}] if delta.get("function_call") else []
            _add_calls(pieces.setdefault(number, []), made)
            said.useful = said.useful or bool(choice.text or piece or made or delta.get("refusal"))
            if shown.get("finish_reason"):
                finished.add(number)
                choice.finish = _chat_finish(shown["finish_reason"])
    said.thoughts = _detailed(details, thought)
    for number, calls in pieces.items():
        # Of a call that was not finished nobody knows whether it has no arguments or lost them.
        known = marked or number in finished
        made_calls = [Call(one["name"], _arguments(one["arguments"], cut=not known), one["id"]) for one in calls]
        said.choices[number].calls = made_calls
    unfinished = [said.choices[number] for number in said.choices.keys() - finished]
    said.finished = bool(said.choices) and all(marked and one.text and not one.calls for one in unfinished)
    return said


def _take_content(choice: Choice, shown: Json) -> str:
    """Add the text of a message or delta to ``choice``; its reasoning."""
    content = shown.get("content")
    thought = shown.get("reasoning_content") or shown.get("reasoning") or ""
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "text":
            choice.text += part["text"]
        elif part.get("type") == "thinking":
            thought += "".join(inner.get("text", "") for inner in part["thinking"])
    choice.text += content if isinstance(content, str) else ""
    choice.refusal += shown.get("refusal") or ""
    return thought if isinstance(thought, str) else ""


def _detailed(details: Iterable[Json], plain: str) -> list[tuple[str, str, str]]:
    """Thoughts as OpenRouter details them, pieces of one block joined; the plain text where there are no details.

    https://openrouter.ai/docs/use-cases/reasoning-tokens: an entry is readable or encrypted, ``index`` tells blocks
    apart.
    """
    found: dict[tuple[object, object], tuple[str, str, str]] = {}
    for detail in details:
        data = detail.get("data") or ""
        key = (detail.get("index"), detail.get("id") if data else "readable")
        text, signature, hidden = found.get(key, ("", "", ""))
        said = detail.get("text") or detail.get("summary") or ""
        found[key] = (text + said, signature + (detail.get("signature") or ""), hidden + data)
    kept = [thought for thought in found.values() if any(thought)]
    if any(text for text, _, _ in kept) or not plain:
        return kept
    return [*kept, (plain, "", "")]


def _add_calls(calls: list[dict[str, Any]], pieces: list[Json]) -> None:
    """Put pieces to their calls: by index; another id at a used index, or no index, begins another call."""
    for piece in pieces:
        function = piece.get("function") or {}
        index, call_id, arguments = piece.get("index"), piece.get("id") or "", function.get("arguments") or ""
        arguments = json.dumps(arguments) if isinstance(arguments, dict) else arguments
        call = next((one for one in reversed(calls) if one["index"] == index), None)
        if call is None or (function.get("name") and call_id and call["id"] not in {"", call_id}):
            calls.append({"index": index, "id": call_id, "name": function.get("name") or "", "arguments": arguments})
            continue
        call["id"] = call["id"] or call_id
        call["name"] = call["name"] or function.get("name") or ""
        call["arguments"] += arguments


def _arguments(text: Json, *, cut: bool = False) -> Json:
    if isinstance(text, dict):
        return text
    return None if cut and not text else arguments_of(text or "")


def _chat_finish(reason: str | None) -> str:
    return _CHAT_FINISH.get(reason or "", "stop")


def _chat_counts(usage: Json) -> Counts | None:
    if not usage or usage.get("prompt_tokens") is None:
        return None
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or usage.get("num_cached_tokens") or 0
    written = details.get("cache_write_tokens") or 0
    prompt, completion = usage["prompt_tokens"], usage.get("completion_tokens") or 0
    beside = (usage.get("total_tokens") or 0) - prompt - completion
    if beside and beside == (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"):
        completion += beside  # https://docs.x.ai: a completion without its reasoning, a total with it
    elif beside and beside == details.get("audio_tokens"):
        prompt += beside  # https://docs.mistral.ai: spoken input beside the text
    written = min(written, max(0, prompt - cached))  # the prompt holds both, and no token is in two classes
    return Counts(prompt, completion, cached, written)


# ---- Gemini ---------------------------------------------------------------------------------------------------------
def _gemini_whole(record: Record) -> _Said:
    body = json.loads(record.body)
    said = _gemini(body if isinstance(body, list) else [body])
    said.finished = said.finished or (isinstance(body, dict) and bool(body.get("candidates")))
    if not said.finished and said.error is None:
        said.error = ""
    return said


def _gemini_stream(record: Record) -> _Said:
    return _gemini(list(events(record.body)))


def _gemini(chunks: list[Json]) -> _Said:
    """Chunks of an answer. A signature is an opaque thought of its own, what shows thoughts is text."""
    said = _Said()
    usage: dict[str, Any] = {}
    in_thought = False
    for chunk in chunks:
        if chunk.get("error"):
            said.error = json.dumps(chunk)
            break
        usage.update(_known(chunk.get("usageMetadata")))
        if (chunk.get("promptFeedback") or {}).get("blockReason") and not chunk.get("candidates"):
            said.choices[0] = Choice(finish="content_filter", refusal=_blocked(chunk["promptFeedback"]))
            said.finished = True
        for candidate in chunk.get("candidates") or ():
            choice = said.choices.setdefault(candidate.get("index") or 0, Choice())
            for part in (candidate.get("content") or {}).get("parts") or ():
                in_thought = _take_part(said, choice, part, in_thought=in_thought)
            _end_candidate(said, choice, candidate)
    for choice in said.choices.values():
        for call in choice.calls:
            call.arguments = call.arguments or {}
    counted = usage.get("promptTokenCount") is not None or usage.get("candidatesTokenCount") is not None
    said.usage = _gemini_counts(usage) if counted else None
    return said


def _blocked(feedback: Json) -> str:
    return feedback.get("blockReasonMessage") or f"The prompt was blocked: {feedback['blockReason']}"


def _take_part(said: _Said, choice: Choice, part: Json, *, in_thought: bool) -> bool:
    """Add one part; whether it shows a thought that the next part may continue."""
    signature = part.get("thoughtSignature")
    said.useful = True
    if "functionCall" in part:
        call = part["functionCall"]
        if call.get("name") or not choice.calls:
            choice.calls.append(Call(call.get("name") or "", call.get("args") or {}, call.get("id") or ""))
        for piece in call.get("partialArgs") or ():
            _set_at(choice.calls[-1].arguments, piece)
    elif part.get("thought"):
        if in_thought:
            said.thoughts[-1] = (said.thoughts[-1][0] + part.get("text", ""), "", "")
        elif part.get("text"):
            said.thoughts.append((part["text"], "", ""))
        in_thought = in_thought or bool(part.get("text"))
    elif "text" in part:
        choice.text += part["text"]
    elif set(part) != {"thoughtSignature"}:
        said.shows = True
        signature = None
    if signature:
        said.thoughts.append(("", "", signature))
    return in_thought and bool(part.get("thought")) and not signature


def _set_at(arguments: Json, piece: Json) -> None:
    """A value at a path of names and positions; a text at the same path is continued."""
    steps: list[Any] = [int(at) if at else name for name, at in re.findall(r"\.(\w+)|\[(\d+)\]", piece["jsonPath"])]
    value = next((piece[key] for key in ("stringValue", "numberValue", "boolValue") if key in piece), None)
    place = arguments
    for step, following in pairwise(steps):
        fresh: Json = [] if isinstance(following, int) else {}
        if isinstance(place, list) and step == len(place):
            place.append(fresh)
        place = place[step] if isinstance(place, list) else place.setdefault(step, fresh)
    if isinstance(place, list):
        place += [""] * (steps[-1] + 1 - len(place))
        place[steps[-1]] = place[steps[-1]] + value if place[steps[-1]] else value
    else:
        place[steps[-1]] = place[steps[-1]] + value if isinstance(place.get(steps[-1]), str) else value


def _end_candidate(said: _Said, choice: Choice, candidate: Json) -> None:
    reason = candidate.get("finishReason")
    if reason in _GEMINI_BROKEN:
        said.error = json.dumps({"error": {"message": ""}})
    elif reason:
        said.finished = True
        choice.finish = _GEMINI_FINISH.get(str(reason), "stop")
        if choice.finish == "content_filter":
            choice.refusal = candidate.get("finishMessage") or ""


def _gemini_counts(usage: dict[str, Any]) -> Counts:
    prompt = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    written = (usage.get("candidatesTokenCount") or 0) + (usage.get("thoughtsTokenCount") or 0)
    return Counts(prompt, written, usage.get("cachedContentTokenCount") or 0)


_READERS: Final = {
    ("anthropic", False): _anthropic_whole,
    ("anthropic", True): _anthropic_stream,
    ("openai_chat", False): _chat_whole,
    ("openai_chat", True): _chat_stream,
    ("gemini", False): _gemini_whole,
    ("gemini", True): _gemini_stream,
}
