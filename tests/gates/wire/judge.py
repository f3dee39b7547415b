"""Compares what arrived with what must: a verdict of named checks for every record.

Checks named in ``CORE`` are what no client can do without; the others make the difference between core and full.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from tests.gates.wire.heard import Heard, thoughts_of
from tests.gates.wire.oracle import Choice, Expected, arguments_of
from tests.gates.wire.record import Json, Record

CORE: Final = frozenset(
    {
        "reply", "shape", "types", "status", "code", "error_shape", "text", "tools", "arguments", "ids", "finish",
        "usage", "done", "one_finish", "indices",
    }
)  # fmt: skip
_PORTABLE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MINTED: Final = re.compile(r"call_[A-Za-z0-9]{24}")
_NINE: Final = re.compile(r"[A-Za-z0-9]{9}")
# Where a host takes earlier reasoning back, by its own pages.
_TAKEN_BACK: Final = {
    "deepseek": "reasoning_content",
    "groq": "reasoning",
    "openrouter": "reasoning_details",
    "xai": "reasoning_content",
}
_CHAT_FIELDS: Final = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio"})
_SENTINEL: Final = "skip_thought_signature_validator"
_RETRY_MAX_S: Final = 60


@dataclass(slots=True)
class Verdict:
    """The checks made on one record, in order: None when passed, else what was got and what was wanted."""

    checks: dict[str, str | None] = field(default_factory=dict)

    def check(self, name: str, got: object, want: object) -> None:
        """Note whether ``got`` is ``want``; the first failure of a check stays."""
        found = None if got == want else f"got {str(got)[:160]} want {str(want)[:160]}"
        self.checks[name] = self.checks.get(name) or found

    def add(self, other: Verdict, prefix: str) -> None:
        """Take over the checks of ``other``, under names that begin with ``prefix``."""
        self.checks |= {prefix + name: why for name, why in other.checks.items()}

    @property
    def failed(self) -> dict[str, str]:
        """The failed checks."""
        return {name: why for name, why in self.checks.items() if why is not None}

    @property
    def core(self) -> bool:
        """Whether no core check failed."""
        return not CORE & self.failed.keys()

    @property
    def full(self) -> bool:
        """Whether no check failed."""
        return not self.failed


def judge(expected: Expected, heard: Heard) -> Verdict:
    """The first turn."""
    verdict = Verdict(dict(heard.faults))
    for name in ("shape", "types", "error_shape") if heard.error is not None else ("shape", "types"):
        verdict.checks.setdefault(name, None)
    match expected.outcome:
        case "answer" if heard.error is None:
            _judge_answer(expected, heard, verdict)
        case "broken" if heard.in_band:
            text = heard.choices[0].text if heard.choices else ""
            verdict.check("text", expected.choices[0].text.startswith(text), want=True)
            verdict.check("tools", [call for choice in heard.choices for call in choice.calls], [])
            verdict.check("code", heard.error.get("code"), expected.code)
        case "broken" | "refused" if not heard.in_band and heard.error is not None:
            _judge_refusal(expected, heard, verdict)
        case _:
            verdict.check("reply", f"{heard.status} {heard.error}", f"{expected.outcome} {expected.code}")
    return verdict


def _judge_answer(expected: Expected, heard: Heard, verdict: Verdict) -> None:
    want, got = expected.choices, heard.choices
    verdict.check("text", [one.text for one in got], [one.text for one in want])
    verdict.check("tools", _names(got), _names(want))
    verdict.check("arguments", _arguments(got), _arguments(want))
    verdict.check("finish", [one.finish for one in got], [one.finish for one in want])
    ids = [call.id for one in got for call in one.calls]
    verdict.check("ids", [bool(one) for one in ids] + [len(set(ids))], [True] * len(ids) + [len(ids)])
    verdict.check("portable_ids", _right_ids(got, want), [True] * len(ids))
    offered = {call.name for one in want for call in one.calls}
    verdict.check("phantom", [call.name for one in got for call in one.calls if call.name not in offered], [])
    verdict.check("refusal", [one.refusal for one in got], [one.refusal for one in want])
    _judge_usage(expected, heard, verdict)
    thoughts = thoughts_of(heard.message)
    if expected.flawed and thoughts == expected.thoughts * 2:
        thoughts = expected.thoughts
    verdict.check("thinking", _texts(thoughts), _texts(expected.thoughts))
    verdict.check("signatures", _signed(thoughts), _signed(expected.thoughts))


def _judge_usage(expected: Expected, heard: Heard, verdict: Verdict) -> None:
    got, want = heard.usage, expected.usage
    if got is None or want is None or (expected.flawed and got.prompt != want.prompt):
        verdict.check("usage", got is not None and got.prompt > 0, want=True)  # an estimate is never nothing
        return
    verdict.check("usage", (got.prompt, got.completion), (want.prompt, want.completion))
    verdict.check("cache_counts", (got.cached, got.written), (want.cached, want.written))


def _judge_refusal(expected: Expected, heard: Heard, verdict: Verdict) -> None:
    verdict.check("status", heard.status, expected.status)
    verdict.check("code", heard.error["code"], expected.code)
    words = re.sub(r"\S*\*\S*|\bsk-\S+", "", expected.words)[
        :60
    ]  # keys in a message are hidden, and so is what is near
    verdict.check("message", words.split(" ")[0] in heard.error["message"], want=True)
    again = heard.headers.get("x-should-retry")
    if heard.status != 503:
        verdict.check("retry", again, "false")
    elif again == "true":
        verdict.check("retry", 0 < float(heard.headers.get("retry-after", 0)) < _RETRY_MAX_S, want=True)
    else:
        verdict.check("retry", (again, heard.headers.get("retry-after")), ("false", None))


def _names(choices: list[Choice]) -> list[list[str]]:
    return [[call.name for call in one.calls] for one in choices]


def _arguments(choices: list[Choice]) -> list[list[Json]]:
    return [[call.arguments for call in one.calls] for one in choices]


def _right_ids(got: list[Choice], want: list[Choice]) -> list[bool]:
    """Whether each call has its provider's own id, when that travels and is new in this answer, or else one of ours."""
    right: list[bool] = []
    seen: set[str] = set()
    for mine, theirs in zip(got, want, strict=False):
        for shown, native in zip(mine.calls, theirs.calls, strict=False):
            is_kept = bool(_PORTABLE.fullmatch(native.id)) and native.id not in seen
            right.append(shown.id == native.id if is_kept else bool(_MINTED.fullmatch(shown.id)))
            seen.add(shown.id)
    return right


def _texts(thoughts: list[tuple[str, str, str]]) -> str:
    return "".join(text for text, _, _ in thoughts)


def _signed(thoughts: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(signature, redacted) for _, signature, redacted in thoughts if signature or redacted]


# ---- the second turn ------------------------------------------------------------------------------------------------
def judge_return(record: Record, expected: Expected, heard: Heard, sent: Json, *, echoed: bool) -> Verdict:
    """What the provider got when the answer came back as history; ``echoed``: with its reasoning."""
    verdict = Verdict()
    verdict.check("sent", sent is not None, want=True)
    if sent is not None and record.dialect == "anthropic":
        _judge_anthropic_return(expected, heard, sent, verdict)
        _judge_thinking(sent["messages"], expected.thoughts if echoed else [], verdict)
    elif sent is not None and record.dialect == "gemini":
        _judge_gemini_return(expected, heard, sent, verdict, echoed=echoed)
    elif sent is not None:
        _judge_chat_return(record.provider, expected, heard, sent, verdict, echoed=echoed)
    return verdict


def _judge_anthropic_return(expected: Expected, heard: Heard, sent: Json, verdict: Verdict) -> None:
    messages = [{**one, "content": _blocks(one["content"])} for one in sent["messages"]]
    calling = [n for n, one in enumerate(messages) if any(block["type"] == "tool_use" for block in one["content"])]
    verdict.check("pairing", len(calling), 1)
    if len(calling) != 1:
        return
    said = messages[calling[0]]["content"]
    answered = messages[calling[0] + 1]["content"] if calling[0] + 1 < len(messages) else []
    uses = [block for block in said if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in answered if block["type"] == "tool_result"]
    verdict.check("pairing", results, [block["id"] for block in uses])
    verdict.check("order", [one["type"] for one in answered[: len(results)]], ["tool_result"] * len(results))
    _judge_calls(expected, heard, [(use["id"], use["name"], use["input"]) for use in uses], verdict)
    texts = [block["text"] for block in said if block["type"] == "text"]
    verdict.check("text", "".join(texts).strip(), expected.choices[0].text.strip())
    verdict.check("empty_text", [text for text in texts if not text.strip()], [])


def _judge_thinking(messages: list[Json], thoughts: list[tuple[str, str, str]], verdict: Verdict) -> None:
    """Signed and opaque blocks come back as they were, before the calls; nothing else is thinking."""
    blocks = [block for one in messages if one["role"] == "assistant" for block in _blocks(one["content"])]
    is_thought = [block["type"] in {"thinking", "redacted_thinking"} for block in blocks]
    got = [
        (block.get("thinking", ""), block.get("signature", ""), block.get("data", ""))
        for block, is_one in zip(blocks, is_thought, strict=True)
        if is_one
    ]
    verdict.check("thinking", got, [thought for thought in thoughts if thought[1] or thought[2]])
    if any(is_thought):
        verdict.check("thinking_first", is_thought[0], want=True)
        verdict.check("call_last", blocks[-1]["type"], "tool_use")


def _blocks(content: Json) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _judge_gemini_return(expected: Expected, heard: Heard, sent: Json, verdict: Verdict, *, echoed: bool) -> None:
    """Calls and results in turns of their own, paired by id and name; signatures where they were, or the sentinel."""
    turns = sent["contents"]
    calling = [n for n, one in enumerate(turns) if any("functionCall" in part for part in one["parts"])]
    verdict.check("pairing", len(calling), 1)
    if len(calling) != 1:
        return
    said = [part for part in turns[calling[0]]["parts"] if "functionCall" in part]
    calls = [part["functionCall"] for part in said]
    answered = turns[calling[0] + 1]["parts"] if calling[0] + 1 < len(turns) else []
    results = [part["functionResponse"] for part in answered if "functionResponse" in part]
    pairs = [(one["id"], one["name"]) for one in results]
    verdict.check("pairing", pairs, [(one["id"], one["name"]) for one in calls])
    _judge_calls(expected, heard, [(one["id"], one["name"], one["args"]) for one in calls], verdict)
    texts = [part["text"] for part in turns[calling[0]]["parts"] if "text" in part]
    verdict.check("text", "".join(texts).strip(), expected.choices[0].text.strip())
    got = [part.get("thoughtSignature") for part in turns[calling[0]]["parts"] if part.get("thoughtSignature")]
    signed = [thought[2] for thought in expected.thoughts if thought[2]] if echoed else []
    verdict.check("signatures", sorted(got), sorted(signed) if signed else [_SENTINEL])
    verdict.check("first_signed", bool(said[0].get("thoughtSignature")), want=True)


def _text_of(content: Json) -> str:
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    return "".join(part["text"] for part in parts if part["type"] == "text")


def _judge_chat_return(
    provider: str, expected: Expected, heard: Heard, sent: Json, verdict: Verdict, *, echoed: bool
) -> None:
    messages = sent["messages"]
    calling = [n for n, one in enumerate(messages) if one.get("tool_calls")]
    verdict.check("pairing", len(calling), 1)
    if len(calling) != 1:
        return
    calls = messages[calling[0]]["tool_calls"]
    results = [one.get("tool_call_id") for one in messages[calling[0] + 1 :] if one["role"] == "tool"]
    verdict.check("pairing", results, [call["id"] for call in calls])
    is_text = [isinstance(call["function"]["arguments"], str) for call in calls]
    verdict.check("arguments_are_text", is_text, [True] * len(calls))
    parsed = [(one["id"], one["function"]["name"], arguments_of(one["function"]["arguments"])) for one in calls]
    if provider == "mistral":
        _judge_nines(heard, [call["id"] for call in calls], verdict)
    _judge_calls(expected, heard, parsed, verdict, own_ids=provider == "mistral")
    turn = messages[calling[0]]
    verdict.check("text", _text_of(turn.get("content")), expected.choices[0].text)
    if provider == "deepseek":
        verdict.check("reasoning", bool(turn.get("reasoning_content", "").strip()), want=True)
    if provider == "openrouter":
        verdict.check("reasoning", _signed(thoughts_of(turn)), _signed(expected.thoughts) if echoed else [])
    unknown = {name for one in messages for name in one} - _CHAT_FIELDS - {_TAKEN_BACK.get(provider, "")}
    verdict.check("unknown_fields", unknown, set())


def _judge_nines(heard: Heard, sent: list[str], verdict: Verdict) -> None:
    """Mistral takes nine letters or digits; an id of that form stays."""
    shown = [call.id for call in heard.choices[0].calls]
    fits = [bool(_NINE.fullmatch(one)) for one in shown]
    verdict.check("ids", [bool(_NINE.fullmatch(one)) for one in sent], [True] * len(shown))
    kept = [one for one, fit in zip(shown, fits, strict=True) if fit]
    verdict.check("ids_kept", [one for one, fit in zip(sent, fits, strict=True) if fit], kept)


def _judge_calls(
    expected: Expected, heard: Heard, sent: list[tuple[str, str, Json]], verdict: Verdict, *, own_ids: bool = False
) -> None:
    want = expected.choices[0].calls
    calls = [(name, arguments) for _, name, arguments in sent]
    verdict.check("calls", calls, [(call.name, call.arguments) for call in want])
    shown = [call.id for call in heard.choices[0].calls]
    if not own_ids:
        verdict.check("ids", [call_id for call_id, _, _ in sent], shown)
    verdict.check("unique_ids", len({call_id for call_id, _, _ in sent}), len(sent))
