"""What a strict Chat Completions client makes of the gateway's answer, and every promise that the answer breaks.

It knows the protocol (the official SDK's types, one finish, dense indices, the end marker) and nothing of recordings.
``faults`` are named by the check that they fail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import ValidationError

from tests.gates.wire.oracle import Call, Choice, Counts, arguments_of, events
from tests.gates.wire.record import Json


@dataclass(slots=True)
class Heard:
    """An answer as received. ``error`` is the error object, by status or in-band; ``message`` what a client keeps."""

    status: int
    headers: Mapping[str, str]
    choices: list[Choice] = field(default_factory=list)
    usage: Counts | None = None
    error: Json = None
    message: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def fault(self, check: str, why: str) -> None:
        """Note the first thing that is wrong."""
        self.faults.setdefault(check, why[:300])

    @property
    def in_band(self) -> bool:
        """Whether the error came after the head."""
        return self.error is not None and self.status < 400


def listen(status: int, headers: Mapping[str, str], body: bytes, *, streamed: bool) -> Heard:
    """Read one answer."""
    heard = Heard(status, headers)
    try:
        if status >= 400:
            _read_error(heard, json.loads(body))
        elif streamed:
            _Stream(heard).read(body)
        else:
            _read_whole(heard, body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        heard.fault("shape", f"{type(error).__name__}: {error} in {body[:200]!r}")
    return heard


def _read_error(heard: Heard, body: Json) -> None:
    heard.error = body["error"]
    for name in ("message", "type", "code"):
        if not isinstance(heard.error.get(name), str) or not heard.error[name]:
            heard.fault("error_shape", f"{name} is {heard.error.get(name)!r}")
    if "param" not in heard.error:
        heard.fault("error_shape", "no param")


def _read_whole(heard: Heard, body: bytes) -> None:
    try:
        ChatCompletion.model_validate_json(body, strict=True)
    except ValidationError as error:
        heard.fault("types", str(error))
    answer = json.loads(body)
    heard.usage = _counts(answer.get("usage"))
    for number, shown in enumerate(answer["choices"]):
        if shown["index"] != number:
            heard.fault("indices", f"choice {number} has index {shown['index']}")
        message = shown["message"]
        calls = [_call(heard, one) for one in message.get("tool_calls") or ()]
        refusal = message["refusal"] or ""
        heard.choices.append(Choice(message["content"] or "", calls, shown["finish_reason"], refusal))
    heard.message = dict(answer["choices"][0]["message"])


def _call(heard: Heard, shown: Json) -> Call:
    function = shown["function"]
    if shown.get("type") != "function":
        heard.fault("types", "a call without its type")
    if not function["arguments"].strip():
        heard.fault("arguments", "a call whose arguments are no JSON at all: clients parse them")
    return Call(function["name"], arguments_of(function["arguments"]), shown["id"])


def _counts(usage: Json) -> Counts | None:
    if not usage:
        return None
    details = usage.get("prompt_tokens_details") or {}
    return Counts(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        details.get("cached_tokens") or 0,
        details.get("cache_write_tokens") or 0,
    )


class _Stream:
    """One streamed answer, chunk by chunk, as a client appends it."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._texts: dict[int, str] = {}
        self._refusals: dict[int, str] = {}
        self._calls: dict[int, list[dict[str, Any]]] = {}
        self._finishes: dict[int, list[str]] = {}
        self._named: set[tuple[object, object]] = set()
        self._message: dict[str, Any] = {"role": "assistant", "content": ""}

    def read(self, body: bytes) -> None:
        heard = self._heard
        for event in events(body):
            if "error" in event:
                _read_error(heard, event)
            else:
                self._take(event)
        marks = [line for line in body.split(b"\n") if line.startswith(b"data: [DONE]")]
        if heard.error is not None:
            if marks or any(self._finishes.values()):
                heard.fault("done", "an error is followed by a finish or an end marker")
        elif len(marks) != 1 or not body.endswith(b"data: [DONE]\n\n"):
            heard.fault("done", f"{len(marks)} end markers, and the end is {body[-40:]!r}")
        if len(self._named) > 1:
            heard.fault("indices", "chunks of one answer differ in id or model")
        for number in sorted(self._texts.keys() | self._calls.keys() | self._finishes.keys()):
            self._end(number)
        calls = [{key: one[key] for key in ("id", "type", "function")} for one in self._calls.get(0, ())]
        heard.message = {**self._message, **({"tool_calls": calls} if calls else {})}

    def _take(self, chunk: Json) -> None:
        heard = self._heard
        try:
            ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)
        except ValidationError as error:
            heard.fault("types", str(error))
        self._named.add((chunk["id"], chunk["model"]))
        if chunk.get("usage"):
            if heard.usage is not None:
                heard.fault("usage", "counted twice")
            if chunk["choices"]:
                heard.fault("usage", "the usage chunk has choices")
            heard.usage = _counts(chunk["usage"])
        for shown in chunk["choices"]:
            number, delta = shown["index"], shown["delta"]
            if self._finishes.get(number):
                heard.fault("one_finish", "something follows a finish")
            self._texts[number] = self._texts.get(number, "") + (delta.get("content") or "")
            self._refusals[number] = self._refusals.get(number, "") + (delta.get("refusal") or "")
            for piece in delta.get("tool_calls") or ():
                self._add(number, piece)
            if number == 0:
                self._remember(delta)
            if shown["finish_reason"] is not None:
                self._finishes.setdefault(number, []).append(shown["finish_reason"])

    def _add(self, number: int, piece: Json) -> None:
        calls = self._calls.setdefault(number, [])
        index, function = piece["index"], piece.get("function") or {}
        if index == len(calls):
            if not piece.get("id") or piece.get("type") != "function" or not function.get("name"):
                self._heard.fault("indices", "a call begins without its id, type or name")
            name = function.get("name") or ""
            calls.append({"id": piece.get("id"), "type": "function", "function": {"name": name, "arguments": ""}})
        elif index != len(calls) - 1:
            self._heard.fault("indices", f"call {index} follows call {len(calls) - 1}")
            return
        calls[index]["function"]["arguments"] += function.get("arguments") or ""

    def _remember(self, delta: Json) -> None:
        """What clients collect for the next turn: text and reasoning appended, the details as a list of pieces."""
        for name in ("content", "reasoning_content", "reasoning"):
            if delta.get(name):
                self._message[name] = self._message.get(name, "") + delta[name]
        if delta.get("reasoning_details"):
            self._message.setdefault("reasoning_details", []).extend(delta["reasoning_details"])

    def _end(self, number: int) -> None:
        heard, finishes = self._heard, self._finishes.get(number, [])
        if heard.error is None and len(finishes) != 1:
            heard.fault("one_finish", f"choice {number} finishes {len(finishes)} times")
        if number != len(heard.choices):
            heard.fault("indices", f"choice {number} stands where {len(heard.choices)} should")
        calls = [_call(heard, one) for one in self._calls.get(number, ())]
        text, refusal = self._texts.get(number, ""), self._refusals.get(number, "")
        heard.choices.append(Choice(text, calls, finishes[0] if finishes else "", refusal))


def thoughts_of(message: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The reasoning in ``reasoning_details`` as (text, signature, redacted), pieces of one block joined."""
    found: dict[tuple[object, bool], tuple[str, str, str]] = {}
    for detail in message.get("reasoning_details") or ():
        redacted = detail.get("data") or ""
        key = (detail.get("index"), bool(redacted))
        text, signature, hidden = found.get(key, ("", "", ""))
        said = detail.get("text") or detail.get("summary") or ""
        found[key] = (text + said, signature + (detail.get("signature") or ""), hidden + redacted)
    return list(found.values())
