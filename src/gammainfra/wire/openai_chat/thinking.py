"""Earlier reasoning in an assistant message: the fields in which clients send it back, and OpenRouter's details.

It decides which of several copies of one thought is read. It never judges whether a signature is still valid
anywhere: that is known to the writer of the next request only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from gammainfra.domain.chat import Thinking

ANTHROPIC: Final = "anthropic-claude-v1"
GEMINI: Final = "google-gemini-v1"
_SUMMARIES: Final = "responses-v1"  # formats whose readable part is a summary, not the thought itself


def read_thinking(message: Mapping[str, Any]) -> list[Thinking]:
    """The thoughts of one assistant message; the field that keeps most (signatures) is read, the others are copies."""
    blocks = message.get("thinking_blocks")
    if isinstance(blocks, list) and (found := _from_blocks(blocks)):
        return found
    details = message.get("reasoning_details")
    found = read_details(details) if isinstance(details, list) else []
    if any(thought.text for thought in found):
        return found
    for field in ("reasoning_content", "reasoning"):
        text = message.get(field)
        if isinstance(text, str) and text.strip():
            return [Thinking(text=text), *found]
    return found


def _from_blocks(blocks: Iterable[object]) -> list[Thinking]:
    found = []
    for block in blocks:
        match block:
            case {"type": "thinking", **rest}:
                text, signature = _string(rest.get("thinking")), _string(rest.get("signature"))
                if text or signature:
                    found.append(Thinking(text=text, signature=signature, format=ANTHROPIC))
            case {"type": "redacted_thinking", "data": str(redacted)}:
                found.append(Thinking(redacted=redacted, format=ANTHROPIC))
            case _:
                pass
    return found


def read_details(details: Iterable[object]) -> list[Thinking]:
    """OpenRouter's ``reasoning_details``. Stream fragments that a client only collected are joined again."""
    found: list[tuple[object, Thinking]] = []
    for detail in details:
        if not isinstance(detail, dict):
            continue
        key = (detail.get("type"), detail.get("index"))
        thought = from_detail(detail)
        if thought is None:
            continue
        last_key, last = found[-1] if found else (None, thought)
        if not thought.redacted and last_key == key and not last.signature:
            joined = replace(
                last,
                text=last.text + thought.text,
                signature=thought.signature,
                format=last.format or thought.format,
                id=last.id or thought.id,
            )
            found[-1] = (key, joined)
        else:
            found.append((key, thought))
    return [thought for _, thought in found if thought.text or thought.signature or thought.redacted]


def from_detail(detail: Mapping[str, Any]) -> Thinking | None:
    """One entry of ``reasoning_details``, None when its type is not known."""
    made_by, name = _string(detail.get("format")), _string(detail.get("id"))
    match detail.get("type"):
        case "reasoning.text":
            text, signature = _string(detail.get("text")), _string(detail.get("signature"))
            return Thinking(text=text, signature=signature, format=made_by, id=name)
        case "reasoning.summary":
            return Thinking(text=_string(detail.get("summary")), format=made_by, id=name)
        case "reasoning.encrypted":
            return Thinking(redacted=_string(detail.get("data")), format=made_by, id=name)
        case _:
            return None


def details_of(thought: Thinking, index: int) -> dict[str, Any]:
    """One thought as an entry of ``reasoning_details``: text, summary or encrypted, as its format wants it."""
    detail: dict[str, Any]
    if thought.redacted:
        detail = {"type": "reasoning.encrypted", "data": thought.redacted}
    elif thought.format.endswith(_SUMMARIES):
        detail = {"type": "reasoning.summary", "summary": thought.text}
    else:
        detail = {"type": "reasoning.text"}
        if thought.text:
            detail["text"] = thought.text
        if thought.signature:
            detail["signature"] = thought.signature
    if thought.id:
        detail["id"] = thought.id
    detail["format"] = thought.format or "unknown"
    detail["index"] = index
    return detail


def signature_of_call(call: Mapping[str, Any]) -> Thinking | None:
    """Gemini's thought signature on a tool call, as its OpenAI-compatible surface carries it."""
    match call.get("extra_content"):
        case {"google": {"thought_signature": str(signature)}} if signature:
            return Thinking(signature=signature, format=GEMINI, id=_string(call.get("id")))
        case _:
            return None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
