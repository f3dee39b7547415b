"""Compares what arrived with what must: a verdict of named checks for every record.

Checks named in ``CORE`` are what no client can do without; the others make the difference between core and full.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.gates.wire.heard import Heard, thoughts_of
from tests.gates.wire.oracle import Call, Choice, Expected, arguments_of
from tests.gates.wire.record import Json, Record

CORE: Final = frozenset(
    {
        "reply", "shape", "types", "status", "code", "error_shape", "text", "tools", "arguments", "ids", "finish",
        "usage", "done", "one_finish", "indices",
    }
)  # fmt: skip
_PORTABLE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MINTED: Final = re.compile(r"call_[A-Za-z0-9]{24}")
_CHAT_FIELDS: Final = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio"})
_RETRY_MAX_S: Final = 60


@dataclass(slots=True)
class Verdict:
    """The checks made on one record, in order: None when passed, else what was got and what was wanted."""

    checks: dict[str, str | None] = field(default_factory=dict)

    def check(self, name: str, got: object, want: object) -> None:
        """Note whether ``got`` is ``want``; the first failure of a check stays."""
        found = None if got == want else f"got {str(got)[:160]} want {str(want)[:160]}"
        self.checks[name] = self.checks.get(name) or found

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
    verdict.check("portable_ids", [_is_right_id(call, ids) for call in _pairs(got, want)], [True] * len(ids))
    verdict.check("phantom", {name for one in _names(got) for name in one} - {n for one in _names(want) for n in one}, set())
    _judge_usage(expected, heard, verdict)
    thoughts = thoughts_of(heard.message)
    verdict.check("thinking", _texts(thoughts), _texts(expected.thoughts))
    verdict.check("signatures", _signed(thoughts), _signed(expected.thoughts))


def _judge_usage(expected: Expected, heard: Heard, verdict: Verdict) -> None:
    got, want = heard.usage, expected.usage
    if got is None or want is None:
        verdict.check("usage", got is not None and got.prompt > 0, want=True)  # an estimate is never nothing
        return
    verdict.check("usage", (got.prompt, got.completion), (want.prompt, want.completion))
    verdict.check("cache_counts", (got.cached, got.written), (want.cached, want.written))


def _judge_refusal(expected: Expected, heard: Heard, verdict: Verdict) -> None:
    verdict.check("status", heard.status, expected.status)
    verdict.check("code", heard.error["code"], expected.code)
    words = re.sub(r"\S*\*\S*|\bsk-\S+", "", expected.words)[:60]  # keys in a message are hidden, and so is what is near
    verdict.check("message", words.split(" ")[0] in heard.error["message"], want=True)
    again = heard.headers.get("x-should-retry")
    if heard.status != 503:  # noqa: PLR2004
        verdict.check("retry", again, "false")
    elif again == "true":
        verdict.check("retry", 0 < float(heard.headers.get("retry-after", 0)) < _RETRY_MAX_S, want=True)
    else:
        verdict.check("retry", (again, heard.headers.get("retry-after")), ("false", None))


def _names(choices: list[Choice]) -> list[list[str]]:
    return [[call.name for call in one.calls] for one in choices]


def _arguments(choices: list[Choice]) -> list[list[Json]]:
    return [[call.arguments for call in one.calls] for one in choices]


def _pairs(got: list[Choice], want: list[Choice]) -> list[tuple[Call, Call]]:
    return [
        pair for mine, theirs in zip(got, want, strict=False) for pair in zip(mine.calls, theirs.calls, strict=False)
    ]


def _is_right_id(pair: tuple[Call, Call], ids: list[str]) -> bool:
    """The provider's own id when it travels and was not seen before, else one of ours."""
    shown, native = pair[0].id, pair[1].id
    return shown == native if _PORTABLE.fullmatch(native) and native in ids else bool(_MINTED.fullmatch(shown))


def _texts(thoughts: list[tuple[str, str, str]]) -> str:
    return "".join(text for text, _, _ in thoughts)


def _signed(thoughts: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(signature, redacted) for _, signature, redacted in thoughts if signature or redacted]


# ---- the second turn ------------------------------------------------------------------------------------------------
def judge_return(record: Record, expected: Expected, heard: Heard, sent: Json, mode: str, verdict: Verdict) -> None:
    """What the provider got when the answer came back as history; ``mode`` full echoes reasoning, minimal does not."""
    verdict.check(f"{mode}_sent", sent is not None, want=True)
    if sent is not None:
        _RETURNS[record.dialect](expected, heard, sent, mode, verdict)


def _judge_anthropic_return(expected: Expected, heard: Heard, sent: Json, mode: str, verdict: Verdict) -> None:
    messages = [{**one, "content": _blocks(one["content"])} for one in sent["messages"]]
    calling = [n for n, one in enumerate(messages) if any(block["type"] == "tool_use" for block in one["content"])]
    verdict.check(f"{mode}_pairing", len(calling), 1)
    if len(calling) != 1:
        return
    said = messages[calling[0]]["content"]
    answered = messages[calling[0] + 1]["content"] if calling[0] + 1 < len(messages) else []
    uses = [block for block in said if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in answered if block["type"] == "tool_result"]
    verdict.check(f"{mode}_pairing", results, [block["id"] for block in uses])
    verdict.check(f"{mode}_order", [one["type"] for one in answered[: len(results)]], ["tool_result"] * len(results))
    _judge_calls(expected, heard, [(use["id"], use["name"], use["input"]) for use in uses], mode, verdict)
    texts = [block["text"] for block in said if block["type"] == "text"]
    verdict.check(f"{mode}_text", "".join(texts).strip(), expected.choices[0].text.strip())
    verdict.check(f"{mode}_empty_text", [text for text in texts if not text.strip()], [])
    thoughts = [
        (block.get("thinking", ""), block.get("signature", ""), block.get("data", ""))
        for block in said
        if block["type"] in {"thinking", "redacted_thinking"}
    ]
    signed = [thought for thought in expected.thoughts if thought[1] or thought[2]]
    verdict.check(f"{mode}_thinking", thoughts, signed if mode == "full" else [])
    if thoughts:
        verdict.check(f"{mode}_thinking_first", said[0]["type"] in {"thinking", "redacted_thinking"}, want=True)
        verdict.check(f"{mode}_call_last", said[-1]["type"], "tool_use")


def _blocks(content: Json) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _judge_chat_return(expected: Expected, heard: Heard, sent: Json, mode: str, verdict: Verdict) -> None:
    messages = sent["messages"]
    calling = [n for n, one in enumerate(messages) if one.get("tool_calls")]
    verdict.check(f"{mode}_pairing", len(calling), 1)
    if len(calling) != 1:
        return
    calls = messages[calling[0]]["tool_calls"]
    results = [one.get("tool_call_id") for one in messages[calling[0] + 1 :] if one["role"] == "tool"]
    verdict.check(f"{mode}_pairing", results, [call["id"] for call in calls])
    is_text = [isinstance(call["function"]["arguments"], str) for call in calls]
    verdict.check(f"{mode}_arguments_are_text", is_text, [True] * len(calls))
    parsed = [(one["id"], one["function"]["name"], arguments_of(one["function"]["arguments"])) for one in calls]
    _judge_calls(expected, heard, parsed, mode, verdict)
    verdict.check(f"{mode}_text", messages[calling[0]].get("content") or "", expected.choices[0].text)
    unknown = {name for one in messages for name in one} - _CHAT_FIELDS
    verdict.check(f"{mode}_unknown_fields", unknown, set())


def _judge_calls(
    expected: Expected, heard: Heard, sent: list[tuple[str, str, Json]], mode: str, verdict: Verdict
) -> None:
    want = expected.choices[0].calls
    verdict.check(f"{mode}_calls", [(name, arguments) for _, name, arguments in sent], [(c.name, c.arguments) for c in want])
    shown = [call.id for call in heard.choices[0].calls]
    verdict.check(f"{mode}_ids", [call_id for call_id, _, _ in sent], shown)
    verdict.check(f"{mode}_unique_ids", len({call_id for call_id, _, _ in sent}), len(sent))


_RETURNS: Final[dict[str, Callable[[Expected, Heard, Json, str, Verdict], None]]] = {
    "anthropic": _judge_anthropic_return,
    "openai_chat": _judge_chat_return,
}
